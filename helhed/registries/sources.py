"""The sources of the network: who stores here, who is asked when somebody looks, who sends messages, and how each is asked.

The operator alone says who is asked and where (``helhed source``): an address here is sent the numbers of citizens. Whoever serves may
pause a source, and go on, in the name of an operator.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import orjson

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.foundation.outward import NotAllowedThere, check_url
from helhed.foundation.proving import Duty, lend_proven

_ALL = "select * from registries.sources()"
_SWITCH = "select registries.switch_source($1::fhir.ask, $2, $3)"
_NOTE = "select registries.note_source($1, $2, $3, $4, $5)"
_PUT = """
insert into registries.source (id, organisation, name, kind, way, types, withholds, keeper, terms, changed_at)
select $1, o.key, $3, $4, $5, $6, $7, $8, $9::jsonb, $10 from registries.organisation o where o.key = $2
on conflict (organisation, kind) do update set name = excluded.name, way = excluded.way, types = excluded.types,
  withholds = excluded.withholds, keeper = excluded.keeper, terms = excluded.terms, changed_at = excluded.changed_at
returning id"""
_END = "delete from registries.source where id = $1 returning id"
_FORGET = "delete from fhir.live_{} where source = $1"


class SourceKind(StrEnum):
    """What a source is."""

    HOSPITAL = "hospital"
    GENERAL_PRACTICE = "general-practice"
    MUNICIPALITY = "municipality"
    PRIVATE_HOSPITAL = "private-hospital"
    LABORATORY = "laboratory"
    IMAGES = "images"  #: an index of images
    WOUNDS = "wounds"  #: a wound record
    VACCINATIONS = "vaccinations"  #: a register


class Way(StrEnum):
    """How what it knows comes here."""

    STORING = "storing"
    LIVE = "live"
    MESSAGING = "messaging"


class Question(StrEnum):
    """How a live source is asked."""

    EVERYTHING = "everything"  #: Patient/[id]/$everything
    SEARCHES = "searches"  #: a search in each type


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How we prove to it who we are: a signed assertion (RFC 7523) with the network's key, for an access token."""

    token_endpoint: str
    client_id: str
    scope: str = "system/*.rs"


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a live source is asked."""

    address: str  #: its FHIR base
    deadline_ms: int = 2000
    fresh_seconds: float = 60.0  #: an answer younger than this is not asked for again
    kept_seconds: float = 86_400.0  #: for so long its last answer is shown when it is silent; then it is gone
    question: Question = Question.EVERYTHING
    credentials: Credentials | None = None  #: None: it is asked without (a test, or a network of its own)
    internal_network: bool = False  #: it may stand in a network of our own, or on this machine
    replacement_numbers: bool = True  #: whether it knows replacement CPR numbers; else it is told none
    images: str = ""  #: its DICOMweb base (WADO-RS), "" for none


@dataclass(frozen=True, slots=True)
class Source:
    """One source."""

    id: UUID
    organisation: UUID
    organisation_name: str
    name: str
    kind: SourceKind
    way: Way
    active: bool
    types: tuple[str, ...]
    withholds: bool  #: it has blocks of its own, and may hold back without saying so
    keeper: str
    terms: Terms | None
    changed_at: datetime
    last_received: datetime | None = None
    answered_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    reason: str | None = None
    closed_until: datetime | None = None


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source as an operator describes it: the fields of the file."""

    organisation: UUID
    name: str
    kind: SourceKind
    way: Way
    types: tuple[str, ...]
    keeper: str
    withholds: bool = False
    terms: Terms | None = None


class Sources:
    """The registry of sources, for the network that serves."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[Source]:
        """Every source, by name."""
        async with lend(self._pool) as connection:
            return [_source(row) for row in await connection.fetch(_ALL)]

    async def switch(self, ask: Ask, source: UUID, *, on: bool) -> None:
        """Pause it, or go on. Raises Unknown for who may not."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_SWITCH, ask_row(ask), source, on):
                raise Unknown

    async def note(self, source: UUID, at: datetime, trouble: str | None, most: int, rest: timedelta) -> None:
        """It answered (None), or did not: after ``most`` times on end nobody asks for ``rest``."""
        async with lend_proven(self._pool, Duty.STORE) as connection:
            await connection.execute(_NOTE, source, at, trouble, most, rest)


