"""Compiles the published FHIR R4 (4.0.1) definitions to the facts in ``helhed/fhir/definitions``.

    python -m tools.compile_definitions FOLDER

FOLDER holds profiles-resources.json, profiles-types.json, search-parameters.json, compartmentdefinition-patient.json,
valuesets.json, v3-codesystems.json, v2-tables.json and conceptmaps.json, plain or with .xz. Only facts are kept: names, types,
cardinalities, required codes, search expressions.
"""

import json
import lzma
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.compile_terminology import compile_terminology

Json = dict[str, Any]
OUT = Path(__file__).resolve().parent.parent / "helhed" / "fhir" / "definitions"
SOURCE = "HL7 FHIR R4 4.0.1 definitions, http://hl7.org/fhir/R4/downloads.html"
KINDS = ("string", "token", "reference", "date", "number", "quantity", "uri", "composite", "special")
SYSTEM_TYPES = "http://hl7.org/fhirpath/System."
_MOST_CODES = 3000
#: what the structure, narrative and containment checks of ``helhed.fhir.validation`` and ``profiles`` see to without FHIRPath
CHECKED_ELSEWHERE = {"ele-1", "ext-1", "txt-1", "txt-2", "ref-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6"}


def read(folder: Path, name: str) -> list[Json]:
    """The resources of one definitions Bundle (or the one resource)."""
    plain = folder / name
    raw = plain.read_bytes() if plain.exists() else lzma.decompress((folder / f"{name}.xz").read_bytes())
    content = json.loads(raw)
    return [entry["resource"] for entry in content["entry"]] if content["resourceType"] == "Bundle" else [content]


def structures(folder: Path) -> Iterator[Json]:
    """Resource types and data types, no profiles."""
    for name in ("profiles-types.json", "profiles-resources.json"):
        for one in read(folder, name):
            kinds = {"resource", "complex-type", "primitive-type"}
            profile = (
                one.get("derivation") == "constraint"
            )  # SimpleQuantity is Quantity with less, not another Quantity
            if one["resourceType"] == "StructureDefinition" and one["kind"] in kinds and not profile:
                yield one


def element(path: str, one: Json) -> list[Any]:
    """[name, types, min, many, required value set, reference targets]."""
    types, targets = [], []
    for kind in one.get("type", ()):
        code = kind["code"]
        if code.startswith(SYSTEM_TYPES):
            code = next((e["valueUrl"] for e in kind.get("extension", ()) if e["url"].endswith("fhir-type")), "string")
        if code in {"BackboneElement", "Element"} and one.get("_nested"):
            code = path
        types.append(code)
        targets += [
            target.rsplit("/", 1)[1] for target in kind.get("targetProfile", ()) if code in {"Reference", "canonical"}
        ]
    if "contentReference" in one:
        types = [one["contentReference"].lstrip("#")]
    binding = one.get("binding", {})
    bound = binding.get("valueSet", "").split("|")[0] if binding.get("strength") == "required" else ""
    allowed = sorted(set(targets)) if "Reference" in types and "Resource" not in targets else []
    return [path.rsplit(".", 1)[1], types, one["min"], one["max"] not in {"0", "1"}, bound, allowed]


def types_of(definition: Json) -> Iterator[Json]:
    """One record for the type and one for each of its nested elements."""
    elements = definition["snapshot"]["element"]
    paths = [one["path"] for one in elements]
    groups: dict[str, list[list[Any]]] = {paths[0]: []}
    for one in elements[1:]:
        path = one["path"]
        one["_nested"] = any(other.startswith(path + ".") for other in paths)
        if one["_nested"]:
            groups.setdefault(path, [])
        if one["max"] != "0":
            groups[path.rsplit(".", 1)[0]].append(element(path, one))
    for name, members in groups.items():
        yield {"name": name, "kind": definition["kind"] if name == paths[0] else "nested", "elements": members}


