"""Puts a generated world into a real store: every resource by its custodian, every fact of trust by the owner.

Some observations and contacts are written twice, so that the store holds versions that nothing current says any more.
What comes back is the world as stored: the same rows with the resources as the store completed them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Connection
from helhed.trust.projections import ALWAYS, EVER
from helhed.trust.reference import Block, Employment, Facts, Relation, Validity
from tests.generative.resources import LOCAL, Resource
from tests.generative.worlds import NOW, Kept, World
from tests.support.world import World as Opened

LETTERS = {"A": 2, "B": 3, "D": 4}  #: relation class → basis number
FORMER_CODE = "former"  #: what a resource that was written twice said at first
_TWICE = frozenset({"Observation", "Condition"})
_FIRST = ("Organization", "Practitioner", "Patient")
_PRESENT = "select type, id, version, deleted, body from fhir.resource"


@dataclass(frozen=True)
class Loaded:
    """A generated world in an open store."""

    opened: Opened
    world: World  #: as stored
    versions: dict[UUID, int]  #: current version of every resource

    @property
    def bodies(self) -> dict[str, bytes]:
        """The bytes of everything that is not deleted, by id."""
        return {one.resource["id"]: orjson.dumps(one.resource) for one in self.world.kept}


async def load(opened: Opened, world: World) -> Loaded:
    """Store everything, then let the facts of trust be exactly the world's."""
    for organisation in world.facts.parents:
        await opened.owner.execute("select trust.register_system($1)", organisation)
    for origin, kept in _in_order(world.kept):
        await opened.store.commit(custodian(origin), [_create(one) for one in kept])
    for one in world.kept:
        await _finish(opened, one)
    await put_facts(opened.owner, world.facts)
    return await _as_stored(opened, world)


def custodian(organisation: int) -> Ask:
    """The system client of an organisation."""
    return Ask(
        ActorKind.SYSTEM, organisation, organisation, "system", Purpose.OPERATIONS, "load", None, None, NOW, uuid4()
    )


def _in_order(kept: Sequence[Kept]) -> Iterable[tuple[int, list[Kept]]]:
    """Organisations one by one from the top, then professionals, citizens and the rest: a commit an origin."""

    def phase(one: Kept) -> int:
        return _FIRST.index(one.row.type_name) if one.row.type_name in _FIRST else len(_FIRST)

    units = [one for one in kept if phase(one) == 0]
    others = sorted((one for one in kept if phase(one) > 0), key=lambda one: (phase(one), one.row.origin))
    yield from ((one.row.origin, [one]) for one in units)
    for (_, origin), several in groupby(others, key=lambda one: (phase(one), one.row.origin)):
        yield origin, list(several)


def is_written_twice(kept: Kept) -> bool:
    """A third of what can be."""
    return kept.row.type_name in _TWICE and int(kept.resource["id"][-2:], 16) % 3 == 0


def _create(kept: Kept) -> Change:
    resource = {name: value for name, value in kept.resource.items() if name != "id"}
    if is_written_twice(kept):
        resource["code"] = {"coding": [{"system": LOCAL, "code": FORMER_CODE}]}
    return Change("POST", kept.row.type_name, resource, orjson.dumps(resource), UUID(kept.resource["id"]))


async def _finish(opened: Opened, kept: Kept) -> None:
    """The second version, and the deletion."""
    identifier, type_name = UUID(kept.resource["id"]), kept.row.type_name
    changes = []
    if is_written_twice(kept):
        changes.append(Change("PUT", type_name, kept.resource, orjson.dumps(kept.resource), identifier))
    if kept.row.deleted:
        changes.append(Change("DELETE", type_name, None, None, identifier))
    for change in changes:
        await opened.store.commit(custodian(kept.row.origin), [change])


async def _as_stored(opened: Opened, world: World) -> Loaded:
    """Read back as the owner. The store adds meta, and a number to citizens without one; it changes nothing."""
    rows = {row["id"]: row for row in await opened.owner.fetch(_PRESENT)}
    assert len(rows) == len(world.kept)
    kept = [_stored(one, rows[UUID(one.resource["id"])]) for one in world.kept]
    return Loaded(opened, replace(world, kept=tuple(kept)), {one: row["version"] for one, row in rows.items()})


def _stored(kept: Kept, row: Any) -> Kept:
    assert (row["type"], row["deleted"]) == (TYPE_NUMBERS[kept.row.type_name], kept.row.deleted)
    if kept.row.deleted:
        return kept
    stored: Resource = orjson.loads(row["body"])
    assert _submitted(stored) == _submitted(kept.resource)
    assert all(one in stored["identifier"] for one in kept.resource.get("identifier", ()))
    return replace(kept, resource=stored)


# --- facts ------------------------------------------------------------------------------------------------------------


async def put_facts(owner: Connection, facts: Facts) -> None:
    """Let the relations, employments, blocks and registered systems of the database be these and no others."""
    async with owner.transaction():
        await owner.execute("delete from trust.relation")
        await owner.execute("delete from trust.employment")
        await owner.execute("delete from trust.block")
        await owner.execute("delete from trust.system_client where not organisation = any($1)", list(facts.systems))
        for job in facts.employments:
            await put_employment(owner, job)
        for relation in facts.relations:
            await put_relation(owner, relation)
        for block in facts.blocks:
            await put_block(owner, block)


async def put_employment(owner: Connection, job: Employment) -> None:
    """A job."""
    statement = "insert into trust.employment (source, professional, organisation, role, valid_from, valid_to) values ($1, $2, $3, $4, $5, $6)"
    await owner.execute(statement, uuid4(), job.professional, job.organisation, job.role, *_ends(job.validity))


async def put_relation(owner: Connection, relation: Relation) -> None:
    """A treatment relation."""
    statement = (
        "insert into trust.relation (source, citizen, organisation, professional, class, reason, valid_from, valid_to) "
        "values ($1, $2, $3, $4, $5, 'generated', $6, $7)"
    )
    who = (relation.citizen, relation.organisation, relation.professional, LETTERS[relation.letter])
    await owner.execute(statement, uuid4(), *who, *_ends(relation.validity))


async def put_block(owner: Connection, block: Block) -> UUID:
    """A citizen's no; returns its id."""
    statement = (
        "insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, valid_to, set_by, set_at) "
        "values ($1, $2, $3, $4, $5, $6, $2, $7)"
    )
    identifier = uuid4()
    await owner.execute(statement, identifier, block.citizen, block.who, block.what, *_ends(block.validity), NOW)
    return identifier


def _ends(validity: Validity) -> tuple[Any, Any]:
    return validity.begins or EVER, validity.ends or ALWAYS


def _submitted(resource: Resource) -> Resource:
    """Without what the network gives: its part of meta, and replacement numbers."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in {"versionId", "lastUpdated"}}
    return {name: value for name, value in resource.items() if name not in {"meta", "identifier"}} | {"_meta": meta}