async def list_sources(connection: Connection) -> list[Source]:
    """Every source, for an operator's command."""
    return [_source(row) for row in await connection.fetch(_ALL)]


async def put_source(connection: Connection, described: Described, at: datetime) -> UUID:
    """Register a source, or say anew how the one of this organisation and kind is. Raises BadRequest or Unknown."""
    for problem in _problems(described):
        raise BadRequest(problem)
    terms = None if described.terms is None else msgspec.json.encode(described.terms).decode()
    numbers = sorted(TYPE_NUMBERS[name] for name in described.types)
    found: UUID | None = await connection.fetchval(
        _PUT, new_id(), key_of(described.organisation), described.name, described.kind, described.way, numbers,
        described.withholds, described.keeper, terms, at,
    )  # fmt: skip
    if found is None:
        raise Unknown("No organisation is registered here under that id.")
    return found


async def end_source(connection: Connection, source: UUID) -> None:
    """It is a source no longer, and what it answered is gone. Raises Unknown."""
    if await connection.fetchval(_END, source) is None:
        raise Unknown("No source is registered here under that id.")
    for table in ("row", "answer", "presented"):
        await connection.execute(_FORGET.format(table), source)


def _problems(one: Described) -> Iterator[str]:
    """What an operator should hear first."""
    if not one.name.strip() or not one.keeper.strip():
        yield "Say what the source is called, and who keeps it."
    if not one.types:
        yield "Say which types of resources it holds."
    for name in one.types:
        if name not in TYPE_NUMBERS or type_definition(name).ownership is not Ownership.CITIZEN or name == "Patient":
            yield f"{name[:60]!r} is no type of resource that is about a citizen."
    if (one.way is Way.LIVE) != (one.terms is not None):
        yield "A live source has an address, and no other has one."
    if one.terms is not None:
        yield from _problems_of_terms(one.terms)


def _problems_of_terms(terms: Terms) -> Iterator[str]:
    addresses = [terms.address, terms.images, terms.credentials.token_endpoint if terms.credentials else ""]
    for address in filter(None, addresses):
        try:
            check_url(address, internal=terms.internal_network)
        except NotAllowedThere:
            yield "An address is https and nothing else: no name and password, no part of a page. http is for this machine alone."
    if not 50 <= terms.deadline_ms <= 10_000:
        yield "A deadline is 50 to 10,000 milliseconds."
    if not 0 <= terms.fresh_seconds <= terms.kept_seconds <= 7 * 86_400:
        yield "An answer is fresh for at most as long as it is kept, and kept for at most seven days."


def _source(row: Any) -> Source:
    fields: dict[str, Any] = {name: row[name] for name in Source.__slots__}
    terms = row["terms"]
    fields |= {
        "kind": SourceKind(row["kind"]),
        "way": Way(row["way"]),
        "types": tuple(TYPE_NAMES[number] for number in row["types"]),
        "terms": None if terms is None else terms_of(terms),
        "closed_until": row["closed_until"] if row["closed_until"].tzinfo else None,  # -infinity has no zone
    }
    return Source(**fields)


def terms_of(said: Any) -> Terms:
    """Terms as the database holds them."""
    return msgspec.convert(orjson.loads(said) if isinstance(said, str) else said, Terms)


__all__ = [
    "Credentials", "Described", "Question", "Source", "SourceKind", "Sources", "Terms", "Way", "end_source", "list_sources", "put_source",
    "terms_of",
]  # fmt: skip


def types_by_number(numbers: Sequence[int]) -> tuple[str, ...]:
    """Names of types."""
    return tuple(TYPE_NAMES[number] for number in numbers)
