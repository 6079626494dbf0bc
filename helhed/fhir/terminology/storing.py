"""Writing terminologies, by the owner only: each version of a code system, value set or map whole, or not at all."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from helhed.fhir.terminology.hierarchy import closure
from helhed.fhir.terminology.model import CodeSystem, Concept, Json
from helhed.foundation.database import Connection

CORE = "core"
_LOCK = 0x5465726D
#: concepts from which on plans go wrong until the tables are counted anew
_LARGE = 5000
_CONCEPT = (
    "system", "number", "code", "display", "definition", "active", "abstract", "parents", "designations", "properties",
    "words",
)  # fmt: skip
_MAPPING = (
    "map", "place", "source_system", "source_code", "target_system", "target_code", "equivalence", "about",
)  # fmt: skip
_HEAD = """
insert into fhir.code_system (url, version, supplements, content, case_sensitive, language, title, source, concepts, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning key
"""


class Outcome(NamedTuple):
    """What became of one terminology."""

    what: str
    concepts: int
    changed: bool
    problems: list[str]


async def lock(connection: Connection) -> None:
    """One writer at a time, until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)


async def count_change(connection: Connection) -> None:
    """Tell all who keep answers that they are old."""
    await connection.execute("update fhir.terminology_state set counter = counter + 1")


async def store_code_system(connection: Connection, system: CodeSystem, source: str) -> Outcome:
    """Put one version of a code system in the place of what was there. To be called in a transaction with the lock."""
    problems: list[str] = []
    concepts = list(_once(system, problems))
    digest = _digest_of(system, concepts)
    what = f"CodeSystem {system.url}|{system.version}"
    if source == CORE and await _imported(connection, "fhir.code_system", system.url, system.version):
        return Outcome(what, len(concepts), False, problems)
    if await _same(connection, "fhir.code_system", system.url, system.version, digest):
        return Outcome(what, len(concepts), False, problems)
    await connection.execute("delete from fhir.code_system where url = $1 and version = $2", system.url, system.version)
    key = await connection.fetchval(
        _HEAD, system.url, system.version, system.supplements, system.content, system.case_sensitive, system.language,
        system.title, source, len(concepts), digest,
    )  # fmt: skip
    parents, above, dropped = closure(concepts)
    problems += [f"{code}: the parent {parent} is not there, or below it" for code, parent in dropped]
    if concepts:
        rows = (_row(key, number, concept, parents[number]) for number, concept in enumerate(concepts))
        await connection.copy_records_to_table("concept", schema_name="fhir", columns=_CONCEPT, records=rows)
        pairs = ((key, ancestor, number) for number, found in enumerate(above) for ancestor in found)
        await connection.copy_records_to_table(
            "concept_above", schema_name="fhir", columns=("system", "ancestor", "descendant"), records=pairs
        )
    if len(concepts) > _LARGE:
        await connection.execute("analyze fhir.concept, fhir.concept_above")
    return Outcome(what, len(concepts), True, problems)


def _once(system: CodeSystem, problems: list[str]) -> Iterator[Concept]:
    seen: set[str] = set()
    for concept in system.concepts:
        if not concept.code or concept.code in seen:
            problems.append(f"{concept.code[:80] or 'a concept without code'}: stands there twice")
            continue
        seen.add(concept.code)
        yield concept


def _digest_of(system: CodeSystem, concepts: list[Concept]) -> bytes:
    head = [system.title, system.content, system.supplements, system.case_sensitive, system.language]
    digest = hashlib.sha256(orjson.dumps(head))
    for one in concepts:
        content = [one.code, one.display, one.definition, one.parents, one.designations, one.properties, one.active]
        digest.update(orjson.dumps([*content, one.abstract], default=list))
    return digest.digest()


