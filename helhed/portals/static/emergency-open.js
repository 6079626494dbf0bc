// The page that works without a network: opens a copy with its code, one patient at a time, each with a reason. An opening is on the disk,
// chained and sealed, before anything of the patient is unlocked.
import * as locks from "./emergency-crypto.js";
import * as store from "./emergency-store.js";
import { tell } from "./emergency-tell.js";

const page = document.getElementById("noedkopi");
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const fill = (within, told) => { for (const place of within.querySelectorAll("[data-fill]")) if (place.dataset.fill in told) place.textContent = told[place.dataset.fill]; };
const say = (word, shown) => { page.querySelector(`[data-say="${word}"]`).hidden = !shown; };
const problem = (within, word) => { for (const one of within.querySelectorAll("[data-problem]")) one.hidden = one.dataset.problem !== word; };
const KEPT = "helhed-emergency-1";
const EVERY = 30000;
const SLOWEST = 30000;

let held = null; // the copy that is unlocked: its key, its people and its seal
let timer = null;
let wrong = 0;

function show(name) {
  for (const one of page.querySelectorAll("[data-part]")) one.hidden = one.dataset.part !== name;
}

function element(name, words, kind) {
  const made = document.createElement(name);
  made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

// --- kept without a network --------------------------------------------------------------------------------------------------

async function keepPage() {
  try {
    await navigator.serviceWorker.register(page.dataset.worker);
    const cache = await caches.open(KEPT);
    const used = performance.getEntriesByType("resource").map((one) => one.name).filter((name) => new URL(name).pathname.startsWith("/static/"));
    if (navigator.onLine) await Promise.all([...new Set([page.dataset.open, ...used])].map((one) => keepOne(cache, one))).catch(() => {});
    const there = Boolean(await cache.match(page.dataset.open));
    say("ready", there);
    say("not-ready", !there);
  } catch {
    say("unable", true);
  }
}

// Without cookies: the page that is kept knows nobody.
async function keepOne(cache, address) {
  const answer = await fetch(address, { credentials: "omit" });
  if (answer.ok) await cache.put(address, answer);
}

// --- locked ------------------------------------------------------------------------------------------------------------------

async function showLocked() {
  forgetHeld();
  const here = await store.copies();
  for (const kept of here) if (!kept.gone && await store.momentOf(kept) >= kept.holdsUntil) { await store.empty(kept.id); say("over", true); }
  const open = (await store.copies()).filter((one) => !one.gone);
  part("locked").replaceChildren(...open.map(lockedForm));
  show(open.length ? "locked" : "none");
  await showWaiting();
}

function lockedForm(kept) {
  const form = document.getElementById("laast").content.cloneNode(true).firstElementChild;
  fill(form, { holder: [kept.holder, kept.place].filter(Boolean).join(", "), issued: kept.issued, until: kept.until });
  form.addEventListener("submit", (event) => { event.preventDefault(); open(form, kept.id); });
  form.querySelector("[data-do=delete]").addEventListener("click", async () => { await store.empty(kept.id); await hear(); await showLocked(); });
  return form;
}

async function open(form, id) {
  problem(form, "unlocking");
  form.querySelector("[type=submit]").disabled = true;
  await new Promise((resolve) => setTimeout(resolve, wrong ? Math.min(SLOWEST, 500 * 2 ** wrong) : 0));
  try {
    const [kept, browser] = [await store.copy(id), await store.browserKeyOf(id)];
    const key = await locks.keyOf(form.elements.kode.value, kept, browser.key);
    held = { id, key, people: await locks.unlock(key, kept.index, `${id}/index`), seal: await locks.unlock(key, kept.seal, `${id}/seal`) };
    wrong = 0;
    showChoice(kept);
  } catch {
    wrong += 1;
    problem(form, "wrong");
  }
  form.elements.kode.value = "";
  form.querySelector("[type=submit]").disabled = false;
}

function forgetHeld() {
  held = null;
  closePatient();
}

// --- one patient, with a reason ----------------------------------------------------------------------------------------------

function choices(place, name, all) {
  const labels = all.map(([value, first, more]) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name, value, required: true });
    label.append(input, " ", element("b", first), more ? ` ${more}` : "");
    return label;
  });
  place.replaceChildren(place.querySelector("legend"), ...labels);
}

