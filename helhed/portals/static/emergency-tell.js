// Tells the network what was opened, as often as it takes, and does what the network says of each copy. Loaded by every page of the
// Hospital, so that a device is heard of as soon as somebody works at it.
import * as store from "./emergency-store.js";
import { hex } from "./emergency-crypto.js";

const AT_ONCE = 20;
const PATIENCE = 4000;

async function send(address, kept, openings, gone) {
  const message = JSON.stringify({
    openings: openings.map(({ n, prev, opened, patient, reason, seal }) => ({ n, prev, opened, patient, reason, seal })),
    claim: { n: kept.n, hash: kept.head, gone },
  });
  const body = new URLSearchParams({ kopi: kept.id, tegn: hex(kept.token), melding: message });
  const answer = await fetch(address, { method: "POST", body, credentials: "omit", signal: AbortSignal.timeout(PATIENCE) });
  if (answer.status === 404) return { state: "unknown", takeOut: [], told: 0 };
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function tellOne(address, id) {
  let kept = await store.copy(id);
  if (!kept) return { id, state: "forgotten", took: 0 };
  if (await store.momentOf(kept) >= kept.holdsUntil && !kept.gone) await store.empty(id);
  kept = await store.copy(id);
  const openings = (await store.openingsOf(id)).filter((one) => one.n > kept.told);
  let answer;
  do {
    const some = openings.splice(0, AT_ONCE);
    answer = await send(address, kept, some, kept.gone && !openings.length);
  } while (openings.length);
  if (answer.state === "closed" || answer.state === "unknown") {
    // a copy that the network does not know, or no more, is nobody's
    await store.forget(id);
    return { id, state: answer.state, took: 0 };
  }
  await store.change(id, { told: Math.min(answer.told, kept.n) });
  await store.takeOut(id, answer.takeOut);
  const took = answer.takeOut.filter((one) => !kept.out.includes(one)).length;
  if (took) await store.change(id, { out: answer.takeOut });
  if ((answer.state === "ended" || answer.state === "over") && !kept.gone) {
    await store.empty(id);
    return tellOne(address, id);
  }
  return { id, state: answer.state, took };
}

// What became of each copy here; a copy of which nothing could be told is left out. One window at a time.
export const tell = (address) => navigator.locks.request("helhed-emergency-tell", async () => {
  const told = [];
  for (const { id } of await store.copies()) {
    try {
      told.push(await tellOne(address, id));
    } catch {
      // no network: the next time will do
    }
  }
  return told;
});

const here = document.querySelector("script[data-emergency-tell]");
if (here && window.indexedDB && navigator.locks) tell(here.dataset.emergencyTell).catch(() => {});
