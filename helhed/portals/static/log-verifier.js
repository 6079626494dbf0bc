// Checks a citizen's export of the log, with nothing but the file. Written from docs/reference/log-format.md.
// verify(text, {witnesses, log, citizens, earlier}) gives what was found, or throws a Fault with one word of that page.

export class Fault extends Error {
  constructor(word, told) {
    super(told);
    this.word = word;
  }
}

const MINUTE = 60e6;
const FIVE_YEARS_LESS_A_MONTH = (5 * 365 + 1 - 31) * 24 * 60 * MINUTE;
const encoder = new TextEncoder();
const utf8 = (text) => encoder.encode(text);
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value, least = 0) => Number.isSafeInteger(value) && value >= least;

function demand(condition, word, told) {
  if (!condition) throw new Fault(word, told);
}

function bytesOf(hex, length) {
  demand(typeof hex === "string" && /^([0-9a-f]{2})*$/.test(hex), "format", "not hexadecimal");
  demand(length === undefined || hex.length === 2 * length, "format", "hexadecimal of another length");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function eightBytes(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(number));
  return bytes;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

const tagged = (tag, ...parts) => sha256(join(Uint8Array.of(tag), ...parts));

async function signatureHolds(key, line, content, signature) {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, join(utf8(line + "\n"), content));
  } catch (error) {
    if (error.name === "NotSupportedError") throw error;
    return false;
  }
}

// --- JSON in the one way it is signed ---------------------------------------------------------------------------------

