"""What is known of a unit, in two times: the days on which it was so, and the moments from and to when we held it true.

Nothing that was said is ever changed. A correction is a new statement about past days, a plan one about days to come; both leave
what was known before to be told (R. T. Snodgrass, *Developing Time-Oriented Database Applications in SQL*, 1999, chapter 10).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.indexing import normalise
from helhed.foundation.database import Connection, Pool
from helhed.foundation.lend import lend

#: the end of what has no end yet, as the database has it
FOREVER = date.max
_ASSERT = "select registries.assert_unit($1, $2, coalesce($3, 'infinity'::date), $4::jsonb, $5, $6, $7)"
_AS_OF = "select * from registries.units_as_of($1, $2, $3)"
_BENEATH = "select * from registries.units_beneath($1, $2, $3)"
_ABOVE = "select * from registries.units_above($1, $2, $3)"
_HISTORY = "select * from registries.unit_history($1)"
_FIND = "select * from registries.find_units($1, $2, $3)"
_NUMBER = "select * from registries.units_with_number($1, $2, $3, $4)"
_DIRECTLY = "select * from registries.units_directly_beneath($1, $2, $3)"
_MOST_WORDS, _LONGEST_WORD = 6, 40


@dataclass(frozen=True, slots=True)
class Statement:
    """How a unit is said to be from one day until another; ``said`` None: it does not exist then."""

    unit: int
    begins: date
    ends: date | None  #: the first day on which it is not so; None for no end
    said: Mapping[str, Any] | None  #: an Organization without id, meta and narrative
    parent: int | None
    name: str  #: folded for searching
    by: int | None  #: the organisation that says so


@dataclass(frozen=True, slots=True)
class UnitThen:
    """A unit as it was on the day that was asked for."""

    unit: int
    begins: date
    ends: date | None
    known_since: datetime
    said: Mapping[str, Any]
    parent: int | None
    depth: int = 0
    asserted_by: int | None = None  #: the organisation whose plan says so; None: as its Organization says


@dataclass(frozen=True, slots=True)
class Found:
    """A unit that was looked for, and the names of those above it, nearest first."""

    key: int
    id: UUID
    name: str
    sor: str | None
    above: tuple[str, ...]


async def assert_unit(connection: Connection, statement: Statement) -> datetime:
    """Say it, in the transaction of ``connection``, which is the owner's; answers from when it is known. Raises ValueError for a period without days."""
    if statement.ends is not None and statement.begins >= statement.ends:
        raise ValueError("a period has days")
    said = None if statement.said is None else orjson.dumps(statement.said).decode()
    values = (statement.unit, statement.begins, statement.ends, said, statement.parent, statement.name, statement.by)
    known: datetime = await connection.fetchval(_ASSERT, *values)
    return known


class UnitHistory:
    """Reading the past, present and planned days of units. Public: organisations are nobody's secret."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def as_of(self, units: Iterable[int], day: date, known: datetime) -> dict[int, UnitThen]:
        """Those of ``units`` that existed on ``day``, as it was known at ``known``."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_AS_OF, list(units), day, known)
        return {row["unit"]: _then(row) for row in rows}

    async def beneath(self, top: int, day: date, known: datetime) -> list[UnitThen]:
        """A unit and all beneath it on ``day``, as known at ``known``; empty when it did not exist."""
        async with lend(self._pool) as connection:
            return [_then(row, row["depth"]) for row in await connection.fetch(_BENEATH, top, day, known)]

    async def above(self, unit: int, day: date, known: datetime) -> list[UnitThen]:
        """A unit and all above it on ``day``, nearest first; empty when it did not exist, or nothing is known of it by days."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_ABOVE, unit, day, known)
        return [_then(row, row["depth"], row["asserted_by"]) for row in rows if row["said"] is not None]

    async def of(self, unit: int) -> list[tuple[UnitThen, datetime]]:
        """All that was ever said of a unit, and until when each was held true; in the order it was said."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_HISTORY, unit)
        return [(_then(row), row["known_to"]) for row in rows if row["said"] is not None]

    async def find(self, text: str, day: date, limit: int) -> list[Found]:
        """Units open on ``day`` by parts of words, in their own name or of those above: *lungemed oden* finds a ward."""
        words = sorted({word[:_LONGEST_WORD] for word in normalise(text).split()[:_MOST_WORDS]})
        if not words:
            return []
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_FIND, words, day, limit)
        return [_found(row) for row in rows]

    async def with_number(self, number: str, day: date, limit: int, system: str | None = None) -> list[Found]:
        """Units open on ``day`` that have a number (SOR, SHAK, ydernummer, GLN), of one system or (None) of any."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_NUMBER, system, number[:_LONGEST_WORD], day, limit)
        return [_found(row) for row in rows]

    async def directly_beneath(self, top: int, day: date, known: datetime) -> list[UnitThen]:
        """The units directly beneath one on ``day``, those in use first, by name."""
        async with lend(self._pool) as connection:
            return [_then(row) for row in await connection.fetch(_DIRECTLY, top, day, known)]


def _found(row: Any) -> Found:
    return Found(row["key"], row["id"], row["name"], row["sor"], tuple(row["above"]))


def _then(row: Any, depth: int = 0, by: int | None = None) -> UnitThen:
    ends = None if row["valid_to"] == FOREVER else row["valid_to"]
    return UnitThen(
        row["unit"], row["valid_from"], ends, row["known_from"], orjson.loads(row["said"]), row["parent"], depth, by
    )
