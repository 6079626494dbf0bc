"""A whole network in memory behind the portals' ports: decided the same way, logged the same way, and small."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.ask import Action, ActorKind, Ask, Purpose
from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of, new_id
from helhed.portals.ports import (
    Block,
    CitizenIdentity,
    LogEntry,
    LogPage,
    Organisation,
    Persona,
    Ports,
    Relation,
)
from helhed.portals.presenters.blocks import places_of
from helhed.portals.sessions import Principal, SessionsInMemory
from helhed.trust.lookups import Lookups

SELF, ADMITTED, DECLARED, DIRECTORY = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class FakeRow:
    """A stored row."""

    type_name: str
    id: UUID
    origin: int
    updated: datetime
    body: bytes
    citizen: int


@dataclass
class FakeNetwork:
    """The rooms below, in one object. Every port is this object or a thin face of it."""

    now: datetime
    citizens: dict[int, CitizenIdentity] = field(default_factory=dict)
    places: dict[int, Organisation] = field(default_factory=dict)
    professionals: dict[int, str] = field(default_factory=dict)
    people: list[Persona] = field(default_factory=list)
    rows: list[FakeRow] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    blocks: dict[UUID, tuple[int, Block]] = field(default_factory=dict)
    relations: dict[tuple[int, int], Relation] = field(default_factory=dict)  #: (citizen, organisation)
    pauses: list[float] = field(default_factory=list)
    declaring_roles: frozenset[str] = frozenset({"doctor", "nurse"})

    # What tests build the network from ------------------------------------------------------------------------------

    def organisation(self, name: str, parent: int | None = None, kind: str = "") -> int:
        """A new place."""
        key = key_of(new_id())
        self.places[key] = Organisation(key, name, kind, parent, self.now)
        return key

    def citizen(
        self, name: str, number: str, birth: date | None, sex: str = "female", replacement: bool = False
    ) -> int:
        """A new citizen; the handle to log in with is the number."""
        patient = new_id()
        key = key_of(patient)
        self.citizens[key] = CitizenIdentity(key, patient, name, number, replacement, birth, sex, True)
        return key

    def citizen_persona(self, handle: str, citizen: int, about: str) -> None:
        """Shows a citizen on the log-in page."""
        principal = Principal(ActorKind.CITIZEN, citizen, self.citizens[citizen].name, persona=handle)
        self.people.append(Persona(handle, principal, {"da": about, "en": about}, "borger"))

    def professional(
        self, handle: str, name: str, role: str, organisation: int, door: str = "hospital", about: str = ""
    ) -> int:
        """A new professional with a job."""
        key = key_of(new_id())
        self.professionals[key] = name
        principal = Principal(
            ActorKind.PROFESSIONAL, key, name, organisation, self.places[organisation].name, role, handle
        )
        self.people.append(Persona(handle, principal, {"da": about, "en": about}, door))
        return key

    def deliver(
        self, citizen: int, origin: int, *resources: Mapping[str, Any], updated: datetime | None = None
    ) -> list[str]:
        """Stores resources; returns their references."""
        stored = []
        for resource in resources:
            identifier = UUID(resource["id"]) if "id" in resource else new_id()
            body = json.dumps({**resource, "id": str(identifier)}).encode()
            self.rows.append(FakeRow(resource["resourceType"], identifier, origin, updated or self.now, body, citizen))
            stored.append(f"{resource['resourceType']}/{identifier}")
        return stored

    def admit(self, citizen: int, organisation: int) -> None:
        """A relation of class A."""
        self.relations[citizen, organisation] = Relation(ADMITTED, None)

    def ports(self) -> Ports:
        """Everything the portal app is built from."""
        return Ports(
            asks=self, rows=self, registries=self, log=FakeLog(self), blocks=FakeBlocks(self), relations=self,
            personas=FakePersonas(self), sessions=SessionsInMemory(), clock=lambda: self.now, lookups=Lookups(), pause=self.pause, version="0.1.0",
        )  # fmt: skip

    async def pause(self, seconds: float) -> None:
        """Nobody waits in a test."""
        self.pauses.append(seconds)

    # Asks, rows -----------------------------------------------------------------------------------------------------

    def ask(self, principal: Principal, purpose: Purpose) -> Ask:
        """The ask of this person now."""
        return Ask(
            principal.kind, principal.actor, principal.organisation, principal.role, purpose, "portal", None,
            frozenset(), self.now, uuid4(),
        )  # fmt: skip

    def _covers(self, unit: int | None, place: int) -> bool:
        return unit is not None and places_of(self.places.values()).within(unit, place)

    def _basis(self, ask: Ask, citizen: int) -> int | None:
        if ask.kind is ActorKind.CITIZEN:
            return SELF if ask.actor == citizen else None
        found = self._held(ask, citizen)
        return found.basis if found else None

    def _held(self, ask: Ask, citizen: int) -> Relation | None:
        held = [
            r for (who, place), r in self.relations.items() if who == citizen and self._covers(ask.organisation, place)
        ]
        return min((r for r in held if r.until is None or ask.at < r.until), key=lambda r: r.basis, default=None)

    def _blocked(self, ask: Ask, row: FakeRow) -> bool:
        return ask.kind is not ActorKind.CITIZEN and any(
            (block.who is None or self._covers(ask.organisation, block.who))
            and (block.what is None or self._covers(row.origin, block.what))
            for citizen, block in self.blocks.values()
            if citizen == row.citizen
        )

    async def citizen_rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> Sequence[FakeRow]:
        """All visible rows, logged as one look."""
        basis = self._basis(ask, citizen)
        mine = [row for row in self.rows if row.citizen == citizen and row.type_name in types]
        seen = [row for row in mine if basis is not None and not self._blocked(ask, row)][:limit]
        kinds = tuple(dict.fromkeys(row.type_name for row in seen))
        self.note(ask, citizen, Action.OVERVIEW, basis if seen or basis == SELF else None, kinds, len(seen))
        return seen

    def note(
        self, ask: Ask, citizen: int, action: int, basis: int | None, types: tuple[str, ...] = (), count: int = 0
    ) -> None:
        """A log row."""
        name = self.professionals.get(ask.actor) or getattr(self.citizens.get(ask.actor), "name", None)
        place = self.places[ask.organisation].name if ask.organisation is not None else None
        entry = LogEntry(
            len(self.log) + 1, ask.at, ask.kind, ask.actor, name, ask.organisation, place, ask.role, int(ask.purpose),
            int(action), basis is not None, basis, types, count,
        )  # fmt: skip
        self.log.append(entry)
        self._looked.setdefault(citizen, []).append(entry)

    def __post_init__(self) -> None:
        self._looked: dict[int, list[LogEntry]] = {}

    # Registries -----------------------------------------------------------------------------------------------------

    async def find_citizen(self, ask: Ask, number: str) -> CitizenIdentity | None:
        """By number, logged."""
        found = next((one for one in self.citizens.values() if one.number == number), None)
        if found:
            self.note(ask, found.key, Action.LOOKUP, DIRECTORY)
        return found

    async def find_citizens_by_name(self, ask: Ask, name: str, limit: int) -> Sequence[CitizenIdentity]:
        """By name, each logged."""
        found = [one for one in self.citizens.values() if name.casefold() in one.name.casefold()][:limit]
        for one in found:
            self.note(ask, one.key, Action.LOOKUP, DIRECTORY)
        return found

    async def attempted(self, ask: Ask) -> None:
        """Nobody was found."""
        self.note(ask, 0, Action.LOOKUP, None)

    async def search_citizens(self, words: str, limit: int) -> Sequence[CitizenIdentity]:
        """For the log-in page."""
        wanted = words.casefold()
        return [c for c in self.citizens.values() if wanted in c.name.casefold() or wanted in c.number.casefold()][
            :limit
        ]

    async def own_identity(self, ask: Ask) -> CitizenIdentity | None:
        """The asking citizen."""
        return self.citizens.get(ask.actor)

    async def organisations(self, keys: Sequence[int]) -> Mapping[int, Organisation]:
        """By key."""
        return {key: self.places[key] for key in keys if key in self.places}

    async def organisation_tree(self) -> Sequence[Organisation]:
        """All of them."""
        return list(self.places.values())

    async def professional_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        """By key."""
        return {key: self.professionals[key] for key in keys if key in self.professionals}

    # Relations ------------------------------------------------------------------------------------------------------

    async def held(self, ask: Ask, citizen: int) -> Relation | None:
        """Blocks or not."""
        return self._held(ask, citizen)

    async def may_declare(self, ask: Ask) -> bool:
        """By role."""
        return ask.role in self.declaring_roles

    async def declare(self, ask: Ask, citizen: int, reason: str) -> datetime:
        """Class D."""
        if ask.role not in self.declaring_roles or ask.organisation is None:
            raise Forbidden
        until = ask.at + timedelta(hours=24)
        self.relations[citizen, ask.organisation] = Relation(DECLARED, until)
        self.note(ask, citizen, 10, DECLARED)
        return until


@dataclass
class FakeLog:
    """The citizen's own log."""

    network: FakeNetwork

    async def entries(self, ask: Ask, since: datetime, until: datetime, cursor: str | None, limit: int) -> LogPage:
        """Newest first."""
        before = int(cursor) if cursor else len(self.network.log) + 1
        mine = self.network._looked.get(ask.actor, [])
        found = [entry for entry in mine if since <= entry.at < until and entry.id < before]
        found.sort(key=lambda entry: (entry.at, entry.id), reverse=True)
        self.network.note(ask, ask.actor, 13, SELF)
        return LogPage(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)