function write(value) {
  if (typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (Number.isSafeInteger(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  demand(isObject(value), "format", "a value that is not used");
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${write(value[name])}`).join(",")}}`;
}

function read(text, word = "format") {
  demand(typeof text === "string", "format", "not text");
  let value;
  let again;
  try {
    value = JSON.parse(text);
    again = write(value);
  } catch {
    throw new Fault(word, "JSON that cannot be read");
  }
  demand(again === text, word, "JSON that is not canonical");
  return value;
}

function parts(value, needed, optional = []) {
  demand(isObject(value), "format", "not an object");
  const names = Object.keys(value);
  const known = names.every((name) => needed.includes(name) || optional.includes(name));
  demand(known && needed.every((name) => names.includes(name)), "format", "other parts than there should be");
  return value;
}

function listOf(value, test) {
  demand(Array.isArray(value) && value.every(test), "format", "not a list of its kind");
  return value;
}

const hashes = (value) => listOf(value, (one) => typeof one === "string").map((one) => bytesOf(one, 32));

// --- proofs -----------------------------------------------------------------------------------------------------------

// The path tells, from the leaf up, on which side each sibling stands: worked out from the root down (RFC 6962, 2.1.1).
function sidesOf(position, size) {
  const sides = [];
  let first = 0;
  let count = size;
  while (count > 1) {
    let left = 1;
    while (left * 2 < count) left *= 2;
    if (position - first < left) {
      sides.unshift("right");
      count = left;
    } else {
      sides.unshift("left");
      first += left;
      count -= left;
    }
  }
  return sides;
}

async function rootOver(leaf, position, size, path) {
  if (position >= size) return null;
  const sides = sidesOf(position, size);
  if (sides.length !== path.length) return null;
  let hash = leaf;
  for (const [at, side] of sides.entries()) {
    hash = side === "left" ? await tagged(1, path[at], hash) : await tagged(1, hash, path[at]);
  }
  return toHex(hash);
}

// Both roots rebuilt from the proof, by the recursion that made it (RFC 6962, 2.1.2).
async function consistent(first, firstRoot, second, secondRoot, proof) {
  if (first < 1 || first > second) return false;
  if (first === second) return proof.length === 0 && firstRoot === secondRoot;
  const left = [...proof];
  const rebuilt = async (older, newer, known) => {
    if (older === newer) {
      if (known) return { older: bytesOf(firstRoot), newer: bytesOf(firstRoot) };
      const hash = left.shift();
      return hash && { older: hash, newer: hash };
    }
    let half = 1;
    while (half * 2 < newer) half *= 2;
    const inner = older <= half ? await rebuilt(older, half, known) : await rebuilt(older - half, newer - half, false);
    const sibling = left.shift();
    if (!inner || !sibling) return null;
    if (older <= half) return { older: inner.older, newer: await tagged(1, inner.newer, sibling) };
    return { older: await tagged(1, sibling, inner.older), newer: await tagged(1, sibling, inner.newer) };
  };
  const roots = await rebuilt(first, second, true);
  return Boolean(roots) && left.length === 0 && toHex(roots.older) === firstRoot && toHex(roots.newer) === secondRoot;
}

async function rootOfMap(key, leaf, path) {
  if (path.length > 256) return null;
  let hash = leaf;
  for (const [height, sibling] of path.entries()) {
    const bit = path.length - 1 - height;
    const right = (key[Math.floor(bit / 8)] >> (7 - (bit % 8))) & 1;
    hash = await tagged(3, ...(right ? [sibling, hash] : [hash, sibling]));
  }
  return toHex(hash);
}

// --- heads, keys and witnesses ----------------------------------------------------------------------------------------

async function readKeys(log, told) {
  const keys = new Map();
  for (const entry of listOf(told, isObject)) {
    parts(entry, ["number", "public", "endorser", "endorsement"]);
    demand(isNumber(entry.number, 1) && isNumber(entry.endorser), "format", "a key without numbers");
    const key = bytesOf(entry.public, 32);
    const consent = bytesOf(entry.endorsement);
    demand(entry.number === keys.size + 1, "key", "keys out of order");
    let good;
    if (entry.number === 1) {
      const id = toHex(await sha256(join(utf8("helhed log v1\n"), key)));
      good = id === log && entry.endorser === 0 && consent.length === 0;
    } else {
      const content = join(bytesOf(log), eightBytes(entry.number), key);
      good = keys.has(entry.endorser) && (await signatureHolds(keys.get(entry.endorser), "helhed log key v1", content, consent));
    }
    demand(good, "key", "a key without consent");
    keys.set(entry.number, key);
  }
  return keys;
}

async function readHead(log, keys, told) {
  parts(told, ["body", "signature"]);
  const body = parts(read(told.body), ["v", "log", "number", "size", "root", "map", "at", "previous", "key"]);
  demand(body.v === 1, "format", "a head of another version");
  bytesOf(body.log, 32);
  demand(body.log === log, "log", "a head of another log");
  demand(isNumber(body.key, 1), "format", "a head without a key");
  const signature = bytesOf(told.signature);
  const key = keys.get(body.key);
  demand(key && (await signatureHolds(key, "helhed log head v1", utf8(told.body), signature)), "head", "a head with a wrong signature");
  demand(isNumber(body.number, 1) && isNumber(body.size) && isNumber(body.at), "format", "a head without numbers");
  for (const name of ["root", "map", "previous"]) bytesOf(body[name], 32);
  return { ...body, digest: toHex(await sha256(utf8(told.body))) };
}

function checkLine(heads) {
  for (let at = 1; at < heads.length; at += 1) {
    const [before, after] = [heads[at - 1], heads[at]];
    const follows = after.number === before.number + 1 && after.previous === before.digest;
    demand(follows && after.size >= before.size && after.at >= before.at, "order", "heads that do not follow one another");
  }
}

async function readCosignatures(log, heads, told, trusts) {
  const found = [];
  for (const entry of listOf(told, isObject)) {
    parts(entry, ["head", "witness", "public", "at", "signature"]);
    const key = bytesOf(entry.public, 32);
    if (!trusts(entry.public)) continue;
    demand(isNumber(entry.head, 1) && isNumber(entry.at), "format", "a cosignature without numbers");
    const head = heads.find((one) => one.number === entry.head);
    const body = `{"at":${entry.at},"head":"${head?.digest}","log":"${log}","v":1,"witness":"${entry.witness}"}`;
    const signature = bytesOf(entry.signature);
    const good = head && (await signatureHolds(key, "helhed log cosignature v1", utf8(body), signature));
    demand(good, "witness", "a witness did not sign this");
    found.push({ name: entry.witness, at: entry.at });
  }
  return found;
}

// --- events and chains ------------------------------------------------------------------------------------------------

async function readEvent(told) {
  demand(isNumber(told.position), "format", "an event without a position");
  if (!("event" in told)) {
    parts(told, ["position", "leaf", "path"]);
    return { position: told.position, leaf: bytesOf(told.leaf, 32), gone: true, citizens: null };
  }
  parts(told, ["position", "event", "open", "path"]);
  const event = read(told.event, "event");
  const known = isObject(event) && event.v === 1 && typeof event.event === "string";
  demand(known && Number.isSafeInteger(event.at) && typeof event.id === "string", "event", "an event that does not say what it must");
  demand(isObject(told.open), "format", "open is not an object");
  let citizens = null;
  for (const [name, opening] of Object.entries(told.open)) {
    parts(opening, ["salt", "value"]);
    const value = read(opening.value, "opening");
    const commitment = toHex(await tagged(5, bytesOf(opening.salt, 16), utf8(opening.value)));
    demand(Object.hasOwn(event, name) && event[name] === commitment, "opening", "not what was committed to");
    if (name === "citizens") {
      demand(Array.isArray(value) && value.every((one) => typeof one === "string"), "opening", "citizens are not a list");
      citizens = value;
    }
  }
  return { position: told.position, leaf: await tagged(0, utf8(told.event)), gone: false, citizens };
}

async function readEvents(told, head) {
  const events = new Map();
  let last = -1;
  for (const entry of listOf(told, isObject)) {
    const event = await readEvent(entry);
    demand(event.position > last, "event", "events out of order");
    const root = await rootOver(event.leaf, event.position, head.size, hashes(entry.path));
    demand(root === head.root, "inclusion", `not what stood at position ${event.position}`);
    last = event.position;
    events.set(last, event);
  }
  return events;
}

async function readChains(log, head, told, events) {
  const chains = new Map();
  const counted = new Set();
  for (const chain of listOf(told, isObject)) {
    parts(chain, ["citizen", "positions", "path"]);
    const { citizen } = chain;
    demand(typeof citizen === "string" && /^(0|-?[1-9][0-9]{0,18})$/.test(citizen), "format", "a chain of nobody");
    const number = BigInt(citizen);
    demand(BigInt.asIntN(64, number) === number && !chains.has(citizen), "format", "a chain of nobody");
    const positions = listOf(chain.positions, Number.isInteger);
    chains.set(citizen, positions);
    demand(positions.every((one, at) => at === 0 || one > positions[at - 1]), "chain", "a chain out of order");
    demand(positions.length > 0 && positions.every((one) => events.has(one)), "chain", "a chain counts what is not told");
    let state = new Uint8Array(32);
    for (const [at, position] of positions.entries()) {
      const { leaf, citizens } = events.get(position);
      demand(citizens === null || citizens.includes(citizen), "citizen", "an event about somebody else");
      state = await tagged(4, state, eightBytes(at + 1), eightBytes(position), leaf);
      counted.add(position);
    }
    const key = await tagged(6, bytesOf(log), eightBytes(number));
    const leaf = await tagged(2, key, eightBytes(positions.length), state);
    demand((await rootOfMap(key, leaf, hashes(chain.path))) === head.map, "map", "something was left out, added or moved");
  }
  demand([...events.keys()].every((position) => counted.has(position)), "chain", "an event in no chain");
  return chains;
}

async function checkGone(log, keys, head, gone, told, trusted) {
  demand(told !== undefined && told !== null, "missing", `${gone.length} events are gone`);
  parts(told, ["head", "cosignatures", "consistency"]);
  const old = await readHead(log, keys, told.head);
  const trusts = trusted.witnesses.length ? (key) => trusted.witnesses.includes(key) : () => true;
  const signed = await readCosignatures(log, [old], told.cosignatures, trusts);
  // a witness must have signed it long ago, by its own clock: a log may say any time
  const seen = signed.some((one) => head.at - Math.max(old.at, one.at) >= FIVE_YEARS_LESS_A_MONTH);
  const aged = seen && gone.every((event) => event.position < old.size);
  demand(aged, "missing", `${gone.length} events are gone, and are too young for that`);
  const proof = hashes(told.consistency);
  demand(await consistent(old.size, old.root, head.size, head.root, proof), "missing", "the log of then does not begin that of now");
}

// --- the whole --------------------------------------------------------------------------------------------------------

function open(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Fault("format", "not an export");
  }
  const names = ["format", "v", "log", "made", "keys", "head", "later", "cosignatures", "events", "chains"];
  parts(content, names, ["expired"]);
  demand(content.format === "helhed-log-export" && content.v === 1, "format", "not an export, or of another version");
  bytesOf(content.log, 32);
  return content;
}

async function checkEarlier(content, head, events, chains, text) {
  if (!text) return null;
  const before = open(text);
  const keys = await readKeys(before.log, before.keys);
  const then = await readHead(before.log, keys, before.head);
  const had = await readEvents(before.events, then);
  const chained = await readChains(before.log, then, before.chains, had);
  const same = before.log === content.log && then.size <= head.size;
  const kept = [...had].every(([at, event]) => events.has(at) && toHex(events.get(at).leaf) === toHex(event.leaf));
  const longer = [...chained].every(([key, those]) => those.every((one, at) => chains.get(key)?.[at] === one));
  demand(same && kept && longer, "rollback", "what the log said before, it does not say now");
  return had.size;
}

export async function verify(text, given = {}) {
  const trusted = { witnesses: [], log: null, citizens: [], earlier: null, ...given };
  const content = open(text);
  demand(trusted.log === null || trusted.log === content.log, "log", "an export of another log");
  const keys = await readKeys(content.log, content.keys);
  const head = await readHead(content.log, keys, content.head);
  const heads = [head];
  for (const one of listOf(content.later, isObject)) heads.push(await readHead(content.log, keys, one));
  checkLine(heads);
  const trusts = (key) => trusted.witnesses.includes(key);
  const signed = await readCosignatures(content.log, heads, content.cosignatures, trusts);
  const witnesses = [...new Set(signed.map((one) => one.name))].sort();
  demand(trusted.witnesses.length === 0 || witnesses.length > 0, "witness", "no trusted witness has signed");
  demand(isNumber(content.made), "format", "not said when it was made");
  demand(content.made - head.at <= 10 * MINUTE, "stale", "an old state of the log");
  const events = await readEvents(content.events, head);
  const gone = [...events.values()].filter((event) => event.gone);
  const now = signed.length ? Math.min(head.at, Math.max(...signed.map((one) => one.at))) : head.at;
  if (gone.length) await checkGone(content.log, keys, { ...head, at: now }, gone, content.expired, trusted);
  const chains = await readChains(content.log, head, content.chains, events);
  const citizens = [...chains.keys()].sort();
  const mine = trusted.citizens.length === 0 || [...trusted.citizens].sort().join() === citizens.join();
  demand(mine, "citizen", "the log of somebody else");
  const since = await checkEarlier(content, head, events, chains, trusted.earlier);
  return { log: content.log, size: head.size, at: head.at, events: events.size, gone: gone.length, witnesses, citizens, since };
}