function showChoice(kept) {
  const form = part("choose");
  const people = held.people.filter((one) => !kept.out.includes(one.patient));
  choices(document.getElementById("patienter"), "patient", people.map((one) => [one.patient, one.name, one.line]));
  choices(document.getElementById("grunde"), "grund", kept.reasons.map((one) => [one.code, one.words, ""]));
  document.getElementById("soeg").value = "";
  problem(form, "");
  show("choose");
  form.querySelector("input").focus();
}

document.getElementById("soeg").addEventListener("input", (event) => {
  const sought = event.target.value.toLocaleLowerCase();
  for (const label of document.querySelectorAll("#patienter label")) label.hidden = !label.textContent.toLocaleLowerCase().includes(sought);
});

// Writes the opening, and only then unlocks the patient. Another window's openings are waited for.
const opening = (patient, reason) => navigator.locks.request("helhed-emergency-open", async () => {
  const kept = await store.copy(held.id);
  const now = await store.momentOf(kept);
  if (kept.gone || kept.out.includes(patient) || now >= kept.holdsUntil) return null;
  const entry = { n: kept.n + 1, prev: kept.head, opened: new Date(now).toISOString(), patient, reason };
  const said = store.textOf(kept.id, entry);
  await store.write(kept.id, { ...entry, seal: await locks.seal(held.seal, said) }, await locks.hash(said));
  const found = await store.patientOf(kept.id, patient);
  return found ? { ...await locks.unlock(held.key, found.box, `${kept.id}/${patient}`), issued: kept.issued } : null;
});

part("choose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const [patient, reason] = ["patient", "grund"].map((name) => form.elements[name]?.value);
  if (!patient || !reason) { problem(form, "choose"); return; }
  await hear(); // when the network is here, what has ended since is gone first
  if (!held) return;
  try {
    const found = await opening(patient, reason);
    if (found) showPatient(found); else await showLocked();
  } catch {
    problem(form, "not-written");
  }
  await showWaiting();
  hear();
});

function showPatient(found) {
  const shown = part("patient");
  fill(shown, found);
  document.getElementById("dele").replaceChildren(...found.sections.map(section));
  show("patient");
  shown.querySelector("h2").focus();
  clearTimeout(timer);
  timer = setTimeout(showLocked, Number(page.dataset.shown));
}

function section(one) {
  const made = element("section", "", one.strong ? "hh-cave" : "hh-card");
  made.append(element("h3", one.title));
  if (!one.lines.length) { made.append(element("p", one.empty, "hh-muted")); return made; }
  const list = element("ul", "", "hh-list hh-rows hh-rows--tight");
  list.setAttribute("role", "list");
  for (const line of one.lines) {
    const item = element("li", "");
    item.append(element("b", line.title));
    if (line.text) item.append(element("small", line.text));
    list.append(item);
  }
  made.append(list);
  return made;
}

function closePatient() {
  clearTimeout(timer);
  fill(part("patient"), { name: "", line: "" });
  document.getElementById("dele").replaceChildren();
}

page.addEventListener("click", async (event) => {
  if (event.target.dataset.do === "close") { closePatient(); showChoice(await store.copy(held.id)); }
  if (event.target.dataset.do === "lock") await showLocked();
});

// --- heard of ----------------------------------------------------------------------------------------------------------------

async function showWaiting() {
  let waiting = 0;
  let opened = 0;
  for (const kept of await store.copies()) { waiting += kept.n - kept.told; opened += kept.n; }
  fill(page, { waiting: String(waiting) });
  say("waiting", waiting > 0);
  say("all-told", opened > 0 && waiting === 0);
}

// Tells what was opened, and lets go of what has ended.
async function hear() {
  if (!navigator.onLine) return;
  const told = await tell(page.dataset.tell);
  if (told.some((one) => one.took)) say("taken", true);
  const mine = held && await store.copy(held.id);
  const lost = held ? !mine || mine.gone : told.some((one) => one.state === "closed" || one.state === "unknown");
  if (lost) await showLocked();
  await showWaiting();
}

addEventListener("online", hear);
addEventListener("pagehide", forgetHeld);
setInterval(hear, EVERY);
await keepPage();
await showLocked();
await hear();
page.dataset.begun = "yes";
