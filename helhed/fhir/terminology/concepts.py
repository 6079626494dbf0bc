"""The operations of CodeSystem: ``$lookup``, ``$validate-code`` and ``$subsumes``.

http://hl7.org/fhir/R4/codesystem-operations.html
"""

from typing import Any

from helhed.fhir.terminology.catalogue import Catalogue, System
from helhed.fhir.terminology.model import Coding, Json, Undecided
from helhed.fhir.terminology.parameters import Inputs, answer
from helhed.fhir.terminology.texts import Held, as_designation, as_value, find_concept
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Issue, Unknown

_LOOKUP = ("code", "system", "version", "coding", "date", "displayLanguage", "property")
_VALIDATE = ("url", "code", "version", "display", "coding", "codeableConcept", "date", "displayLanguage")
_SUBSUMES = ("codeA", "codeB", "system", "version", "codingA", "codingB")
_MOST_NEIGHBOURS = 1000
_PARENTS = (
    "select p.code from fhir.concept c join fhir.concept p on p.system = c.system and p.number = any(c.parents)"
    " where c.system = $1 and c.number = $2 order by p.number"
)
_CHILDREN = (
    "select c.code from fhir.concept_above a join fhir.concept c on c.system = a.system and c.number = a.descendant"
    " where a.system = $1 and a.ancestor = $2 and $2 = any(c.parents) order by c.number limit $3"
)
_ABOVE = "select exists (select from fhir.concept_above where system = $1 and ancestor = $2 and descendant = $3)"


async def lookup(connection: Connection, catalogue: Catalogue, parameters: Json, language: str = "") -> Json:
    """What a code means. Raises UnknownTerminology for a system that is not held, Unknown for a code it has not."""
    inputs = Inputs(parameters, _LOOKUP)
    asked = _asked(inputs, "coding", "code", "system", "version")
    system = catalogue.system(asked.system, asked.version)
    found = await find_concept(connection, system, asked.code)
    if found is None:
        raise _no_such_code(system, asked.code)
    wanted = set(inputs.texts("property"))
    language = inputs.text("displayLanguage") or language
    told = [_string("name", system.title or system.url)]
    if system.version:
        told.append(_string("version", system.version))
    told.append(_string("display", found.text(system, language)))
    told += [_designation(one) for one in _designations(found, system)]
    told += await _properties(connection, system, found, wanted)
    return answer(*told)


def _designations(found: Held, system: System) -> list[Json]:
    own = [{"language": system.language, "value": found.display}] if system.language and found.display else []
    return own + [as_designation(one) for one in found.designations]


async def _properties(connection: Connection, system: System, found: Held, wanted: set[str]) -> list[Json]:
    told = []
    everything = not wanted or "*" in wanted
    if found.definition and (everything or "definition" in wanted):
        told.append(_property("definition", "valueString", found.definition))
    if everything or "inactive" in wanted:
        told.append(_property("inactive", "valueBoolean", not found.active))
    for name, statement in (("parent", (_PARENTS,)), ("child", (_CHILDREN, _MOST_NEIGHBOURS))):
        if everything or name in wanted:
            query, *more = statement
            rows = await connection.fetch(query, system.key, found.number, *more)
            told += [_property(name, "valueCode", row["code"]) for row in rows]
    for one in found.properties:
        if everything or one.code in wanted:
            told.append(_property(one.code, *as_value(one)))
    return told


async def validate_code(connection: Connection, catalogue: Catalogue, parameters: Json, language: str = "") -> Json:
    """Whether a code is one of its system. Raises UnknownTerminology, Undecided: not held is never valid."""
    inputs = Inputs(parameters, _VALIDATE)
    language = inputs.text("displayLanguage") or language
    url = inputs.text("url")
    concepts = inputs.codings("codeableConcept")
    if not concepts:
        asked = _asked(inputs, "coding", "code", "url", "version")
        concepts = [asked._replace(display=asked.display or inputs.text("display"))]
    tried: list[Json] = []
    for one in concepts:
        if url and one.system and url != one.system:
            tried.append(verdict(False, f"The code is one of {one.system}, not of {url}."))
            continue
        tried.append(await validate_coding(connection, catalogue, one._replace(system=one.system or url), language))
        if said_yes(tried[-1]):
            return tried[-1]
    return tried[0]