@dataclass
class FakeBlocks:
    """The citizen's own blocks."""

    network: FakeNetwork

    async def list(self, ask: Ask) -> Sequence[Block]:
        """In force."""
        return [block for citizen, block in self.network.blocks.values() if citizen == ask.actor]

    async def add(self, ask: Ask, who: int | None, what: int | None) -> UUID:
        """From the next request."""
        block = Block(uuid4(), who, what, ask.at)
        self.network.blocks[block.id] = (ask.actor, block)
        self.network.note(ask, ask.actor, 11, SELF)
        return block.id

    async def remove(self, ask: Ask, block: UUID) -> bool:
        """Own blocks only."""
        if self.network.blocks.get(block, (None,))[0] != ask.actor:
            return False
        del self.network.blocks[block]
        self.network.note(ask, ask.actor, 12, SELF)
        return True


@dataclass
class FakePersonas:
    """The log-in page's people."""

    network: FakeNetwork

    async def all(self) -> Sequence[Persona]:
        """In order."""
        return self.network.people

    async def citizen(self, patient: UUID) -> Principal | None:
        """Any citizen."""
        found = next((one for one in self.network.citizens.values() if one.patient == patient), None)
        return Principal(ActorKind.CITIZEN, found.key, found.name) if found else None


def later(network: FakeNetwork, **by: float) -> None:
    """Time passes."""
    network.now += timedelta(**by)


def silent(network: FakeNetwork, organisation: int, since: datetime) -> None:
    """A source stops delivering."""
    network.places[organisation] = replace(network.places[organisation], last_received=since)
