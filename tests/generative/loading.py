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

from helhed.fhir.changes import Change, Version
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.parts import put_part, put_past_parts
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Connection
from helhed.trust.policy import BASIS_NUMBERS
from helhed.trust.projections import ALWAYS, EVER
from helhed.trust.reference import (
    Acting,
    Allowance,
    Assistance,
    Block,
    Consent,
    Employment,
    Facts,
    Mask,
    PastContact,
    Relation,
    Ticket,
    Validity,
)
from tests.generative.custom import put_custom
from tests.generative.resources import LOCAL, Resource
from tests.generative.worlds import NOW, Kept, World, kept_of
from tests.support.world import World as Opened

LETTERS = {"A": 2, "B": 3, "D": 4}  #: relation class → basis number
FORMER_CODE = "former"  #: what a resource that was written twice said at first
_TWICE = frozenset({"Observation", "Condition"})
#: what a second version says first: who recorded it, when it took place, what it is worked out from
_LATER = frozenset(
    {"performer", "recorder", "effectiveDateTime", "effectivePeriod", "onsetDateTime", "onsetPeriod", "derivedFrom"}
)
_FIRST = ("Organization", "Practitioner", "Location", "Patient")
_PRESENT = "select type, id, version, deleted, body from fhir.resource where ownership <> 4"
_WHOLE = """
select r.type, r.id, r.version, r.updated, r.body from fhir.resource r where r.id = $1 and r.ownership <> 4
union all select v.type, v.id, v.version, v.updated, v.body from fhir.version v where v.id = $1 and v.ownership <> 4"""


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
    await put_custom(opened)
    for organisation in world.facts.parents:
        await opened.owner.execute("select trust.register_system($1)", organisation)
    for origin, kept in _in_order(world.kept):
        await opened.store.commit(custodian(origin), [_create(one) for one in kept])
    for one in world.kept:
        await _finish(opened, one)
    await put_facts(opened.owner, world.facts)
    await put_parts(opened.owner, world.facts.masks)
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


def former_of(kept: Kept) -> Kept:
    """What was stored at first under the id of a resource: of what is written twice, with fewer labels."""
    if not is_written_twice(kept):
        return kept
    resource = {name: value for name, value in kept.resource.items() if name not in _LATER}
    resource["code"] = {"coding": [{"system": LOCAL, "code": FORMER_CODE}]}
    return kept_of(kept.row, resource)


def _create(kept: Kept) -> Change:
    resource = {name: value for name, value in former_of(kept).resource.items() if name != "id"}
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
        await owner.execute("delete from trust.recorder")
        for table in ("block", "assistance", "opening", "acting", "mask", "past_contact"):
            await owner.execute(f"delete from trust.{table}")
        await owner.execute("delete from registries.protected_citizen")
        await owner.execute(
            "insert into registries.protected_citizen select unnest($1::bigint[])", list(facts.protected)
        )
        await owner.execute("delete from trust.system_client where not organisation = any($1)", list(facts.systems))
        for job in facts.employments:
            await put_employment(owner, job)
        for key, holder in facts.recorders:
            await owner.execute("insert into trust.recorder values ($1, $2) on conflict do nothing", key, holder)
        for relation in facts.relations:
            await put_relation(owner, relation)
        for block in facts.blocks:
            await put_block(owner, block)
        await put_widened(owner, facts)
        await put_allowances(owner, facts.allowances)
        await put_links(owner, facts.links)
        for contact in facts.contacts:
            await put_past_contact(owner, contact)


async def put_allowances(owner: Connection, allowances: Sequence[Allowance]) -> None:
    """What somebody allowed an app, for a patient whose id has that key."""
    await owner.execute("delete from trust.authorisation")
    for one in allowances:
        patient = await owner.fetchval("select patient from registries.citizen where key = $1", one.citizen)
        await owner.execute(
            "insert into trust.authorisation (id, client, kind, actor, role, scope, patient, acr, amr, authenticated_at, begun_at, used_at, valid_to) "
            "values ($1, 'generated', $2, $3, '', '', $4, '', '{}', $5, $5, $5, $5)",
            one.id, int(one.kind), one.actor, patient, NOW,
        )  # fmt: skip


async def put_past_contact(owner: Connection, one: PastContact) -> None:
    """A contact that has ended."""
    await owner.execute(
        "insert into trust.past_contact (source, citizen, organisation, ended_at, people) values ($1, $2, $3, $4, $5)",
        uuid4(), one.citizen, one.organisation, one.ended, sorted(one.people),
    )  # fmt: skip


