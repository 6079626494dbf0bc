// The page "Is my log whole?": fetches the citizen's export once, and checks it when asked, without the network.
import { Fault, verify } from "./log-verifier.js";

const page = document.getElementById("bevis");
const show = (id, visible = true) => { document.getElementById(id).hidden = !visible; };
let text = null;

function outcome(word) {
  for (const part of page.querySelectorAll("[data-outcome]")) part.hidden = part.dataset.outcome !== word;
  if (word !== "working") document.getElementById("resultat").focus();
}

function fill(found) {
  const told = {
    ...found,
    at: new Date(found.at / 1000).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "medium", timeZone: "Europe/Copenhagen" }),
    witnesses: found.witnesses.join(", "),
  };
  for (const place of page.querySelectorAll("[data-fill]")) place.textContent = told[place.dataset.fill] ?? "";
  for (const part of page.querySelectorAll("[data-when]")) part.hidden = !found[part.dataset.when];
}

async function check() {
  outcome("working");
  const typed = document.getElementById("noegle").value.trim().toLowerCase();
  const [earlier] = document.getElementById("tidligere").files;
  const trusted = {
    witnesses: typed ? [typed] : page.dataset.witnesses.split(" ").filter(Boolean),
    log: page.dataset.log || null,
    earlier: earlier ? await earlier.text() : null,
  };
  try {
    const found = await verify(text, trusted);
    if (!found.citizens.includes(page.dataset.own)) throw new Fault("citizen", "another citizen");
    fill(found);
    outcome(found.witnesses.length ? "whole" : "alone");
  } catch (fault) {
    outcome(fault instanceof Fault ? fault.word : "old-browser");
  }
}

async function fetchOnce() {
  show("henter");
  try {
    const answer = await fetch(page.dataset.export, { credentials: "same-origin" });
    if (answer.status !== 200) throw new Error(answer.status);
    text = await answer.text();
    for (const id of ["hentet", "knapper", "tidligere-felt", "noegle-felt"]) show(id);
  } catch {
    show("ikke-hentet");
  }
  show("henter", false);
}

document.getElementById("tjek-nu").addEventListener("click", check);
fetchOnce();