def invariants_of(definition: Json) -> Iterator[Json]:
    """One record for each type or nested element that has rules in FHIRPath: [element or "", key, severity, expression]."""
    elements = definition["snapshot"]["element"]
    paths = [one["path"] for one in elements]
    found: dict[str, list[list[str]]] = {}
    for one in elements:
        path = one["path"]
        nested = path == paths[0] or any(other.startswith(path + ".") for other in paths)
        holder, name = (path, "") if nested else path.rsplit(".", 1)
        for rule in one.get("constraint", ()):
            if rule.get("expression") and rule["key"] not in CHECKED_ELSEWHERE:
                found.setdefault(holder, []).append([name, rule["key"], rule["severity"], rule["expression"]])
    for name, rules in found.items():
        yield {"type": name, "rules": rules}


def summaries_of(definition: Json) -> Iterator[list[Any]]:
    """[type or nested element, names marked as summary, names that modify]: names as published, "[x]" for a choice."""
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for one in definition["snapshot"]["element"]:
        parent, dot, name = one["path"].rpartition(".")
        if dot and one["max"] != "0":
            summary, modifying = groups.setdefault(parent, ([], []))
            summary += [name] if one.get("isSummary") else []
            modifying += [name] if one.get("isModifier") else []
    for parent, (summary, modifying) in groups.items():
        yield [parent, summary, modifying]


def bindings_of(definition: Json) -> Iterator[list[Any]]:
    """[path, profiles by type, binding or []] of each element that has some: [strength, value set, outermost value set]."""
    for one in definition["snapshot"]["element"]:
        profiles = {kind["code"]: kind["profile"] for kind in one.get("type", ()) if kind.get("profile")}
        binding = one.get("binding", {})
        outermost = [e for e in binding.get("extension", ()) if e["url"].endswith("/elementdefinition-maxValueSet")]
        limit = next((e.get("valueCanonical") or e.get("valueUri") or "" for e in outermost), "")
        told = binding.get("valueSet") and (limit or binding["strength"] in {"required", "extensible"})
        if profiles or told:
            yield [one["path"], profiles, [binding["strength"], binding["valueSet"], limit] if told else []]


def pattern_of(definition: Json) -> str:
    """The regular expression of a primitive type."""
    for one in definition["snapshot"]["element"]:
        for kind in one.get("type", ()):
            for extension in kind.get("extension", ()):
                if one["path"].endswith(".value") and extension["url"].endswith("/regex"):
                    return str(extension["valueString"])
    return ""


class Codes:
    """Expands value sets that can be enumerated."""

    def __init__(self, folder: Path) -> None:
        everything = [
            r for name in ("valuesets.json", "v3-codesystems.json", "v2-tables.json") for r in read(folder, name)
        ]
        self._systems = {r["url"]: r for r in everything if r["resourceType"] == "CodeSystem"}
        self._sets = {r["url"]: r for r in everything if r["resourceType"] == "ValueSet"}

    def expand(self, url: str) -> list[list[str]] | None:
        """[system, code] pairs, or None when the set cannot be enumerated from the definitions."""
        found = self._sets.get(url)
        compose = (found or {}).get("compose")
        if not compose:
            return None
        pairs: set[tuple[str, str]] = set()
        for include in compose["include"]:
            some = self._include(include)
            if some is None:
                return None
            pairs |= some
        for exclude in compose.get("exclude", ()):
            pairs -= self._include(exclude) or set()
        return [list(pair) for pair in sorted(pairs)] if 0 < len(pairs) <= _MOST_CODES else None

    def _include(self, include: Json) -> set[tuple[str, str]] | None:
        if "valueSet" in include:
            expanded = [self.expand(url.split("|")[0]) for url in include["valueSet"]]
            return None if None in expanded else {(s, c) for pairs in expanded for s, c in pairs or ()}
        system = include["system"]
        if "concept" in include:
            return {(system, concept["code"]) for concept in include["concept"]}
        code_system = self._systems.get(system)
        if code_system is None or code_system.get("content") != "complete":
            return None
        chosen = list(code_system.get("concept", ()))
        for rule in include.get("filter", ()):
            if rule["op"] not in {"is-a", "descendent-of"}:
                return None
            chosen = [c for c in _walk(chosen) if c["code"] == rule["value"]]
            if rule["op"] == "descendent-of":
                chosen = [child for c in chosen for child in c.get("concept", ())]
        return {(system, concept["code"]) for concept in _walk(chosen)}


