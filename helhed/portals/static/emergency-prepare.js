// Makes an emergency copy: fetched once, locked here, kept here. The code never leaves this page.
import * as locks from "./emergency-crypto.js";
import * as store from "./emergency-store.js";
import { tell } from "./emergency-tell.js";

const form = document.getElementById("lav-kopi");

function problem(word) {
  for (const one of form.querySelectorAll("[data-problem]")) one.hidden = one.dataset.problem !== word;
}

async function keepable() {
  await store.copies();
  await navigator.serviceWorker.register(form.dataset.worker);
  if (navigator.storage?.persist) await navigator.storage.persist();
}

async function fetched(seal, token) {
  const csrf = form.elements.csrf.value;
  const body = new URLSearchParams({ csrf, noegle: seal.open, tegn: await locks.hash(token) });
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
  if (answer.status === 403) {
    location.assign(form.dataset.prove); // the page was open too long: who it is has to be shown again
    return new Promise(() => {});
  }
  if (answer.status !== 200 || !answer.headers.get("content-type")?.startsWith("application/json")) throw new Error(answer.status);
  return answer.json();
}

async function kept(told, code, seal, token) {
  const browser = await locks.browserKey();
  const { key, wrapped, salt } = await locks.newKey(code, told.iterations, browser, told.copy);
  const of = (one) => `${told.copy}/${one}`;
  const patients = [];
  for (const one of told.patients) {
    patients.push({ patient: one.patient, box: await locks.lock(key, { name: one.name, line: one.line, sections: one.sections }, of(one.patient)) });
  }
  const people = told.patients.map(({ patient, name, line }) => ({ patient, name, line }));
  await store.keep({
    id: told.copy, holder: told.holder, place: told.place, issued: told.issuedWords, until: told.holdsUntilWords, holdsUntil: told.holdsUntil,
    salt, iterations: told.iterations, wrapped, token, reasons: told.reasons, seen: told.issued, n: 0, told: 0, out: [], gone: false,
    head: await store.firstHead(told.copy), index: await locks.lock(key, people, of("index")), seal: await locks.lock(key, seal.secret, of("seal")),
  }, browser, patients);
}

async function make(code) {
  const [seal, token] = [await locks.newSeal(), locks.random(32)];
  const told = await fetched(seal, token);
  try {
    await kept(told, code, seal, token);
  } catch (error) {
    // it is out by the network's word: say that it is gone again
    await store.keep({ id: told.copy, token, n: 0, told: 0, out: [], gone: true, seen: told.issued, holdsUntil: 0, head: await store.firstHead(told.copy) }, null, []).catch(() => {});
    await tell(form.dataset.tell);
    throw error;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [code, again] = ["kode", "kode-igen"].map((id) => document.getElementById(id).value);
  problem([...code].length < Number(form.dataset.least) ? "short" : code !== again ? "unlike" : "");
  if (form.querySelector("[data-problem]:not([hidden])")) return;
  const button = form.querySelector("button");
  const busy = document.getElementById("laver");
  button.disabled = true;
  busy.hidden = false;
  try {
    await keepable();
  } catch {
    problem("unable");
    button.disabled = false;
    busy.hidden = true;
    return;
  }
  try {
    await make(code);
    location.assign(form.dataset.open);
  } catch {
    problem("failed");
    button.disabled = false;
    busy.hidden = true;
  }
});
form.hidden = false;
