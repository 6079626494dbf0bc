// Prints what the browser's verifier says of vectors: {file: word}.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { Fault, verify } from "../../../helhed/portals/static/log-verifier.js";

const found = {};
for (const file of process.argv.slice(2)) {
  const vector = JSON.parse(readFileSync(file, "utf8"));
  try {
    await verify(JSON.stringify(vector.export), vector.trusted);
    found[basename(file)] = "whole";
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    found[basename(file)] = fault.word;
  }
}
console.log(JSON.stringify(found));