def _row(key: int, number: int, concept: Concept, parents: list[int]) -> tuple[Any, ...]:
    texts = dict.fromkeys([concept.code, concept.display, *(one.value for one in concept.designations)])
    return (
        key, number, concept.code, concept.display, concept.definition, concept.active, concept.abstract, parents,
        orjson.dumps([list(one) for one in concept.designations]).decode(),
        orjson.dumps([one._asdict() for one in concept.properties]).decode(),
        "\n".join(texts).lower(),
    )  # fmt: skip


async def store_value_set(connection: Connection, value_set: Json, source: str) -> Outcome:
    """Put one version of a value set in the place of what was there."""
    body = orjson.dumps({name: value for name, value in value_set.items() if name not in {"text", "contact"}})
    url, version = value_set["url"], value_set.get("version", "")
    what, digest = f"ValueSet {url}|{version}", hashlib.sha256(body).digest()
    if source == CORE and await _imported(connection, "fhir.value_set", url, version):
        return Outcome(what, 0, False, [])
    if await _same(connection, "fhir.value_set", url, version, digest):
        return Outcome(what, 0, False, [])
    await connection.execute(
        "insert into fhir.value_set (url, version, source, digest, body) values ($1, $2, $3, $4, $5::jsonb)"
        " on conflict (url, version) do update set source = $3, digest = $4, body = $5::jsonb",
        url, version, source, digest, body.decode(),
    )  # fmt: skip
    return Outcome(what, 0, True, [])


async def store_concept_map(connection: Connection, concept_map: Json, source: str) -> Outcome:
    """Put one version of a concept map in the place of what was there."""
    url, version = concept_map["url"], concept_map.get("version", "")
    digest = hashlib.sha256(orjson.dumps(concept_map)).digest()
    what, rows = f"ConceptMap {url}|{version}", list(_mappings(concept_map))
    if source == CORE and await _imported(connection, "fhir.concept_map", url, version):
        return Outcome(what, len(rows), False, [])
    if await _same(connection, "fhir.concept_map", url, version, digest):
        return Outcome(what, len(rows), False, [])
    await connection.execute("delete from fhir.concept_map where url = $1 and version = $2", url, version)
    body = {name: value for name, value in concept_map.items() if name not in {"text", "contact"}}
    body["group"] = [
        {name: value for name, value in group.items() if name != "element"} for group in concept_map.get("group", ())
    ]
    key = await connection.fetchval(
        "insert into fhir.concept_map (url, version, source, digest, body) values ($1, $2, $3, $4, $5::jsonb) returning key",
        url, version, source, digest, orjson.dumps(body).decode(),
    )  # fmt: skip
    records = ((key, place, *row) for place, row in enumerate(rows))
    await connection.copy_records_to_table("concept_mapping", schema_name="fhir", columns=_MAPPING, records=records)
    return Outcome(what, len(rows), True, [])


def _mappings(concept_map: Json) -> Iterator[tuple[str, str, str, str, str, str]]:
    for group in concept_map.get("group", ()):
        source, target = (str(group.get(name, "")).partition("|")[0] for name in ("source", "target"))
        for element in group.get("element", ()):
            for found in element.get("target", ()):
                about = {name: found[name] for name in ("display", "comment", "dependsOn", "product") if name in found}
                if "display" in element:
                    about["sourceDisplay"] = element["display"]
                yield (
                    source, element.get("code", ""), target, found.get("code", ""),
                    found.get("equivalence", "equivalent"), orjson.dumps(about).decode(),
                )  # fmt: skip


async def _same(connection: Connection, table: str, url: str, version: str, digest: bytes) -> bool:
    statement = f"select digest = $3 from {table} where url = $1 and version = $2"
    return bool(await connection.fetchval(statement, url, version, digest))


async def _imported(connection: Connection, table: str, url: str, version: str) -> bool:
    """Whether somebody imported it: what comes with a release does not replace that."""
    statement = f"select source <> $3 from {table} where url = $1 and version = $2"
    return bool(await connection.fetchval(statement, url, version, CORE))
