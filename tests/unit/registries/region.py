"""A region with two hospitals and a ward, as they are registered."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.foundation.ids import key_of, new_id
from helhed.registries.units.history import UnitHistory
from helhed.registries.units.planning import UnitPlans, danish_day
from tests.support.world import World

LATER_DAYS = 30


class Region:
    """A region with two hospitals and a ward, and what is known of them."""

    def __init__(self, world: World) -> None:
        self.world, self.plans, self.history = world, UnitPlans(world.store), UnitHistory(world.store.pool)

    async def open(self) -> "Region":
        """Register them."""
        self.now = await self.world.owner.fetchval("select clock_timestamp()")
        self.today = danish_day(self.now)
        self.later = self.today + timedelta(LATER_DAYS)
        self.region = await self.world.organisation("Region")
        self.north, self.south = await self.unit("Nord", self.region), await self.unit("Syd", self.region)
        self.ward = await self.unit("Afsnit", self.north)
        return self

    @property
    def ask(self) -> Any:
        """The region's system, now."""
        return replace(self.world.system(self.region), at=self.now)

    async def unit(self, name: str, above: UUID) -> UUID:
        """One more unit of the region."""
        resource = {"resourceType": "Organization", "name": name, "partOf": {"reference": f"Organization/{above}"}}
        return await self.world.put(self.ask, resource, new_id())

    async def apply(self, moment: datetime) -> int:
        """What has come into force, by the region's system."""
        return await self.plans.apply_due(moment, lambda planner: replace(self.ask, at=moment))

    async def stored(self, unit: UUID) -> dict[str, Any]:
        """Its Organization now."""
        body: dict[str, Any] = orjson.loads((await self.world.store.read(self.ask, "Organization", unit)).body)
        return body

    async def beneath(self, top: UUID, day: date) -> set[UUID]:
        """All beneath ``top`` on a day, as known now."""
        moment = await self.world.owner.fetchval("select clock_timestamp() + interval '1 second'")
        names = {key_of(one): one for one in (self.region, self.north, self.south, self.ward)}
        return {names[then.unit] for then in await self.history.beneath(key_of(top), day, moment) if then.depth}

    async def as_of(self, unit: UUID, day: date, known: datetime | None = None) -> dict[str, Any] | None:
        """How a unit is on a day."""
        moment = known or await self.world.owner.fetchval("select clock_timestamp() + interval '1 second'")
        found = await self.history.as_of([key_of(unit)], day, moment)
        return dict(found[key_of(unit)].said) if found else None
