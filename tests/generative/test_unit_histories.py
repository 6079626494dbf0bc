"""Units are created, changed, moved, merged, split, closed, corrected and planned for in any order; every day, as known at every moment, is as
a reference in memory has it that keeps whole countries and no periods."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.fhir.indexing import normalise
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import key_of
from helhed.registries.units.history import Statement, assert_unit
from tests.support.world import World
from tests.unit.registries.region import Region

STEPS, DAYS = 40, range(-6, 9)


@dataclass(frozen=True)
class Unit:
    """How a unit is on a day."""

    name: str
    above: UUID | None
    open: bool = True


@dataclass
class Planned:
    """Something that changes a unit from a day on."""

    day: int
    unit: UUID
    change: Mapping[str, Any]


@dataclass
class Country:
    """The reference: what is stored, what is planned in the order it was planned, and what was corrected of days gone by."""

    now: dict[UUID, Unit] = field(default_factory=dict)
    plans: dict[UUID, Planned] = field(default_factory=dict)
    corrected: dict[tuple[UUID, int], Unit | None] = field(default_factory=dict)

    def on(self, unit: UUID, day: int) -> Unit | None:
        """Day 0 is today: days gone by are as they were corrected to be, days to come as what is planned makes them."""
        if day < 0:
            return self.corrected.get((unit, day))
        then = self.now.get(unit)
        for plan in sorted(
            self.plans.values(), key=lambda one: one.day
        ):  # a stable order: those of one day as they were made
            if then is not None and plan.unit == unit and plan.day <= day:
                then = Unit(**{**then.__dict__, **plan.change})
        return then

    def beneath(self, top: UUID, day: int) -> set[UUID]:
        """The unit and all beneath it."""
        found, wider = {top} if self.on(top, day) else set[UUID](), True
        while wider:
            more = {one for one in self.now if (then := self.on(one, day)) and then.above in found} - found
            found, wider = found | more, bool(more)
        return found

    def note(self, plan: UUID, planned: Planned) -> None:
        """What takes effect today is stored; the rest waits."""
        if planned.day == 0:
            self.now[planned.unit] = Unit(**{**self.now[planned.unit].__dict__, **planned.change})
        else:
            self.plans[plan] = planned

    def refuses(self, unit: UUID, day: int, change: Mapping[str, Any], into: list[UUID]) -> bool:
        """Whether the change cannot be."""
        here, above = self.on(unit, day), change.get("above")
        if here is None or not here.open:
            return True
        if any(one == unit or (then := self.on(one, day)) is None or not then.open for one in into):
            return True
        if above is not None:
            there = self.on(above, day)
            return there is None or not there.open or above in self.beneath(unit, day)
        days = range(day, DAYS[-1] + 2)
        left = ((one, then) for one in self.now for when in days if (then := self.on(one, when)))
        return change.get("open") is False and any(then.open and then.above == unit for _, then in left)


class History:
    """Both at once: the register and the reference, told the same."""

    def __init__(self, region: Region, seed: int) -> None:
        self.region, self.random, self.country = region, Random(seed), Country()
        self.heard: list[tuple[datetime, Country]] = []
        self.done: dict[str, int] = {}

    async def begin(self) -> None:
        """The region as it is registered."""
        tops = ((self.region.region, "Region", None), (self.region.north, "Nord", self.region.region), (self.region.south, "Syd", self.region.region), (self.region.ward, "Afsnit", self.region.north))  # fmt: skip
        self.country.now = {one: Unit(name, above) for one, name, above in tops}
        await self.hear()

    async def hear(self) -> None:
        """What is known at this moment."""
        self.heard.append((await self.region.world.owner.fetchval("select clock_timestamp()"), deepcopy(self.country)))

    async def step(self) -> None:
        """One thing happens, or is refused by both."""
        what = self.random.choice((self.create, self.change, self.move, self.split, self.merge, self.close, self.correct, self.withdraw))  # fmt: skip
        if await what():
            self.done[what.__name__] = self.done.get(what.__name__, 0) + 1
            await self.hear()

    def some(self, count: int = 1) -> list[UUID]:
        return self.random.sample([*self.country.now][1:], count)

    def day(self) -> int:
        return self.random.choice((0, 0, 1, 2, 3, 5, 7))

    async def create(self) -> bool:
        above = self.random.choice([one for one in self.country.now if (then := self.country.on(one, 0)) and then.open])
        name = f"Ny {len(self.country.now)}"
        self.country.now[await self.region.unit(name, above)] = Unit(name, above)
        return True

    async def change(self) -> bool:
        name = f"Navn {self.random.randrange(100)}"
        return await self.planned("change", {"name": name}, {"name": name}, self.some()[0])

    async def move(self) -> bool:
        unit, above = *self.some(), self.random.choice([*self.country.now])
        return await self.planned("move", above, {"above": above}, unit)

    async def close(self) -> bool:
        return await self.planned("close", [], {"open": False}, self.some()[0])

    async def split(self) -> bool:
        unit, *into = self.some(3)
        return await self.planned("close", into, {"open": False}, unit, into=into)

    async def planned(self, kind: str, wanted: Any, change: Mapping[str, Any], unit: UUID, into: list[UUID] | None = None) -> bool:  # fmt: skip
        day = self.day()
        refused = self.country.refuses(unit, day, change, into or [])
        try:
            plan = await getattr(self.region.plans, kind)(
                self.region.ask, unit, self.region.today + timedelta(day), wanted
            )
        except HelhedError:
            assert refused, (kind, unit, day, wanted)
            return False
        assert not refused, (kind, unit, day, wanted)
        self.country.note(plan, Planned(day, unit, change))
        return True

    async def merge(self) -> bool:
        into, *units = self.some(3)
        day = self.day()
        after, refused = deepcopy(self.country), False
        for one in units:  # one after the other: what is closed first is beneath the next no longer
            refused = refused or after.refuses(one, day, {"open": False}, [into])
            after.note(uuid4(), Planned(day, one, {"open": False}))
        try:
            plans = await self.region.plans.merge(self.region.ask, units, self.region.today + timedelta(day), into)
        except HelhedError:
            assert refused, (units, into, day)
            return False
        assert not refused, (units, into, day)
        for plan, one in zip(plans, units, strict=True):
            self.country.note(plan, Planned(day, one, {"open": False}))
        return True

    async def withdraw(self) -> bool:
        if not self.country.plans:
            return False
        plan = self.random.choice([*self.country.plans])
        await self.region.plans.withdraw(self.region.ask, plan)
        del self.country.plans[plan]
        return True

    async def correct(self) -> bool:
        """Days gone by were otherwise than we thought, or the unit was not there."""
        (unit,), first = self.some(), self.random.randrange(DAYS[0], 0)
        last = self.random.randrange(first + 1, 1)
        above = self.random.choice([one for one in self.country.now if one != unit])
        told = self.random.choice((None, Unit(f"Var {self.random.randrange(100)}", above)))
        begins, ends = (self.region.today + timedelta(one) for one in (first, last))
        said, parent = None, None
        if told is not None:
            said = {"resourceType": "Organization", "name": told.name, "partOf": {"reference": f"Organization/{above}"}}
            parent = key_of(above)
        folded = normalise(told.name) if told else ""
        statement = Statement(key_of(unit), begins, ends, said, parent, folded, None)
        await assert_unit(self.region.world.owner, statement)
        self.country.corrected |= {(unit, day): told for day in range(first, last)}
        return True

    async def told(self, day: int, moment: datetime, country: Country) -> None:
        """The register says of a day, as known at a moment, what the reference says."""
        on, keys = self.region.today + timedelta(day), {key_of(one): one for one in self.country.now}
        found = await self.region.history.as_of(keys, on, moment)
        assert {keys[key]: _unit(then.said) for key, then in found.items()} == {
            one: then for one in country.now if (then := country.on(one, day))
        }
        top = self.random.choice([*country.now])
        beneath = await self.region.history.beneath(key_of(top), on, moment)
        assert {keys[then.unit] for then in beneath} == country.beneath(top, day)


def _unit(said: Mapping[str, Any]) -> Unit:
    above = said.get("partOf", {}).get("reference", "").removeprefix("Organization/")
    return Unit(said["name"], UUID(above) if above else None, said.get("active", True))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 22))])
async def test_every_day_as_known_at_every_moment_is_as_the_reference_has_it(world: World, seed: int) -> None:
    history = History(await Region(world).open(), seed)
    await history.begin()
    for _ in range(STEPS):
        await history.step()
    asked = [(day, *heard) for heard in history.heard for day in DAYS]
    for day, moment, country in history.random.sample(asked, min(120, len(asked))):
        await history.told(day, moment, country)
    assert len(history.done) > 5, history.done
