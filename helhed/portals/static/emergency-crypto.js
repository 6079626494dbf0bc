// How an emergency copy is locked. The key of a copy is wrapped twice: by a key that follows from the code (PBKDF2), and by a key of this
// browser that cannot be taken out of it. The code alone opens nothing elsewhere, and the device alone opens nothing without the code.
// The key that seals openings is inside the copy.
const text = new TextEncoder();
const AES = { name: "AES-GCM", length: 256 };
const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const SIGN = { name: "ECDSA", hash: "SHA-256" };

export const random = (size) => crypto.getRandomValues(new Uint8Array(size));
export const hex = (bytes) => Array.from(new Uint8Array(bytes), (one) => one.toString(16).padStart(2, "0")).join("");
export const bytesOf = (written) => Uint8Array.from(written.match(/../g), (one) => parseInt(one, 16));
export const hash = async (bytes) => hex(await crypto.subtle.digest("SHA-256", typeof bytes === "string" ? text.encode(bytes) : bytes));

async function fromCode(code, salt, iterations) {
  const base = await crypto.subtle.importKey("raw", text.encode(code.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, base, AES, false, ["encrypt", "decrypt"]);
}

async function lockBytes(key, bytes, about) {
  const iv = random(12);
  return { iv, locked: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: text.encode(about) }, key, bytes) };
}

const openBytes = (key, box, about) => crypto.subtle.decrypt({ name: "AES-GCM", iv: box.iv, additionalData: text.encode(about) }, key, box.locked);

// A box is bound to what it is of: one put in another's place does not open.
export const lock = (key, value, about) => lockBytes(key, text.encode(JSON.stringify(value)), about);
export const unlock = async (key, box, about) => JSON.parse(new TextDecoder().decode(await openBytes(key, box, about)));

export const browserKey = () => crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);

export async function newKey(code, iterations, browser, copy) {
  const salt = random(16);
  const key = await crypto.subtle.generateKey(AES, true, ["encrypt", "decrypt"]);
  const inner = await lockBytes(await fromCode(code, salt, iterations), await crypto.subtle.exportKey("raw", key), `${copy}/key`);
  const joined = new Uint8Array([...inner.iv, ...new Uint8Array(inner.locked)]);
  return { key, wrapped: await lockBytes(browser, joined, `${copy}/browser`), salt };
}

// The key of a copy. Throws for a wrong code.
export async function keyOf(code, kept, browser) {
  const joined = new Uint8Array(await openBytes(browser, kept.wrapped, `${kept.id}/browser`));
  const inner = { iv: joined.slice(0, 12), locked: joined.slice(12) };
  const raw = await openBytes(await fromCode(code, kept.salt, kept.iterations), inner, `${kept.id}/key`);
  return crypto.subtle.importKey("raw", raw, AES, false, ["encrypt", "decrypt"]);
}

export async function newSeal() {
  const pair = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  return {
    open: hex(await crypto.subtle.exportKey("spki", pair.publicKey)),
    secret: hex(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  };
}

export async function seal(secret, said) {
  const key = await crypto.subtle.importKey("pkcs8", bytesOf(secret), ECDSA, false, ["sign"]);
  return hex(await crypto.subtle.sign(SIGN, key, text.encode(said)));
}
