"""What the pages need from the rooms below: the portals know these shapes and nothing behind them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.portals.ports.acting import Mandates, Subject
from helhed.portals.ports.apps import Apps
from helhed.portals.ports.calendar import Calendars
from helhed.portals.ports.clinicians import Clinicians
from helhed.portals.ports.consents import Blocks
from helhed.portals.ports.declarations import Declarations
from helhed.portals.ports.emergency import Emergency
from helhed.portals.ports.figures import Figures
from helhed.portals.ports.glass import Glass
from helhed.portals.ports.help import Counter, Help, Relatives
from helhed.portals.ports.images import Images
from helhed.portals.ports.keeping import Keeping, NoKeeping
from helhed.portals.ports.log_desk import LogDesk
from helhed.portals.ports.log_entries import LogEntry, LogPage, PurgeNote
from helhed.portals.ports.log_in import LogIns, Once
from helhed.portals.ports.messages import MessageDesk
from helhed.portals.ports.passkeys import NoPasskeys, Passkeys
from helhed.portals.ports.proofs import LogAnchors, LogWitness, Proofs
from helhed.portals.ports.sources import SourceRegistry
from helhed.portals.ports.units import Units
from helhed.portals.ports.watch import Watch
from helhed.portals.ports.work import Work
from helhed.portals.ports.works import Operations
from helhed.portals.sessions import Principal, SessionStore
from helhed.record.reading import CitizenRows, Live
from helhed.record.stamkort.keeping import MasterData


@dataclass(frozen=True, slots=True)
class CitizenIdentity:
    """The identity minimum: who somebody is, and nothing about their health."""

    key: int
    patient: UUID
    name: str
    number: str  #: CPR or replacement CPR number without hyphen; "" when there is none
    replacement: bool  #: the number is a replacement CPR number
    birth_date: date | None
    sex: str  #: FHIR administrative gender
    alive: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """One place in the hierarchy."""

    key: int
    name: str
    kind: str  #: code of Organization.type, "" when unknown
    parent: int | None
    last_received: datetime | None  #: when it last delivered anything, about anybody


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody from the demo to log in as. ``principal`` is None for those who only use the command line."""

    key: str  #: the name ``helhed token`` knows
    principal: Principal | None
    about: Mapping[str, str]  #: one line on who this is, by language
    door: str  #: borger, hospital, praksis, kommune, drift


@dataclass(frozen=True, slots=True)
class Relation:
    """The relation a professional reads by; ``until`` is the deadline of a self-declared one."""

    basis: int  #: 2 is class A, 3 is class B, 4 is class D
    until: datetime | None


class Asks(Protocol):
    """``trust``: makes an authenticated ask of a logged-in person. Nothing else in a portal makes one."""

    def ask(self, principal: Principal, purpose: Purpose) -> Ask:
        """The ask of this person now, with a new trace."""
        ...


class Registries(Protocol):
    """``registries``: who and where."""

    async def find_citizen(self, ask: Ask, number: str) -> CitizenIdentity | None:
        """The identity minimum by CPR or replacement CPR number (no hyphen, upper case). Logged on the directory basis."""
        ...

    async def find_citizens_by_name(self, ask: Ask, name: str, limit: int) -> Sequence[CitizenIdentity]:
        """The same by the start of any part of the name; each citizen returned is logged."""
        ...

    async def attempted(self, ask: Ask) -> None:
        """Logs an attempt to find somebody by name that showed nobody."""
        ...

    async def own_identity(self, ask: Ask) -> CitizenIdentity | None:
        """The citizen's own identity minimum."""
        ...

    async def organisations(self, keys: Sequence[int]) -> Mapping[int, Organisation]:
        """These organisations; unknown keys are left out."""
        ...

    async def organisation_tree(self) -> Sequence[Organisation]:
        """Every organisation, parents before children."""
        ...

    async def professional_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Names of professionals; unknown keys are left out."""
        ...


class AccessLog(Protocol):
    """``trust``: the citizen's own log."""

    async def entries(self, ask: Ask, since: datetime, until: datetime, cursor: str | None, limit: int) -> LogPage:
        """What happened to the asking citizen's data in [since, until), newest first. Reading it adds one row."""
        ...


