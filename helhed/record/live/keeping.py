"""What the database holds of live sources: who is asked now, what was answered, and what of it an ask may see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Version
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.record.live.asking import Number, Person
from helhed.record.live.rules import rules
from helhed.record.live.taking import LiveRow, Taken
from helhed.registries.protection import CONCEALED, protected_among, without_addresses
from helhed.registries.sources import Terms, terms_of

_ASK = "select * from fhir.ask_live_by_numbers($1::fhir.ask, $2, $3::smallint[], $4)"
_ROWS = "select * from fhir.live_rows_of($1::fhir.ask, $2, $3::smallint[], $4)"
_READ = "select * from fhir.read_live($1::fhir.ask, $2::smallint, $3)"
_PUT = """
select fhir.put_live_answer($1, $2, $3::smallint[], $4, $5, $6, $7::uuid[], $8::smallint[], $9::jsonb, $10::timestamptz[],
  $11::timestamptz[], $12::timestamptz[], $13::bytea[])"""
_SAME = "select fhir.remember_same($1, $2, $3::uuid[], $4::uuid[])"
_PURGE = "select fhir.purge_live_rows($1)"
_NAMED = "select * from registries.named_by($1::text[], $2::text[])"


@dataclass(frozen=True, slots=True)
class Planned:
    """A source as it concerns this look: whether it is asked, and what is kept of its last answer."""

    source: UUID
    organisation: UUID
    name: str
    kind: str
    withholds: bool
    state: str  #: ask, fresh, resting, paused
    types: tuple[str, ...]  #: what it is asked for: what the asker may see of what it holds
    answered: datetime | None  #: how old the oldest part of the answer that is kept is
    dropped: int
    reason: str | None  #: why it failed last
    terms: Terms | None  #: when it is asked
    people: tuple[Person, ...]  #: the keys and numbers of the citizen, who was opened first; none when it is not asked
    tells: bool  #: whether anything of what its answers hold is said to this asker


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A row that a source answered, as an ask may see it."""

    version: Version
    origin: int
    source: UUID
    lo: datetime
    hi: datetime

    @property
    def type_name(self) -> str:
        """Resource type."""
        return self.version.type_name

    @property
    def id(self) -> UUID:
        """Its id here."""
        return self.version.id

    @property
    def updated(self) -> datetime:
        """When the source answered."""
        return self.version.updated

    @property
    def body(self) -> bytes:
        """The complete JSON, with id and meta of ours."""
        return self.version.body


@dataclass(frozen=True, slots=True)
class Opened:
    """One of them, with where the source has its attachments."""

    version: Version
    origin: int
    citizen: int
    source: UUID
    addresses: tuple[str, ...]
    terms: Terms


class LiveRows:
    """The statements."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def plan(self, ask: Ask, citizen: int, types: Sequence[str]) -> list[Planned]:
        """Who is asked, decided and logged: only now may anything be sent."""
        numbers = [TYPE_NUMBERS[name] for name in types]
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _ASK, ask_row(ask), citizen, numbers, timedelta(seconds=rules().trial_seconds)
            )
        return [_planned(row) for row in rows]

    async def put(self, one: Planned, citizen: int, at: datetime, taken: Taken) -> None:
        """Keep an answer until its end, in the place of the one before."""
        if one.terms is None:
            return
        rows: Sequence[LiveRow] = taken.rows
        labels = [
            {"authors": row.authors, "contents": row.contents, "concerns": row.concerns, "addresses": row.addresses}
            for row in rows
        ]
        async with lend_proven(self._pool, Duty.STORE) as connection:
            if await protected_among(connection, [citizen]):
                rows = [replace(row, body=_concealed(row.body)) for row in rows]
            await connection.execute(
                _PUT, one.source, citizen, [TYPE_NUMBERS[name] for name in one.types], at,
                at + timedelta(seconds=one.terms.kept_seconds), taken.dropped, [row.id for row in rows],
                [TYPE_NUMBERS[row.type_name] for row in rows], orjson.dumps(labels).decode(), [row.lo for row in rows],
                [row.hi for row in rows], [row.sort for row in rows], [row.body for row in rows],
            )  # fmt: skip
            if same := [(row.id, other) for row in rows for other in row.others]:
                await connection.execute(_SAME, one.source, citizen, *zip(*same, strict=True))

    async def rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> list[LiveVersion]:
        """What the ask may see of what was answered, newest first: one look."""
        numbers = [TYPE_NUMBERS[name] for name in types]
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_ROWS, ask_row(ask), citizen, numbers, limit)
        return [
            LiveVersion(
                _version(TYPE_NAMES[row["type"]], row["id"], row), row["origin"], row["source"], row["lo"], row["hi"]
            )
            for row in rows
        ]

    async def read(self, ask: Ask, type_name: str, identifier: UUID) -> Opened | None:
        """One of them; None for what is not there, which is logged too."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_READ, ask_row(ask), TYPE_NUMBERS[type_name], identifier)
        if row is None:
            return None
        return Opened(
            _version(type_name, identifier, row), row["origin"], row["citizen"], row["source"], tuple(row["addresses"]),
            terms_of(row["terms"]),
        )  # fmt: skip

    async def people(self, named: set[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Who of ours is meant by identifiers: Type/id, where exactly one is."""
        if not named:
            return {}
        systems, values = zip(*sorted(named), strict=True)
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_NAMED, list(systems), list(values))
        return {(row["system"], row["value"]): f"{row['type']}/{row['id']}" for row in rows}

    async def purge(self, now: datetime) -> int:
        """Take away what has come to its end; how many rows."""
        async with lend(self._pool) as connection:
            return int(await connection.fetchval(_PURGE, now))


def _version(type_name: str, identifier: UUID, row: Any) -> Version:
    return Version(type_name, identifier, 1, row["at"], row["body"])


def _concealed(body: bytes) -> bytes:
    """A row about somebody whose address CPR protects, without addresses."""
    resource = orjson.loads(body)
    return without_addresses(body, resource)[0] if resource["resourceType"] in CONCEALED else body


def _planned(row: Any) -> Planned:
    return Planned(
        row["source"], row["organisation"], row["name"], row["kind"], row["withholds"], row["state"],
        tuple(TYPE_NAMES[one] for one in row["types"]), row["answered"], row["dropped"], row["reason"],
        None if row["terms"] is None else terms_of(row["terms"]), tuple(_people(row["numbers"])), row["tells"],
    )  # fmt: skip


def _people(numbers: str | None) -> Iterator[Person]:
    for one in orjson.loads(numbers or "[]"):
        yield Person(int(one["citizen"]), UUID(one["patient"]), Number(one["number"], one["replacement"]))
