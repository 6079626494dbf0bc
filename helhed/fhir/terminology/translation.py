"""ConceptMap ``$translate`` (http://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""

from typing import Any

import orjson

from helhed.fhir.terminology.catalogue import Catalogue, same_systems
from helhed.fhir.terminology.model import Coding, Json, UnknownTerminology, split_canonical
from helhed.fhir.terminology.parameters import Inputs, answer
from helhed.fhir.terminology.texts import find_concept
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest

_KNOWN = (
    "url", "conceptMapVersion", "code", "system", "version", "source", "coding", "codeableConcept", "target",
    "targetsystem", "dependency", "reverse",
)  # fmt: skip
#: what a mapping says when it is read from its target
_REVERSED = {
    "wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}  # fmt: skip
_NO_MATCH = frozenset({"unmatched", "disjoint"})
_MOST_MAPS, _MOST_MATCHES = 50, 500
_FORWARD = (
    "select * from fhir.concept_mapping where map = $1 and source_system = any($2) and source_code = $3"
    " and ($4::text[] is null or target_system = any($4)) order by place limit $5"
)
_BACKWARD = (
    "select * from fhir.concept_mapping where map = $1 and target_system = any($2) and target_code = $3"
    " and ($4::text[] is null or source_system = any($4)) order by place limit $5"
)


async def translate(connection: Connection, catalogue: Catalogue, parameters: Json, language: str = "") -> Json:
    """What a code is in another system. Raises UnknownTerminology, BadRequest."""
    inputs = Inputs(parameters, _KNOWN)
    codings = inputs.codings("codeableConcept")
    if not codings:
        one = inputs.coding("coding") or Coding(inputs.needed("system"), inputs.needed("code"), inputs.text("version"))
        codings = [one]
    if any(not one.system for one in codings):
        raise BadRequest("Name the system of the code.")
    maps = await _maps(connection, catalogue, inputs)
    matches: list[Json] = []
    for one in codings:
        for found in maps:
            matches += await _in_map(connection, catalogue, found, one, inputs, language, set())
    result = any(_equivalence(match) not in _NO_MATCH for match in matches)
    message = (
        None if matches else {"name": "message", "valueString": "No map that is held here says what this code is."}
    )
    return answer({"name": "result", "valueBoolean": result}, message, *matches)


async def _maps(connection: Connection, catalogue: Catalogue, inputs: Inputs) -> list[Json]:
    if inputs.has("url"):
        return [await _load(connection, catalogue, inputs.text("url"), inputs.text("conceptMapVersion"))]
    if not inputs.has("targetsystem") and not inputs.has("target"):
        raise BadRequest("Name a concept map (url), or where to (targetsystem or target).")
    newest = [(url, versions[0]) for url, versions in sorted(catalogue.maps.items())]
    bodies = [await _load(connection, catalogue, url, version) for url, version in newest[:_MOST_MAPS]]
    source, target = inputs.text("source"), inputs.text("target")
    return [
        one
        for one in bodies
        if (not source or source in {one.get("sourceUri"), one.get("sourceCanonical")})
        and (not target or target in {one.get("targetUri"), one.get("targetCanonical")})
    ]


async def _load(connection: Connection, catalogue: Catalogue, canonical: str, version: str = "") -> Json:
    url, named = split_canonical(canonical)
    versions = catalogue.maps.get(url, [])
    wanted = version or named or (versions[0] if versions else "")
    row = await connection.fetchrow(
        "select key, body::text from fhir.concept_map where url = $1 and version = $2", url, wanted
    )
    if row is None:
        raise UnknownTerminology("ConceptMap", canonical)
    return {**orjson.loads(row["body"]), "_key": row["key"]}


async def _in_map(
    connection: Connection,
    catalogue: Catalogue,
    found: Json,
    asked: Coding,
    inputs: Inputs,
    language: str,
    seen: set[str],
) -> list[Json]:
    reverse = inputs.flag("reverse")
    target = list(same_systems(inputs.text("targetsystem"))) if inputs.has("targetsystem") else None
    rows = await connection.fetch(
        _BACKWARD if reverse else _FORWARD, found["_key"], list(same_systems(asked.system)), asked.code, target,
        _MOST_MATCHES,
    )  # fmt: skip
    dependencies = _dependencies(inputs)
    matches = []
    for row in rows:
        about = orjson.loads(row["about"])
        if _holds(about.get("dependsOn", ()), dependencies):
            matches.append(await _match(connection, catalogue, row, about, found, reverse, language))
    if matches or rows or reverse:
        return matches
    return await _unmapped(connection, catalogue, found, asked, inputs, language, seen)


async def _match(
    connection: Connection, catalogue: Catalogue, row: Any, about: Json, found: Json, reverse: bool, language: str
) -> Json:
    end = "source" if reverse else "target"
    equivalence = _REVERSED.get(row["equivalence"], row["equivalence"]) if reverse else row["equivalence"]
    display = about.get("sourceDisplay" if reverse else "display", "")
    concept = await _concept(connection, catalogue, row[f"{end}_system"], row[f"{end}_code"], display, language)
    more = [{"name": "source", "valueUri": found["url"]}]
    for product in () if reverse else about.get("product", ()):
        coding = {"system": product.get("system"), "code": product.get("value"), "display": product.get("display")}
        parts = [
            {"name": "element", "valueUri": product.get("property", "")},
            {"name": "concept", "valueCoding": {name: value for name, value in coding.items() if value}},
        ]
        more.append({"name": "product", "part": parts})
    return _told(equivalence, concept, more)


async def _unmapped(
    connection: Connection,
    catalogue: Catalogue,
    found: Json,
    asked: Coding,
    inputs: Inputs,
    language: str,
    seen: set[str],
) -> list[Json]:
    """What a map says of the codes it does not name (ConceptMap.group.unmapped)."""
    matches: list[Json] = []
    seen = seen | {found["url"]}
    for group in found.get("group", ()):
        rule = group.get("unmapped")
        target = split_canonical(str(group.get("target", "")))[0]
        wanted = inputs.text("targetsystem")
        if not rule or split_canonical(str(group.get("source", "")))[0] not in same_systems(asked.system):
            continue
        if wanted and target not in same_systems(wanted):
            continue
        source = [{"name": "source", "valueUri": found["url"]}]
        if rule.get("mode") == "provided":
            concept = await _concept(connection, catalogue, target, asked.code, asked.display, language)
            matches.append(_told("equal", concept, source))
        elif rule.get("mode") == "fixed":
            concept = await _concept(
                connection, catalogue, target, rule.get("code", ""), rule.get("display", ""), language
            )
            matches.append(_told("inexact", concept, source))
        elif rule.get("mode") == "other-map" and rule.get("url") not in seen:
            other = await _load(connection, catalogue, str(rule.get("url", "")))
            matches += await _in_map(connection, catalogue, other, asked, inputs, language, seen)
    return matches


async def _concept(
    connection: Connection, catalogue: Catalogue, url: str, code: str, display: str, language: str
) -> Json | None:
    if not code:
        return None
    system = catalogue.find(url)
    found = None if system is None else await find_concept(connection, system, code)
    text = found.text(system, language) if system is not None and found is not None and language else display
    told = {"system": url, "code": code, "display": text}
    return {name: value for name, value in told.items() if value}


def _told(equivalence: str, concept: Json | None, more: list[Json]) -> Json:
    parts: list[Json] = [{"name": "equivalence", "valueCode": equivalence}]
    if concept is not None:
        parts.append({"name": "concept", "valueCoding": concept})
    return {"name": "match", "part": parts + more}


def _equivalence(match: Json) -> str:
    return str(match["part"][0]["valueCode"])


def _dependencies(inputs: Inputs) -> dict[str, tuple[str, ...]]:
    """Element -> (codes) that were given as dependencies."""
    found: dict[str, tuple[str, ...]] = {}
    for parts in inputs.parts("dependency"):
        by_name = {part.get("name"): part for part in parts}
        element = by_name.get("element", {}).get("valueUri") or by_name.get("element", {}).get("valueString", "")
        codings = (by_name.get("concept", {}).get("valueCodeableConcept") or {}).get("coding", [])
        single = by_name.get("concept", {}).get("valueCoding")
        listed = [*codings, *([single] if single else [])]
        found[str(element)] = tuple(str(one.get("code", "")) for one in listed if isinstance(one, dict))
    return found


def _holds(needed: Any, given: dict[str, tuple[str, ...]]) -> bool:
    """A mapping counts when all it depends on was given (http://hl7.org/fhir/R4/conceptmap.html#elements)."""
    return all(one.get("value") in given.get(str(one.get("property")), ()) for one in needed)
