"""A whole network in memory behind the portals' ports: decided the same way, logged the same way, and small."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from helhed.foundation.ask import Action, ActorKind, Ask, Purpose
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.portals.authentication import Authentication
from helhed.portals.ports import (
    CitizenIdentity,
    Clinicians,
    Help,
    LogEntry,
    LogPage,
    Organisation,
    Persona,
    Ports,
    Relation,
    Relatives,
)
from helhed.portals.ports.apps import AppInUse, AppNotKnown, AppRequest, OpenableApp
from helhed.portals.ports.consents import Block, Consent, Decided, Job, Reader, Seen, Shape
from helhed.portals.ports.glass import Opening, OwnTicket, Waiting
from helhed.portals.ports.proofs import LogAnchors, LogWitness
from helhed.portals.sessions import Principal
from helhed.trust.acting.mandates import Acting, ActsFor, Offer
from helhed.trust.lookups.in_memory import LookupsInMemory
from helhed.trust.relation.declarations import Declaration, HeldBasis
from tests.unit.portals.fake_calendars import FakeCalendars
from tests.unit.portals.fake_desk import fake_desk
from tests.unit.portals.fake_exchange import no_messages, no_sources
from tests.unit.portals.fake_log_ins import FakeLogIns
from tests.unit.portals.fake_works import FakeOperations, no_copies
from tests.unit.portals.kept_in_memory import OnceInMemory, SessionsInMemory

SELF, ADMITTED, DECLARED, DIRECTORY = 1, 2, 4, 8


class NoApps:
    """Nobody asks for anything, and nothing has access."""

    async def begin(self, pairs: Sequence[tuple[str, str]], session: Authentication | None) -> str:
        raise AppNotKnown("no app")

    async def request(self, ask: Ask, handle: str, login: Authentication) -> AppRequest:
        raise Unknown

    async def allow(
        self, ask: Ask, handle: str, chosen: Sequence[str], login: Authentication, patient: UUID | None
    ) -> str:
        raise Unknown

    async def refuse(self, handle: str, *, broken: bool = False) -> str:
        raise Unknown

    async def in_use(self, ask: Ask) -> Sequence[AppInUse]:
        return []

    async def end(self, ask: Ask, id: UUID) -> bool:
        return False

    async def openable(self, ask: Ask) -> Sequence[OpenableApp]:
        return []

    async def launch(self, ask: Ask, id: str, patient: UUID) -> str:
        raise Unknown


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
    vouched: dict[str, int] = field(default_factory=dict)  #: whom the provider vouches for beside those shown by name
    ended_jobs: set[str] = field(default_factory=set)  #: of these personas
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
            glass=FakeGlass(self),
            emergency=no_copies(), operations=FakeOperations(),
            log_desk=fake_desk(FakeLog(self)),
            personas=FakePersonas(self), sessions=SessionsInMemory(), log_ins=FakeLogIns(self), once=OnceInMemory(), apps=NoApps(), clock=lambda: self.now, lookups=LookupsInMemory(), acting=FakeMandates(), declarations=FakeDeclarations(), proofs=FakeProofs(), pause=self.pause, version="0.1.0",
            clinicians=cast("Clinicians", None),
            relatives=cast("Relatives", None),
            help=cast("Help", None),
            counter=cast("Any", None), calendars=cast("Any", FakeCalendars()),
            messages=no_messages(), sources=no_sources(),
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
        while unit is not None and unit != place:
            unit = self.places[unit].parent
        return unit == place

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
            self.hides(block.shape, ask.organisation, row)
            for citizen, block in self.blocks.values()
            if citizen == row.citizen and block.ended_at is None
        )

    def hides(self, shape: Shape, reader: int | None, row: FakeRow) -> bool:
        """By places alone: the other shapes are the database's to decide."""
        who, what = shape.who_organisation, shape.what_organisation
        return (who is None or self._covers(reader, who)) and (what is None or self._covers(row.origin, what))

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
        return LogPage(found[:limit], str(found[limit - 1].id) if len(found) > limit else None, len(found))