async def put_links(owner: Connection, links: Sequence[frozenset[int]]) -> None:
    """Let these keys be one citizen's, each pair, and no others."""
    await owner.execute("delete from fhir.key_set")
    await owner.execute("delete from registries.citizen_link")
    for pair in links:
        replaced = min(pair - await _replaced(owner))
        (kept,) = pair - {replaced}
        statement = "insert into registries.citizen_link (id, replaced, kept, reason, linked_by, linked_at) values ($1, $2, $3, 'generated', 0, $4)"
        await owner.execute(statement, uuid4(), replaced, kept, NOW)
    await owner.execute("select registries.join_keys($1)", sorted({key for pair in links for key in pair}))


async def _replaced(owner: Connection) -> set[int]:
    return {row["replaced"] for row in await owner.fetch("select replaced from registries.citizen_link")}


async def put_employment(owner: Connection, job: Employment) -> None:
    """A job."""
    statement = "insert into trust.employment (source, professional, organisation, role, valid_from, valid_to) values ($1, $2, $3, $4, $5, $6)"
    source = uuid4() if job.key is None else UUID(int=job.key % 2**64)
    await owner.execute(statement, source, job.professional, job.organisation, job.role, *_ends(job.validity))


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
        "insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, valid_to, set_by, set_at, "
        "who_professional, who_alone, what_alone, what_author, what_from, what_to, what_document) "
        "values ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9, $10, $11, $12, $13, $14)"
    )
    identifier = block.id or uuid4()
    period = (None, None) if block.period is None else _ends(block.period)
    await owner.execute(
        statement, identifier, block.citizen, block.who, block.what, *_ends(block.validity), NOW, block.person,
        block.who_alone, block.what_alone, block.author, *period, block.document,
    )  # fmt: skip
    return identifier


async def put_widened(owner: Connection, facts: Facts) -> None:
    """Assistants, consents, tickets, those who act for others, and masks."""
    for assistance in facts.assistances:
        await put_assistance(owner, assistance)
    for consent in facts.consents:
        await put_consent(owner, consent)
    for ticket in facts.tickets:
        await put_ticket(owner, ticket)
    for acting in facts.acting:
        await put_acting(owner, acting)
    for mask in facts.masks:
        await put_mask(owner, mask)


async def put_assistance(owner: Connection, one: Assistance) -> None:
    """Somebody acts under somebody; ids keep the order."""
    await owner.execute(
        "insert into trust.assistance (id, assistant, principal, role, organisation, write_types, valid_from, valid_to) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8)",
        UUID(int=one.order), one.assistant, one.principal, one.role, one.organisation,
        [TYPE_NUMBERS[name] for name in sorted(one.writes)], *_ends(one.validity),
    )  # fmt: skip


_OPENING = (
    "insert into trust.opening (id, citizen, basis, professional, organisation, block, valid_from, valid_to) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8)"
)


async def put_consent(owner: Connection, one: Consent) -> None:
    """A citizen's yes."""
    values = (one.citizen, 13, one.professional, one.organisation, one.block, *_ends(one.validity))
    await owner.execute(_OPENING, uuid4(), *values)


async def put_ticket(owner: Connection, one: Ticket) -> None:
    """Somebody broke the glass."""
    values = (one.citizen, 8, one.professional, one.organisation, None, *_ends(one.validity))
    await owner.execute(_OPENING, ticket := uuid4(), *values)
    await owner.execute("update trust.opening set role = $2 where id = $1", ticket, one.role)


async def put_acting(owner: Connection, one: Acting) -> None:
    """Somebody acts for somebody."""
    types = None if one.types is None else [TYPE_NUMBERS[name] for name in sorted(one.types)]
    await owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to, shares_home) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        uuid4(), one.actor, one.citizen, BASIS_NUMBERS[one.basis.value], types, one.obeys_blocks, *_ends(one.validity),
        one.shares_home,
    )  # fmt: skip


async def put_mask(owner: Connection, one: Mask) -> None:
    """A clinician hid a row, or a part of one."""
    await owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to, elements) values ($1, $2, $3, $4, $5, $6, $7)",
        uuid4(), one.citizen, one.resource, one.from_citizen, *_ends(one.validity), sorted(one.elements) or None,
    )  # fmt: skip


async def put_parts(owner: Connection, masks: Sequence[Mask]) -> None:
    """What is left of the rows that are masked in part, in every version."""
    for mask in masks:
        if mask.elements:
            rows = await owner.fetch(_WHOLE, mask.resource)
            versions = {row["version"]: Version(TYPE_NAMES[row["type"]], *list(row.values())[1:5]) for row in rows}
            current = versions.pop(max(versions))
            await put_part(owner, current, sorted(mask.elements))
            await put_past_parts(owner, list(versions.values()), sorted(mask.elements))


def _ends(validity: Validity) -> tuple[Any, Any]:
    return validity.begins or EVER, validity.ends or ALWAYS


def _submitted(resource: Resource) -> Resource:
    """Without what the network gives: its part of meta, and replacement numbers."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in {"versionId", "lastUpdated"}}
    return {name: value for name, value in resource.items() if name not in {"meta", "identifier"}} | {"_meta": meta}
