"""Saying where a unit's messages go and what it offers, from a day on: by the page's keeper, as its system says it through the API.

An Endpoint or HealthcareService is stored by the system of the organisation that its keeper acts from, and changed by the system of
whoever registered it. It says itself from which day and until which it counts, so that what lies ahead is told at once and needs nobody on
its day. Taken back before its day it never was to be; that it was planned stays known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.fhir.validation import validate
from helhed.foundation.ask import Action, Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.database import Pool
from helhed.foundation.errors import InvalidResource
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, prove
from helhed.registries.units.listing import ALWAYS, IN_FORCE, NEVER_ENDS, period_of
from helhed.registries.units.planning import danish_day, refuse, system_of

_ADMIT = "select * from registries.admit_listing($1::fhir.ask, $2, $3, $4, $5, $6)"
_TO_COME = "select * from registries.listings_to_come($1, $2)"
_UNIT = {"Endpoint": "managingOrganization", "HealthcareService": "providedBy"}
_ADDRESS = re.compile(r"https://[^\s/@?#]+\.[^\s/@?#]+(/\S*)?", re.ASCII)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """Something that is listed for a unit itself."""

    id: UUID
    type: str  #: Endpoint or HealthcareService
    said: Mapping[str, Any]
    begins: date | None  #: None: since ever
    ends: date | None  #: the first day on which it is not so; None for no end


class UnitListings:
    """What is listed for units, as whoever arranges them says it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, unit: UUID, moment: datetime) -> list[Listing]:
        """What is listed for the unit itself and is not over at ``moment``. Public."""
        return await listings_to_come(self._store.pool, unit, moment)

    async def add(self, ask: Ask, unit: UUID, day: date, resource: Mapping[str, Any]) -> UUID:
        """From ``day`` on it is listed for the unit. Raises HelhedError."""
        if resource["resourceType"] == "Endpoint" and not right_address(str(resource.get("address", ""))):
            refuse("address")
        storer, _ = await self._admitted(ask, Action.LIST_FOR_UNIT, unit, None, day)
        body = with_period(
            {**resource, _UNIT[resource["resourceType"]]: {"reference": f"Organization/{unit}"}}, start=day
        )
        if issues := validate(body):
            raise InvalidResource(issues=issues)
        new = new_id()
        await self._store.commit(storer, [Change("POST", body["resourceType"], body, orjson.dumps(body), new)])
        return new

    async def end(self, ask: Ask, unit: UUID, listed: UUID, day: date) -> None:
        """From ``day`` on it counts no longer; one that would begin that day or later is taken back. Raises HelhedError."""
        storer, now = await self._admitted(ask, Action.END_LISTING, unit, listed, day)
        if now.begins is not None and now.begins >= day:
            await self._store.commit(storer, [Change("DELETE", now.type, None, None, listed)])
        else:
            await self._put(storer, now, end=day - timedelta(days=1))

    async def withdraw(self, ask: Ask, unit: UUID, listed: UUID) -> None:
        """What lies ahead is not to be: what would begin is gone, what would end goes on. Raises Conflict when nothing lies ahead."""
        today = danish_day(ask.at)
        storer, now = await self._admitted(ask, Action.WITHDRAW_LISTING, unit, listed, today)
        if now.begins is not None and now.begins > today:
            await self._store.commit(storer, [Change("DELETE", now.type, None, None, listed)])
        elif now.ends is not None:
            await self._put(storer, now, end=None)
        else:
            refuse("begun")

    async def _admitted(self, ask: Ask, act: Action, unit: UUID, listed: UUID | None, day: date) -> tuple[Ask, Listing]:
        """By whose system it is stored, and what is listed now. Raises HelhedError."""
        found = next((one for one in await self.of(unit, ask.at) if one.id == listed), None)
        values = (int(act), key_of(unit), listed, day, danish_day(ask.at))
        async with lend(self._store.pool) as connection, connection.transaction():
            await prove(connection, Duty.PERSON)
            (row,) = await connection.fetch(_ADMIT, ask_row(ask), *values)
        refuse(row["problem"] if found or listed is None else "unknown")
        return system_of(ask, row["storer"]), found or Listing(unit, "", {}, None, None)

    async def _put(self, storer: Ask, now: Listing, *, end: date | None) -> None:
        found = await self._store.read(storer, now.type, now.id)
        body = with_period(orjson.loads(found.body), end=end)
        change = Change("PUT", now.type, body, orjson.dumps(body), now.id, if_match=found.version)
        await self._store.commit(storer, [change])


async def listings_to_come(pool: Pool, unit: UUID, moment: datetime) -> list[Listing]:
    """What is listed for a unit itself and is not over at ``moment``, whether it has begun or not. Public: organisations are nobody's secret."""
    async with lend(pool) as connection:
        return [_listing(row) for row in await connection.fetch(_TO_COME, key_of(unit), moment)]


def _listing(row: Any) -> Listing:
    return Listing(
        row["source"],
        row["type"],
        orjson.loads(row["said"]),
        _day(row["valid_from"], ALWAYS),
        _day(row["valid_to"], NEVER_ENDS),
    )


def _day(moment: datetime, never: datetime) -> date | None:
    return None if moment.year == never.year else moment.astimezone(DANISH_TIME).date()


def right_address(text: str) -> bool:
    """Whether messages about people may go there: encrypted, to a host that is named, with no name or password in it."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None


_KEPT = object()  #: what stays as it is


def with_period(resource: Mapping[str, Any], *, start: object = _KEPT, end: object = _KEPT) -> dict[str, Any]:
    """The resource with the first and the last day on which it counts (None: neither); an extension of ours where FHIR has no place for them."""
    before = period_of(resource)
    told = {
        name: before.get(name) if value is _KEPT else value and str(value)
        for name, value in (("start", start), ("end", end))
    }
    days = {name: value for name, value in told.items() if value}
    rest = [one for one in resource.get("extension", ()) if one.get("url") != IN_FORCE]
    if resource["resourceType"] == "Endpoint":
        found = {**resource, "period": days or None}
    else:
        found = {**resource, "extension": [*rest, *([{"url": IN_FORCE, "valuePeriod": days}] if days else [])] or None}
    return {name: value for name, value in found.items() if value is not None}