async def validate_coding(connection: Connection, catalogue: Catalogue, asked: Coding, language: str) -> Json:
    """The verdict on one coding."""
    system = catalogue.system(asked.system, asked.version)
    found = await find_concept(connection, system, asked.code)
    if found is None:
        if not system.complete:
            raise Undecided(f"Only a part of {system.url} is held here, and {asked.code[:80]} is not in it.")
        return verdict(False, f"{asked.code[:80]} is no code of {system.url}.")
    return judge_display(found, system, asked.display, language)


def judge_display(found: Held, system: System, display: str, language: str) -> Json:
    """Yes for a code that exists, unless it was called by a name it has not."""
    text = found.text(system, language)
    names = [found.display, *(one.value for one in found.designations)]
    if display and _folded(display) not in {_folded(name) for name in names}:
        return verdict(False, f"{found.code} is called {text}, not {display[:200]}.", text)
    return verdict(True, "" if found.active else f"{found.code} is no longer in use.", text)


async def subsumes(connection: Connection, catalogue: Catalogue, parameters: Json) -> Json:
    """How two codes of one system stand to each other. Raises UnknownTerminology, Unknown for a code it has not."""
    inputs = Inputs(parameters, _SUBSUMES)
    one = _asked(inputs, "codingA", "codeA", "system", "version")
    other = _asked(inputs, "codingB", "codeB", "system", "version")
    system = catalogue.system(one.system, one.version)
    if catalogue.system(other.system, other.version).key != system.key:
        raise BadRequest("Both codes are of the same code system, in the same version.")
    pair = []
    for asked in (one, other):
        found = await find_concept(connection, system, asked.code)
        if found is None:
            raise _no_such_code(system, asked.code)
        pair.append(found.number)
    if pair[0] == pair[1]:
        outcome = "equivalent"
    elif await connection.fetchval(_ABOVE, system.key, pair[0], pair[1]):
        outcome = "subsumes"
    elif await connection.fetchval(_ABOVE, system.key, pair[1], pair[0]):
        outcome = "subsumed-by"
    else:
        outcome = "not-subsumed"
    return answer({"name": "outcome", "valueCode": outcome})


def verdict(result: bool, message: str = "", display: str = "") -> Json:
    """The answer of a ``$validate-code``."""
    return answer(
        {"name": "result", "valueBoolean": result},
        _string("message", message) if message else None,
        _string("display", display) if display else None,
    )


def said_yes(told: Json) -> bool:
    """Whether an answer's result is true."""
    return any(one["name"] == "result" and one["valueBoolean"] for one in told["parameter"])


def _asked(inputs: Inputs, coding: str, code: str, system: str, version: str) -> Coding:
    whole = inputs.coding(coding)
    if whole is not None and inputs.has(code):
        raise BadRequest(f"Send {code} or {coding}, not both.")
    if whole is None:
        return Coding(inputs.needed(system), inputs.needed(code), inputs.text(version))
    url = whole.system or inputs.text(system)
    if not url:
        raise BadRequest(f"{coding} has no system.")
    return whole._replace(system=url, version=whole.version or inputs.text(version))


def _no_such_code(system: System, code: str) -> Unknown:
    if system.complete:
        return Unknown(issues=[Issue("not-found", f"{code[:80]} is no code of {system.url}.")])
    return Unknown(
        issues=[Issue("not-found", f"Only a part of {system.url} is held here, and {code[:80]} is not in it.")]
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _string(name: str, value: str) -> Json:
    return {"name": name, "valueString": value}


def _property(code: str, kind: str, value: Any) -> Json:
    return {"name": "property", "part": [{"name": "code", "valueCode": code}, {"name": "value", kind: value}]}


def _designation(one: Json) -> Json:
    kinds = {"language": "valueCode", "use": "valueCoding", "value": "valueString"}
    return {"name": "designation", "part": [{"name": name, kinds[name]: value} for name, value in one.items()]}