class Relations(Protocol):
    """``trust``: treatment relations."""

    async def held(self, ask: Ask, citizen: int) -> Relation | None:
        """The strongest relation the asking professional holds now, *whether or not a block stands in its way*."""
        ...

    async def may_declare(self, ask: Ask) -> bool:
        """Whether the asking role may declare a relation of class D."""
        ...

    async def declare(self, ask: Ask, citizen: int, reason: str) -> datetime:
        """Declares a relation of class D and returns its deadline. Forbidden when the role may not."""
        ...


class Personas(Protocol):
    """``trust``, demo mode only: the people shown by name."""

    async def all(self) -> Sequence[Persona]:
        """Everybody, in order; nobody outside demo mode."""
        ...


class Verdict(Protocol):
    """What a look-up has to bear."""

    @property
    def pause(self) -> float:
        """Seconds to wait first."""
        ...

    @property
    def refused(self) -> bool:
        """Whether it is one too many."""
        ...


class Lookups(Protocol):
    """``trust``: how many different people somebody looks up."""

    async def note(self, who: str, asker: str, people: Sequence[str], now: datetime) -> Verdict:
        """Counts look-ups by a professional, a session or an address."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the portal app is built from."""

    asks: Asks
    rows: CitizenRows
    registries: Registries
    log: AccessLog
    log_desk: LogDesk
    blocks: Blocks
    glass: Glass
    emergency: Emergency
    relations: Relations
    personas: Personas
    sessions: SessionStore
    apps: Apps
    log_ins: LogIns
    once: Once
    clock: Clock
    lookups: Lookups
    acting: Mandates
    declarations: Declarations
    proofs: Proofs
    clinicians: Clinicians
    relatives: Relatives
    help: Help
    counter: Counter
    calendars: Calendars
    passkeys: Passkeys = field(default_factory=NoPasskeys)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep  #: slows who looks many people up
    acute_places: tuple[
        int, ...
    ] = ()  #: acute wards; the first is whose eyes a block is tried with, in the demo its first hospital unit
    emergency_organisation: int | None = None  #: whose eyes a block is tried with; None takes the first hospital unit
    keeping: Keeping = field(default_factory=NoKeeping)
    master_data: MasterData | None = None  #: stamkort; pages without it show none
    figures: Figures | None = None  #: of everybody together; without them their page says that there are none
    sources: SourceRegistry | None = None  #: of the network, for those who keep it running
    images: Images | None = None  #: images of records, fetched through the network
    live: Live | None = None  #: sources that are asked when somebody looks
    units: Units | None = None  #: the register of organisations; pages without it have no such door
    operations: Operations | None = None  #: how the network stands; pages without it have no such door
    work: Work | None = None  #: whose move it is; without it there are no queues
    messages: MessageDesk | None = None  #: between organisations; pages without it have no such door
    watch: Watch | None = None  #: the desks of security officers; pages without them have no such door
    secure_cookies: bool = False  #: True behind https: the cookie is then named __Host-helhed
    version: str = ""
    base_url: str = "http://localhost"  #: the public address, for links that leave the pages


__all__ = [
    "AccessLog",
    "Asks",
    "Block",
    "Blocks",
    "CitizenIdentity",
    "Clinicians",
    "Declarations",
    "Emergency",
    "Help",
    "LogAnchors",
    "LogDesk",
    "LogEntry",
    "LogPage",
    "LogWitness",
    "Lookups",
    "Mandates",
    "Organisation",
    "Persona",
    "Personas",
    "Ports",
    "Proofs",
    "PurgeNote",
    "Registries",
    "Relation",
    "Relations",
    "Relatives",
    "Subject",
    "Verdict",
]  # fmt: skip
