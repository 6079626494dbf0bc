"""Reading calendars: each a decided look, logged as one. The database decides row by row (``fhir/migrations/0037``)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import parse_id
from helhed.foundation.lend import lend
from helhed.record.calendar.appointments import Appointment, appointments, with_places
from helhed.record.paths import Json

MOST_ROWS, MOST_VERSIONS, MOST_PLACES, MOST_OF_A_DAY = 1000, 20, 20, 500
_TYPE = TYPE_NUMBERS["Appointment"]
_PASTS = "select * from fhir.citizen_pasts($1::fhir.ask, $2, $3::smallint, $4::smallint, $5, $6)"
_DAY = "select * from fhir.unit_day($1::fhir.ask, $2::smallint, $3, $4, $5)"


class Version(NamedTuple):
    """One version, as ``appointments`` reads it."""

    id: UUID
    version: int
    updated: datetime
    deleted: bool
    origin: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class OnTheDay:
    """An appointment of a unit, and the identity minimum of whose it is."""

    appointment: Appointment
    citizen: int
    patient: UUID
    name: str
    number: str
    replacement: bool
    birth_date: date | None
    sex: str
    alive: bool


class CalendarReader:
    """Calendars of citizens, and days of units."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def calendar(self, ask: Ask, citizen: int, action: Action = Action.OVERVIEW) -> list[Appointment]:
        """Every appointment of the citizen that the ask may see, with its past, the nearest first: one look."""
        values = (ask_row(ask), citizen, _TYPE, int(action), MOST_ROWS, MOST_VERSIONS)
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_PASTS, *values)
        found = appointments(Version(*row) for row in rows)
        return with_places(found, await self._places(ask, found))

    async def day(self, ask: Ask, since: datetime, until: datetime) -> list[OnTheDay]:
        """What the asker's unit, and those beneath it, have from ``since`` until ``until``: one look, told to each citizen."""
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_DAY, ask_row(ask), _TYPE, since, until, MOST_OF_A_DAY)
        return [one for row in rows if (one := _on_the_day(row))]

    async def _places(self, ask: Ask, found: Iterable[Appointment]) -> Mapping[str, Json]:
        """The Locations that are referred to and can be seen: about nobody."""
        wanted = list(dict.fromkeys(one.said.location for one in found if one.said.location))[:MOST_PLACES]
        places: dict[str, Json] = {}
        for reference in wanted:
            with suppress(HelhedError):
                version = await self._store.read(ask, "Location", parse_id(reference.partition("/")[2]))
                places[reference] = msgspec.json.decode(version.body)
        return places


def _on_the_day(row: Any) -> OnTheDay | None:
    version = Version(row["id"], row["version"], row["updated"], False, row["origin"], row["body"])
    found = appointments([version])
    if not found:
        return None
    return OnTheDay(found[0], **{name: row[name] for name in OnTheDay.__slots__[1:]})


def of_id(found: Sequence[Appointment], wanted: UUID | None) -> Appointment | None:
    """The one with that id."""
    return next((one for one in found if one.id == wanted), None)