def _walk(concepts: Iterable[Json]) -> Iterator[Json]:
    for concept in concepts:
        yield concept
        yield from _walk(concept.get("concept", ()))


def numbers(path: Path, names: Iterable[str]) -> dict[str, int]:
    """Stable numbers: those given before stay, new names are appended."""
    known: dict[str, int] = json.loads(path.read_text())["numbers"] if path.exists() else {}
    following = max(known.values(), default=0) + 1
    for name in sorted(set(names) - set(known)):
        known[name] = following
        following += 1
    return known


def components_of(parameter: Json, codes_of: dict[str, tuple[str, str]]) -> list[list[str]]:
    """[parameter code, kind, expression below the base] of each component.

    R4 gives DocumentReference's relationship the expressions of its two components the wrong way round; the kinds tell.
    """
    found = [[*codes_of[one["definition"]], one["expression"]] for one in parameter["component"]]
    if parameter["code"] == "relationship" and found[0][1] == "reference" and found[0][2] == "code":
        found[0][2], found[1][2] = found[1][2], found[0][2]
    return found


def write_lines(name: str, records: Iterable[Any]) -> None:
    """One record a line, so that a diff reads."""
    lines = [json.dumps({"fhir": "4.0.1", "source": SOURCE})]
    lines += [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    (OUT / name).write_text("\n".join(lines) + "\n", "utf-8")


def main(folder: Path) -> None:
    """Write every file of facts."""
    definitions = list(structures(folder))
    records = [record for one in definitions if one["kind"] != "primitive-type" for record in types_of(one)]
    write_lines("types.jsonl", records)
    write_lines(
        "summaries.jsonl", [one for found in definitions if found["kind"] == "resource" for one in summaries_of(found)]
    )
    write_lines(
        "primitives.jsonl",
        [{"name": one["id"], "pattern": pattern_of(one)} for one in definitions if one["kind"] == "primitive-type"],
    )
    write_lines("bindings.jsonl", [record for one in definitions for record in bindings_of(one)])
    write_lines("invariants.jsonl", [record for one in definitions for record in invariants_of(one)])
    codes = Codes(folder)
    bound = sorted({member[4] for record in records for member in record["elements"] if member[4]})
    write_lines("required_codes.jsonl", [{"valueSet": url, "codes": codes.expand(url)} for url in bound])
    resources = sorted(one["id"] for one in definitions if one["kind"] == "resource" and not one.get("abstract"))
    parameters = [
        one for one in read(folder, "search-parameters.json") if one.get("expression") and one["code"] != "_id"
    ]
    write_lines(
        "search_parameters.jsonl",
        [
            [base, one["code"], one["type"], one["expression"], sorted(one.get("target", ()))]
            for one in sorted(parameters, key=lambda one: (one["code"], one["base"]))
            for base in sorted(one["base"])
            if base in {*resources, "Resource"}
        ],
    )
    codes_of = {one["url"]: (one["code"], one["type"]) for one in read(folder, "search-parameters.json")}
    write_lines(
        "composites.jsonl",
        [
            [base, one["code"], one["expression"].split(" | "), components_of(one, codes_of)]
            for one in sorted(parameters, key=lambda one: (one["code"], one["base"]))
            for base in sorted(one["base"])
            if one["type"] == "composite"
        ],
    )
    compile_terminology(folder, read, SOURCE)
    compartment = read(folder, "compartmentdefinition-patient.json")[0]["resource"]
    write_lines("patient_compartment.jsonl", [[one["code"], one["param"]] for one in compartment if one.get("param")])
    for name, names in (
        ("type_numbers.json", resources),
        ("parameter_numbers.json", {one["code"] for one in parameters}),
    ):
        content = {"note": "stable: numbers are stored in rows and never change", "numbers": numbers(OUT / name, names)}
        (OUT / name).write_text(json.dumps(content, indent=0) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
