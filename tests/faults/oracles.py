"""What must hold whatever went wrong: read by the owner, from the tables themselves."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store.reindexing import reindex
from helhed.foundation.database import Connection

_VERSIONS = """
select id, version, deleted, body from fhir.resource union all select id, version, deleted, body from fhir.version"""
_ORPHANS = """
select count(*) from (select bucket, id from fhir.resource_string union all select bucket, id from fhir.resource_date) s
where not exists (select from fhir.resource r where r.bucket = s.bucket and r.id = s.id and not r.deleted)"""
_GAPS = """
select r.id from fhir.resource r
where r.version <> 1 + (select count(*) from fhir.version v where v.bucket = r.bucket and v.id = r.id)"""
_LOGGED = """
select l.trace, s.id, s.version from foundation.access_log l, unnest(l.resources, l.versions) as s(id, version)
where permitted"""
_INDEX = {
    "resource": """select id, code, date_lo, date_hi, numbers, clinical_lo, clinical_hi, authors, contents, concerns,
  array(select distinct unnest(tokens) order by 1) as tokens from fhir.resource where not deleted order by bucket, id""",
    "strings": "select type, parameter, id, value, written from fhir.resource_string order by 1, 2, 3, 4, 5",
    "dates": "select type, parameter, id, lo, hi from fhir.resource_date order by 1, 2, 3, 4, 5",
}
_AGAIN = """
insert into fhir.index_work (name, bucket, id) values ('an oracle looks', -1, '00000000-0000-0000-0000-000000000000')"""


@dataclass
class Promised:
    """What was told to clients."""

    #: (id, version) → content as it was sent, None when it was a deletion
    acknowledged: dict[tuple[UUID, int], Any] = field(default_factory=dict)
    #: sets of ids of one transaction: all are there, or none
    together: list[list[UUID]] = field(default_factory=list)
    #: identifiers that were sent in one transaction, whatever was answered: all are there, or none
    attempted: list[list[str]] = field(default_factory=list)
    #: (trace, id, version) of each answer with a citizen's data
    shown: set[tuple[UUID, UUID, int]] = field(default_factory=set)


async def hold(owner: Connection, promised: Promised) -> None:
    """Every oracle that is cheap. Raises AssertionError."""
    rows = await owner.fetch(_VERSIONS)
    there = {(row["id"], row["version"]): None if row["deleted"] else orjson.loads(row["body"]) for row in rows}
    _acknowledged_is_there(promised, there)
    ids = {identifier for identifier, _ in there}
    for together in promised.together:
        assert ids.isdisjoint(together) or ids.issuperset(together), "a transaction is there in part"
    named = {one["value"] for body in there.values() if body for one in body.get("identifier", ())}
    for attempt in promised.attempted:
        assert named.isdisjoint(attempt) or named.issuperset(attempt), "an attempt is there in part"
    assert promised.shown <= {tuple(row) for row in await owner.fetch(_LOGGED)}, "an answer has no row in the log"
    assert await owner.fetchval(_ORPHANS) == 0, "terms without a resource"
    assert await owner.fetch(_GAPS) == [], "a version is missing"


def _acknowledged_is_there(promised: Promised, there: dict[tuple[UUID, int], Any]) -> None:
    for key, content in promised.acknowledged.items():
        assert key in there, f"acknowledged, and not there: {key}"
        stored = there[key]
        if content is None or stored is None:
            assert stored is content, f"acknowledged otherwise: {key}"
            continue
        assert (stored["id"], stored["meta"]["versionId"]) == (str(key[0]), str(key[1]))
        kept = {name: value for name, value in stored.items() if name not in {"id", "meta"}}
        assert kept == {name: value for name, value in content.items() if name not in {"id", "meta"}}


async def terms_are_those_of_the_content(owner: Connection) -> None:
    """Index all again: nothing may change. Raises AssertionError."""
    before = {name: [tuple(row) for row in await owner.fetch(statement)] for name, statement in _INDEX.items()}
    await owner.execute(_AGAIN)
    await reindex(owner, lambda _: None)
    await owner.execute("delete from fhir.index_work where name = 'an oracle looks'")
    after = {name: [tuple(row) for row in await owner.fetch(statement)] for name, statement in _INDEX.items()}
    assert before == after, "the index is not that of the content"
