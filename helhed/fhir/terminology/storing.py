"""Writing terminologies, by the owner only: each version of a code system, value set or map whole, or not at all.

Many are written in as many statements as one: a new network has thousands of FHIR's own, and waits for each statement.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from helhed.fhir.terminology.model import CodeSystem, Json
from helhed.fhir.terminology.origins import rank
from helhed.fhir.terminology.rows import Ready, Row, map_body, mappings, ready, system_rows
from helhed.foundation.database import Connection

_LOCK = 0x5465726D
#: concepts from which on plans go wrong until the tables are counted anew
_LARGE = 5000
#: concepts of small systems that are sent together
_TOGETHER = 50_000
_TABLES = {"CodeSystem": "fhir.code_system", "ValueSet": "fhir.value_set", "ConceptMap": "fhir.concept_map"}
_CONCEPT = (
    "system", "number", "code", "display", "definition", "active", "abstract", "parents", "designations", "properties",
    "words",
)  # fmt: skip
_ABOVE = ("system", "ancestor", "descendant")
_VALUE_SET = ("url", "version", "source", "digest", "body")
_MAPPING = (
    "map", "place", "source_system", "source_code", "target_system", "target_code", "equivalence", "about",
)  # fmt: skip
_SYSTEMS = """
insert into fhir.code_system (url, version, supplements, content, case_sensitive, language, title, source, concepts, digest)
select url, version, supplements, content, case_sensitive, language, title, $8, concepts, digest
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[], $9::int[], $10::bytea[])
  as t (url, version, supplements, content, case_sensitive, language, title, concepts, digest)
returning url, version, key
"""
_MAPS = """
insert into fhir.concept_map (url, version, source, digest, body)
select url, version, $3, digest, body::jsonb
from unnest($1::text[], $2::text[], $4::bytea[], $5::text[]) as t (url, version, digest, body)
returning url, version, key
"""
Name = tuple[str, str]  #: url and version


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


async def store(
    connection: Connection,
    terminologies: Iterable[CodeSystem | Json],
    origin: str,
    spared: frozenset[str] = frozenset(),
) -> list[Outcome]:
    """Put terminologies in the place of what was there under their url and version. In a transaction with the lock.

    What stands higher than ``origin`` (``origins.rank``) stays, and so does what came from those ``spared``.
    """
    prepared = {(one.kind, one.url, one.version): one for one in map(ready, terminologies)}
    outcomes = []
    for kind, writer in ((("CodeSystem"), _put_systems), ("ValueSet", _put_value_sets), ("ConceptMap", _put_maps)):
        mine = [one for one in prepared.values() if one.kind == kind]
        if mine:
            fresh = await _make_room(connection, kind, mine, origin, spared)
            if fresh:
                await writer(connection, fresh, origin)
            put = {(one.url, one.version) for one in fresh}
            outcomes += [Outcome(one.what, one.concepts, (one.url, one.version) in put, one.problems) for one in mine]
    return outcomes


async def _make_room(
    connection: Connection, kind: str, terminologies: Sequence[Ready], origin: str, spared: frozenset[str]
) -> list[Ready]:
    """Those that are to be written, what stood in their places taken away."""
    table = _TABLES[kind]
    statement = f"select url, version, source, digest from {table} where url = any($1)"
    rows = await connection.fetch(statement, [one.url for one in terminologies])
    held = {(row["url"], row["version"]): row for row in rows}
    fresh: list[Ready] = []
    claimed: list[Name] = []
    replaced: list[Name] = []
    for one in terminologies:
        name = (one.url, one.version)
        row = held.get(name)
        if row is None:
            fresh.append(one)
        elif row["digest"] == one.digest:
            claimed += [name] if rank(row["source"]) < rank(origin) else []
        elif rank(row["source"]) <= rank(origin) and row["source"] not in spared:
            fresh.append(one)
            replaced.append(name)
    named = "(url, version) in (select * from unnest($1::text[], $2::text[]))"
    if claimed:  # whoever brings the same again answers for it from now on
        await connection.execute(f"update {table} set source = $3 where {named}", *_columns(claimed, 2), origin)
    if replaced:
        await connection.execute(f"delete from {table} where {named}", *_columns(replaced, 2))
    return fresh


def _columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]


async def _put_systems(connection: Connection, fresh: Sequence[Ready], origin: str) -> None:
    heads = []
    for one in fresh:
        system: CodeSystem = one.content[0]
        heads.append(
            (system.url, system.version, system.supplements, system.content, system.case_sensitive, system.language,
             system.title, one.concepts, one.digest)
        )  # fmt: skip
    *texts, counts, digests = _columns(heads, 9)
    rows = await connection.fetch(_SYSTEMS, *texts, origin, counts, digests)
    keys = {(row["url"], row["version"]): row["key"] for row in rows}
    concepts: list[Row] = []
    above: list[Row] = []
    for one in fresh:
        more = system_rows(keys[one.url, one.version], one)
        concepts += more.concepts
        above += more.above
        if len(concepts) > _TOGETHER:
            await _copy_concepts(connection, concepts, above)
            concepts, above = [], []
    await _copy_concepts(connection, concepts, above)
    if sum(one.concepts for one in fresh) > _LARGE:
        await connection.execute("analyze fhir.concept, fhir.concept_above")


async def _copy_concepts(connection: Connection, concepts: list[Row], above: list[Row]) -> None:
    await _copy(connection, "concept", _CONCEPT, concepts)
    await _copy(connection, "concept_above", _ABOVE, above)


async def _copy(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        await connection.copy_records_to_table(table, schema_name="fhir", columns=columns, records=rows)


async def _put_value_sets(connection: Connection, fresh: Sequence[Ready], origin: str) -> None:
    rows = [(one.url, one.version, origin, one.digest, one.content.decode()) for one in fresh]
    await _copy(connection, "value_set", _VALUE_SET, rows)


async def _put_maps(connection: Connection, fresh: Sequence[Ready], origin: str) -> None:
    heads = [(one.url, one.version, one.digest, map_body(one.content)) for one in fresh]
    urls, versions, digests, bodies = _columns(heads, 4)
    found = await connection.fetch(_MAPS, urls, versions, origin, digests, bodies)
    keys = {(row["url"], row["version"]): row["key"] for row in found}
    rows = [
        (keys[one.url, one.version], place, *row) for one in fresh for place, row in enumerate(mappings(one.content))
    ]
    await _copy(connection, "concept_mapping", _MAPPING, rows)


__all__ = ["Outcome", "count_change", "lock", "store"]
