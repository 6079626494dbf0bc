// What this browser keeps of emergency copies: locked copies, the key of the browser, and the openings with the head of their chain.
import { hash, hex } from "./emergency-crypto.js";

const STORES = ["copies", "patients", "openings", "keys"];

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("helhed-emergency", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("copies", { keyPath: "id" });
      asked.result.createObjectStore("patients", { keyPath: ["copy", "patient"] });
      asked.result.createObjectStore("openings", { keyPath: ["copy", "n"] });
      asked.result.createObjectStore("keys", { keyPath: "copy" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

// Runs `work` with the stores in one transaction; resolves only once it is on the disk.
async function within(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORES, mode, { durability: "strict" });
      const stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)]));
      const answer = work(stores);
      transaction.oncomplete = () => resolve(answer && "result" in answer ? answer.result : undefined);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

const ofCopy = (id) => IDBKeyRange.bound([id], [id, []]);

export const copies = () => within("readonly", (stores) => stores.copies.getAll());
export const copy = (id) => within("readonly", (stores) => stores.copies.get(id));
export const browserKeyOf = (id) => within("readonly", (stores) => stores.keys.get(id));
export const patientOf = (id, patient) => within("readonly", (stores) => stores.patients.get([id, patient]));
export const openingsOf = (id) => within("readonly", (stores) => stores.openings.getAll(ofCopy(id)));

export const keep = (kept, key, patients) => within("readwrite", (stores) => {
  stores.copies.add(kept);
  stores.keys.add({ copy: kept.id, key });
  for (const one of patients) stores.patients.add({ ...one, copy: kept.id });
});

// An opening and the new head of the chain, both or neither. `add` refuses a number that another window took.
export const write = (id, opening, head) => within("readwrite", (stores) => {
  stores.openings.add({ ...opening, copy: id });
  const asked = stores.copies.get(id);
  asked.onsuccess = () => stores.copies.put({ ...asked.result, n: opening.n, head });
});

export const change = (id, changes) => within("readwrite", (stores) => {
  const asked = stores.copies.get(id);
  asked.onsuccess = () => { if (asked.result) stores.copies.put({ ...asked.result, ...changes }); };
});

export const takeOut = (id, patients) => within("readwrite", (stores) => { for (const one of patients) stores.patients.delete([id, one]); });

// Everything that could be read is gone; what was opened stays until it is told.
export const empty = (id) => within("readwrite", (stores) => {
  stores.patients.delete(ofCopy(id));
  stores.keys.delete(id);
  const asked = stores.copies.get(id);
  asked.onsuccess = () => { if (asked.result) stores.copies.put({ ...asked.result, gone: true, wrapped: null, index: null, seal: null }); };
});

export const forget = (id) => within("readwrite", (stores) => {
  stores.patients.delete(ofCopy(id));
  stores.openings.delete(ofCopy(id));
  stores.keys.delete(id);
  stores.copies.delete(id);
});

// What is sealed, and hashed into the next: trust/emergency/entries.py builds the same.
export const textOf = (id, one) => ["helhed-emergency-opening-1", id, one.n, one.prev, one.opened, one.patient, one.reason].join("\n");
export const firstHead = (id) => hash(id);

// The clock of the device, never before what it said last: a clock that is set back does not make a copy hold longer.
export async function momentOf(kept) {
  const now = Math.max(Date.now(), kept.seen);
  if (now > kept.seen) await change(kept.id, { seen: now });
  return now;
}

export { hash, hex };
