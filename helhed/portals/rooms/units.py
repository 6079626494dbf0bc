"""Units for pages: what the registries know of them, and what those who keep them arrange."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.portals.ports.units import Place, Service, UnitSheet
from helhed.registries.addressing import routes_of
from helhed.registries.directory import Directory
from helhed.registries.shak import ShakCodes, Use
from helhed.registries.units.history import Found, UnitHistory
from helhed.registries.units.inheriting import inherited
from helhed.registries.units.keeping_listings import UnitListings
from helhed.registries.units.planning import UnitPlans, problem_of

_SERVICES = "select * from registries.listings_of($1, 'HealthcareService', $2, $3)"
_REGISTERED = "select registered_by from registries.organisation where key = $1"
_NAMES = "select key, name from registries.professional where key = any($1::bigint[])"
_NOON = timedelta(hours=12)


class PortalUnits:
    """On one store."""

    def __init__(self, store: Store) -> None:
        self._pool = store.pool
        self._plans = UnitPlans(store)
        self._listings = UnitListings(store)
        self._history = UnitHistory(store.pool)
        self._directory = Directory(store.pool)
        self._codes = ShakCodes(store.pool)

    async def find(self, text: str, day: date, limit: int) -> list[Found]:
        """By number when it is one, else by parts of words."""
        number = text.replace(" ", "")
        if number.isalnum() and any(one.isdigit() for one in number):
            found = await self._history.with_number(number, day, limit)
            if found:
                return found
        return await self._history.find(text, day, limit)

    async def sheet(self, unit: UUID, day: date, now: datetime) -> UnitSheet:
        """Everything about one. Raises Unknown when it was not there on the day."""
        key, known = key_of(unit), now + timedelta(days=1)
        noon = datetime.combine(day, datetime.min.time(), DANISH_TIME) + _NOON
        line = await self._history.above(key, day, known)
        told = await self._history.of(key)
        if not line and not told:
            raise Unknown
        beneath = await self._history.directly_beneath(key, day, known)
        plans = await self._plans.of_unit(unit)
        async with lend(self._pool) as connection:
            routes = await routes_of(connection, key, None, max(noon, now) if day >= now.date() else noon, known)
            rows = await connection.fetch(_SERVICES, key, noon, known)
            registered = await connection.fetchval(_REGISTERED, key)
            people = await connection.fetch(_NAMES, [plan.actor for plan in plans if plan.actor is not None])
        services = [Service(orjson.loads(row["said"]), row["unit"]) for row in rows if row["depth"] == 0]
        named = {one.unit for one in (*line, *beneath)} | {one.unit for one in routes} | {key}
        named |= {then.parent for then, _ in told if then.parent is not None}
        for plan in plans:
            named |= {plan.unit, plan.planned_by, *plan.successors}
        named |= {one for one in (registered, *(then.asserted_by for then in line)) if one is not None}
        return UnitSheet(
            unit, day, line, beneath, told, inherited(line), plans, routes, services,
            await self._listings.of(unit, noon), await self._places(named), registered, {row["key"]: row["name"] for row in people},
        )  # fmt: skip

    async def _places(self, keys: set[int]) -> dict[int, Place]:
        return {key: Place(one.id, one.name) for key, one in (await self._directory.organisations(keys)).items()}

    async def place_of(self, key: int) -> Place | None:
        """The unit with this key."""
        return (await self._places({key})).get(key)

    async def arranges(self, ask: Ask, unit: UUID) -> bool:
        """Whether the asker may arrange it."""
        return await self._plans.arranges(ask, unit)

    async def shak_report(self, ask: Ask, since: date) -> Sequence[Use]:
        """Who of the asker's own part still sent SHAK."""
        return await self._codes.report(ask, since)

    async def change(self, ask: Ask, unit: UUID, day: date, changes: Mapping[str, Any]) -> str:
        """From a day on these elements are so."""
        return await self._planned(unit, self._plans.change(ask, unit, day, changes))

    async def move(self, ask: Ask, unit: UUID, day: date, above: UUID) -> str:
        """From a day on it stands beneath another."""
        return await self._planned(unit, self._plans.move(ask, unit, day, above))

    async def close(self, ask: Ask, unit: UUID, day: date, successors: Sequence[UUID]) -> str:
        """From a day on it is closed."""
        return await self._planned(unit, self._plans.close(ask, unit, day, successors))

    async def register(self, ask: Ask, above: UUID, resource: Mapping[str, Any]) -> UUID | str:
        """A new unit; its id, or why not."""
        try:
            return await self._plans.register(ask, above, resource)
        except HelhedError as error:
            return problem_of(error) or "other"

    async def list_for(self, ask: Ask, unit: UUID, day: date, resource: Mapping[str, Any]) -> str:
        """From a day on it is listed for the unit."""
        return await _why_not(self._listings.add(ask, unit, day, resource))

    async def end_listing(self, ask: Ask, unit: UUID, listed: UUID, day: date) -> str:
        """From a day on it is listed no longer."""
        return await _why_not(self._listings.end(ask, unit, listed, day))

    async def withdraw_listing(self, ask: Ask, unit: UUID, listed: UUID) -> str:
        """What lies ahead of it is not to be."""
        return await _why_not(self._listings.withdraw(ask, unit, listed))

    async def withdraw(self, ask: Ask, plan: UUID) -> str:
        """A plan is taken back."""
        return await _why_not(self._plans.withdraw(ask, plan))

    async def _planned(self, unit: UUID, planning: Awaitable[UUID]) -> str:
        """Why it was refused; or, when it takes effect at once and could not be stored, "stuck"."""
        try:
            plan = await planning
        except HelhedError as error:
            return problem_of(error) or "other"
        return "stuck" if any(one.id == plan and one.problem for one in await self._plans.of_unit(unit)) else ""


async def _why_not(act: Awaitable[object]) -> str:
    try:
        await act
    except HelhedError as error:
        return problem_of(error) or "other"
    return ""
