"""The ports of the pages, served by the rooms below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from helhed.fhir.indexing import normalise
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.portals import ports
from helhed.portals.sessions import Principal, Session, from_bytes, to_bytes
from helhed.registries.directory import Directory
from helhed.trust.blocks import Blocks
from helhed.trust.citizen_log import NEWEST, CitizenLog, LogEntry
from helhed.trust.lookups import Lookups
from helhed.trust.personas import Persona, Personas
from helhed.trust.relations import TreatmentRelations

PORTAL_CLIENT = "helhed-portal"
_BY_NAME = "select * from registries.find_by_name($1::fhir.ask, $2, $3)"


class PortalAsks:
    """Makes asks of people with a session. The session stands for a log-in; the verdict is still the database's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, principal: Principal, purpose: Purpose) -> Ask:
        """The ask of this person now."""
        return Ask(
            principal.kind, principal.actor, principal.organisation, principal.role, purpose, PORTAL_CLIENT,
            None, frozenset(), self._clock(), uuid4(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    type_name: str
    id: UUID
    origin: int
    updated: datetime
    body: bytes


class PortalRows:
    """The store as pages read it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def citizen_rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> list[_Row]:
        """Rows of one citizen, decided and logged as one look."""
        rows = await self._store.citizen_rows(ask, citizen, types, limit)
        return [_Row(r.version.type_name, r.version.id, r.origin, r.version.updated, r.version.body) for r in rows]


class PortalRegistries:
    """Citizens and organisations for pages."""

    def __init__(self, directory: Directory, pool: Pool) -> None:
        self._directory = directory
        self._pool = pool

    async def find_citizen(self, ask: Ask, number: str) -> ports.CitizenIdentity | None:
        """By CPR number or replacement number."""
        found = await self._directory.find_by_number(ask, number)
        return None if found is None else _identity(found)

    async def find_citizens_by_name(self, ask: Ask, name: str, limit: int) -> list[ports.CitizenIdentity]:
        """By the start of any part of the name."""
        return await self._citizens(_BY_NAME, ask_row(ask), normalise(name).split(), limit)

    async def attempted(self, ask: Ask) -> None:
        """Asking for no name at all finds nobody and leaves the row of an attempt."""
        await self._citizens(_BY_NAME, ask_row(ask), [], 0)

    async def search_citizens(self, words: str, limit: int) -> list[ports.CitizenIdentity]:
        """The demo's log-in page."""
        return [_identity(one) for one in await self._directory.demo_citizens(words, limit)]

    async def own_identity(self, ask: Ask) -> ports.CitizenIdentity | None:
        """The citizen's own."""
        found = await self._citizens("select * from registries.own_identity($1::fhir.ask)", ask_row(ask))
        return found[0] if found else None

    async def _citizens(self, statement: str, *arguments: Any) -> list[ports.CitizenIdentity]:
        async with lend(self._pool) as connection:
            return [_identity_row(row) for row in await connection.fetch(statement, *arguments)]

    async def organisations(self, keys: Sequence[int]) -> dict[int, ports.Organisation]:
        """By key."""
        return {key: _organisation(one) for key, one in (await self._directory.organisations(keys)).items()}

    async def organisation_tree(self) -> list[ports.Organisation]:
        """All of them, parents first."""
        everything = (await self._directory.organisations()).values()
        return [_organisation(one) for one in sorted(everything, key=lambda one: (len(one.places), one.name))]

    async def professional_names(self, keys: Sequence[int]) -> dict[int, str]:
        """By key."""
        statement = "select key, name from registries.professional where key = any($1::bigint[])"
        async with lend(self._pool) as connection:
            return {row["key"]: row["name"] for row in await connection.fetch(statement, list(keys))}


def _identity(found: Any) -> ports.CitizenIdentity:
    return ports.CitizenIdentity(
        found.key, found.patient, found.name, found.cpr or "", found.replacement, found.birth_date, found.sex,
        not found.deceased,
    )  # fmt: skip


def _identity_row(row: Any) -> ports.CitizenIdentity:
    return ports.CitizenIdentity(
        row["key"], row["patient"], row["name"], row["cpr"] or "", row["replacement"], row["birth_date"], row["sex"],
        not row["deceased"],
    )  # fmt: skip


def _organisation(one: Any) -> ports.Organisation:
    return ports.Organisation(one.key, one.name, one.kind, one.parent, one.last_received)


class PortalLog:
    """The citizen's log, paged."""

    def __init__(self, log: CitizenLog) -> None:
        self._log = log

    async def entries(
        self, ask: Ask, since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> ports.LogPage:
        """Newest first. BadRequest for a cursor that is not a row number."""
        if cursor is not None and not cursor.isdecimal():
            raise BadRequest("The page link is not one of ours: start again.")
        before = int(cursor) if cursor else NEWEST
        found = await self._log.entries(ask, since, until, before=min(before, NEWEST), limit=limit + 1)
        more = str(found[limit - 1].id) if len(found) > limit else None
        return ports.LogPage([_entry(one) for one in found[:limit]], more)


def _entry(one: LogEntry) -> ports.LogEntry:
    types = one.type_names or ((one.type_name,) if one.type_name else ())
    return ports.LogEntry(
        one.id, one.at, ActorKind(one.kind), one.actor, one.actor_name, one.organisation, one.organisation_name,
        one.role, one.purpose, one.action, one.permitted, one.basis, types, len(one.resources),
    )  # fmt: skip


class PortalBlocks:
    """The citizen's own blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    async def list(self, ask: Ask) -> list[ports.Block]:
        """Those in force."""
        held = await self._blocks.of(ask)
        return [ports.Block(one.id, one.who_organisation, one.what_organisation, one.set_at) for one in held]

    async def add(self, ask: Ask, who: int | None, what: int | None) -> UUID:
        """Sets a block."""
        return await self._blocks.set(ask, who, what)

    async def remove(self, ask: Ask, block: UUID) -> bool:
        """Ends a block."""
        try:
            await self._blocks.end(ask, block)
        except Unknown:
            return False
        return True


class PortalRelations:
    """Treatment relations for pages."""

    def __init__(self, relations: TreatmentRelations, pool: Pool) -> None:
        self._relations = relations
        self._pool = pool

    async def held(self, ask: Ask, citizen: int) -> ports.Relation | None:
        """The strongest one now."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(
                "select * from trust.held_relation($1::fhir.ask, $2)", ask_row(ask), citizen
            )
        return None if row is None else ports.Relation(row["class"], row["valid_to"])

    async def may_declare(self, ask: Ask) -> bool:
        """Whether the role may."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval("select trust.may_declare($1::fhir.ask)", ask_row(ask)))

    async def declare(self, ask: Ask, citizen: int, reason: str) -> datetime:
        """Declares one; returns its deadline."""
        return await self._relations.declare(ask, citizen, reason)


class PortalPersonas:
    """The demo's identity provider; empty outside demo mode."""

    def __init__(self, personas: Personas, pool: Pool, names: Directory, *, demo: bool) -> None:
        self._personas = personas
        self._pool = pool
        self._names = names
        self._demo = demo

    async def all(self) -> list[ports.Persona]:
        """Everybody, in order."""
        if not self._demo:
            return []
        everybody = await self._personas.all()
        names = await self._names.organisation_names({one.organisation for one in everybody if one.organisation})
        return [_persona(one, names) for one in everybody]

    async def citizen(self, patient: UUID) -> Principal | None:
        """Any citizen of the demo."""
        if not self._demo:
            return None
        statement = "select name from registries.demo_citizen($1)"
        async with lend(self._pool) as connection:
            name = await connection.fetchval(statement, patient)
        return None if name is None else Principal(ActorKind.CITIZEN, key_of(patient), name)


def _persona(one: Persona, names: Mapping[int, str]) -> ports.Persona:
    principal = None
    if one.kind in {ActorKind.CITIZEN, ActorKind.PROFESSIONAL}:
        place = names.get(one.organisation, "") if one.organisation else ""
        principal = Principal(one.kind, one.actor, one.name, one.organisation, place, one.role, one.handle)
    return ports.Persona(one.handle, principal, {"da": one.about_da, "en": one.about_en}, one.door)


class PortalSessions:
    """Sessions in PostgreSQL, shared by every worker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, key: str) -> Session | None:
        """The session, or None."""
        async with lend(self._pool) as connection:
            kept = await connection.fetchval("select kept from portals.session where key = $1", key)
        try:
            return None if kept is None else from_bytes(kept)
        except msgspec.ValidationError:  # from a version that kept other things
            return None

    async def put(self, key: str, session: Session) -> None:
        """Stores or replaces it."""
        statement = (
            "insert into portals.session (key, kept) values ($1, $2) "
            "on conflict (key) do update set kept = excluded.kept, touched_at = clock_timestamp()"
        )
        async with lend(self._pool) as connection:
            await connection.execute(statement, key, to_bytes(session))

    async def drop(self, key: str) -> None:
        """Ends it, and sweeps what nobody touched for a day."""
        statement = "delete from portals.session where key = $1 or touched_at < clock_timestamp() - interval '1 day'"
        async with lend(self._pool) as connection:
            await connection.execute(statement, key)


def portal_ports(
    store: Store,
    clock: Clock,
    lookups: Lookups,
    *,
    demo: bool,
    self_declared_hours: int,
    secure_cookies: bool,
    version: str,
) -> ports.Ports:
    """Everything the pages are built from."""
    pool = store.pool
    directory = Directory(pool)
    relations = TreatmentRelations(pool, self_declared_hours=self_declared_hours)
    return ports.Ports(
        asks=PortalAsks(clock),
        rows=PortalRows(store),
        registries=PortalRegistries(directory, pool),
        log=PortalLog(CitizenLog(pool)),
        blocks=PortalBlocks(Blocks(pool)),
        relations=PortalRelations(relations, pool),
        personas=PortalPersonas(Personas(pool), pool, directory, demo=demo),
        sessions=PortalSessions(pool),
        clock=clock,
        lookups=lookups,
        self_declared_hours=self_declared_hours,
        secure_cookies=secure_cookies,
        version=version,
    )