@dataclass
class FakeBlocks:
    """The citizen's own blocks and consents."""

    network: FakeNetwork
    given: dict[UUID, tuple[int, Consent]] = field(default_factory=dict)

    async def history(self, ask: Ask) -> Sequence[Block]:
        """All of them."""
        return [block for citizen, block in self.network.blocks.values() if citizen == ask.actor]

    async def of_another(self, ask: Ask, citizen: int) -> Decided:
        """Nobody acts here in blocks and consents."""
        raise Unknown

    async def put(self, ask: Ask, shape: Shape, block: UUID, instead_of: UUID | None) -> None:
        """From the next request; once."""
        if block not in self.network.blocks:
            if instead_of is not None and not await self.end(ask, instead_of):
                raise Unprocessable
            self.network.blocks[block] = (ask.actor, Block(block, shape, ask.at, replaces=instead_of))
            self.network.note(ask, ask.actor, 11, SELF)

    async def end(self, ask: Ask, block: UUID) -> bool:
        """Own blocks only."""
        citizen, found = self.network.blocks.get(block, (None, None))
        if found is None or citizen != ask.actor or found.ended_at is not None:
            return False
        self.network.blocks[block] = (ask.actor, replace(found, ended_at=ask.at))
        self.network.note(ask, ask.actor, 12, SELF)
        return True

    async def consents(self, ask: Ask) -> Sequence[Consent]:
        """All of them."""
        return [consent for citizen, consent in self.given.values() if citizen == ask.actor]

    async def give(
        self,
        ask: Ask,
        consent: UUID,
        until: datetime,
        professional: int | None,
        organisation: int | None,
        block: UUID | None,
    ) -> None:
        """From now on."""
        self.given[consent] = (ask.actor, Consent(consent, professional, organisation, block, ask.at, until))

    async def withdraw(self, ask: Ask, consent: UUID) -> bool:
        """Own consents only."""
        return self.given.get(consent, (None,))[0] == ask.actor and bool(self.given.pop(consent))

    async def tried(
        self, ask: Ask, citizen: int, reader: Reader, types: Sequence[str], shape: Shape | None, without: UUID | None
    ) -> Mapping[UUID, Seen]:
        """By places alone."""
        held = [one.shape for who, one in self.network.blocks.values() if who == citizen and one.ended_at is None]
        kept = [
            *[
                one.shape
                for who, one in self.network.blocks.values()
                if who == citizen and one.ended_at is None and one.id != without
            ],
            *([shape] if shape else []),
        ]
        found = {}
        for row in self.network.rows:
            if row.citizen == citizen and row.type_name in types:
                today, then = (
                    any(self.network.hides(one, reader.organisation, row) for one in shapes) for shapes in (held, kept)
                )
                found[row.id] = Seen(None if today else ADMITTED, None if then else ADMITTED)
        return found

    async def chosen_clinic(self, ask: Ask) -> int | None:
        """Nobody has chosen."""
        return None

    async def jobs(self, professionals: Sequence[int], now: datetime) -> Sequence[Job]:
        """By the personas."""
        who = [one.principal for one in self.network.people if one.principal and one.principal.actor in professionals]
        return [Job(one.actor, one.name, one.organisation, one.role) for one in who if one.organisation is not None]

    async def professionals_called(self, name: str, limit: int) -> Sequence[int]:
        """By a part of the name."""
        return [key for key, one in self.network.professionals.items() if name.casefold() in one.casefold()][:limit]


class FakeProofs:
    """One witness, and a file."""

    async def anchors(self) -> LogAnchors:
        return LogAnchors("ab" * 32, [LogWitness("region.test", "cd" * 32)])

    async def export(self, ask: Ask) -> bytes:
        return b"{}"


@dataclass
class FakeGlass:
    """Nobody breaks any glass here: what tickets do is tested at real doors (tests/unit/glass)."""

    network: FakeNetwork

    async def may(self, ask: Ask) -> bool:
        """By role."""
        return ask.role in self.network.declaring_roles

    async def held(self, ask: Ask, citizen: int) -> Opening | None:
        """Nothing."""
        return None

    async def blocks_shown(self, ask: Ask, citizen: int) -> bool:
        """Nobody chose it."""
        return False

    async def break_it(self, ask: Ask, citizen: int, reason: str, added: str, ticket: UUID) -> None:
        """Not here."""
        raise Forbidden

    async def end(self, ask: Ask, ticket: UUID) -> None:
        """Nothing to end."""
        raise Unknown

    async def may_review(self, ask: Ask) -> bool:
        """Reviewers, and who runs the network."""
        return ask.role in {"reviewer", "operator"}

    async def waiting(self, ask: Ask) -> Sequence[Waiting]:
        """Nothing."""
        return []

    async def review(self, ask: Ask, ticket: UUID, *, justified: bool, words: str) -> None:
        """Nothing to review."""
        raise Unprocessable

    async def own(self, ask: Ask) -> Sequence[OwnTicket]:
        """Nothing."""
        return []


class FakeMandates:
    """Nobody acts for anybody here: what mandates do is tested at real doors (tests/unit/acting)."""

    async def acts_for(self, ask: Ask) -> Sequence[ActsFor]:
        """Nobody."""
        return []

    async def all(self, ask: Ask) -> Sequence[Acting]:
        """Nothing."""
        return []

    async def offer(self, ask: Ask, offer: Offer) -> str:
        """Finds nobody."""
        return "nobody"

    async def answer(self, ask: Ask, offer: UUID, *, yes: bool) -> None:
        """Nothing to answer."""
        raise Unknown

    async def withdraw(self, ask: Ask, offer: UUID) -> None:
        """Nothing to take back."""
        raise Unknown

    async def blocks_for(self, ask: Ask, citizen: int) -> Sequence[dict[str, Any]]:
        """None."""
        return []

    async def set_block_for(self, ask: Ask, citizen: int, who: int | None) -> None:
        """For nobody."""
        raise Unknown

    async def end_block_for(self, ask: Ask, citizen: int, block: UUID) -> None:
        """None."""
        raise Unknown

    async def end(self, ask: Ask, acting: UUID) -> None:
        """Nothing to end."""
        raise Unknown


class FakeDeclarations:
    """No declaration is followed up here: that is tested at real doors (tests/unit/acting)."""

    async def open(self, ask: Ask) -> Sequence[Declaration]:
        """None."""
        return []

    async def explain(self, ask: Ask, declaration: UUID, text: str, *, admits: bool) -> None:
        """Nothing to explain."""
        raise Unknown

    async def bases(self, ask: Ask, citizen: int) -> Sequence[HeldBasis]:
        """None."""
        return []


@dataclass
class FakePersonas:
    """The log-in page's people."""

    network: FakeNetwork

    async def all(self) -> Sequence[Persona]:
        """In order."""
        return self.network.people


def later(network: FakeNetwork, **by: float) -> None:
    """Time passes."""
    network.now += timedelta(**by)


def silent(network: FakeNetwork, organisation: int, since: datetime) -> None:
    """A source stops delivering."""
    network.places[organisation] = replace(network.places[organisation], last_received=since)
