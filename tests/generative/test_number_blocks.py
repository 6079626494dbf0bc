"""Never two citizens with one replacement number: blocks of several organisations, deliveries in any order, beside the second form."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.errors import Conflict, HelhedError, Overloaded, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.lanes import DatabaseAway
from helhed.registries.identifiers import REPLACEMENT_CPR
from helhed.registries.number_blocks import NumberBlocks, block_policy
from helhed.trust.reference.numbers import Pool
from tests.generative.mutants import NUMBERS, Mutant, mutate
from tests.support.world import NOW, World

STEPS = 70
#: days between two things that happen: now and then the time of a block passes, and its rest
PAUSES = (0, 0, 0, 1, 20, 60, 500)
STRANGE = "0101007AB2"
#: tried in every run; the others in long ones
ALWAYS = {"anybody delivers", "a delivery is never late"}


@dataclass
class Country:
    """Two regions, a hospital beneath one of them, a number of another network, and the second form of who has what."""

    world: World
    random: Random
    places: dict[str, tuple[UUID, frozenset[str]]]
    at: datetime = NOW
    pool: Pool = field(default_factory=Pool)
    seen: list[str] = field(default_factory=lambda: [STRANGE])
    blocks: list[tuple[UUID, str]] = field(default_factory=list)
    patients: list[tuple[UUID, str]] = field(default_factory=list)

    @classmethod
    async def open(cls, world: World, seed: int) -> "Country":
        north, south = await world.organisation("Nord"), await world.organisation("Syd")
        hospital = await world.organisation("Sygehus", north)
        places = {
            "north": (north, frozenset({"north"})),
            "south": (south, frozenset({"south"})),
            "hospital": (hospital, frozenset({"north", "hospital"})),
        }
        return cls(world, Random(seed), places)

    @property
    def orders(self) -> NumberBlocks:
        return NumberBlocks(self.world.store.pool)

    def ask(self, where: str) -> Ask:
        return replace(self.world.system(self.places[where][0]), at=self.at)

    async def step(self) -> bool:
        """One thing happens; whether the database and the second form agree on it."""
        self.at += timedelta(days=self.random.choice(PAUSES), seconds=1)
        what = self.random.choice(
            (self.reserve, self.deliver, self.deliver, self.deliver, self.deliver, self.give_back)
        )
        try:
            return await what()
        except AssertionError:
            return False

    async def reserve(self) -> bool:
        where, block = self.random.choice(("north", "south")), uuid4()
        numbers = await self.orders.reserve(
            self.ask(where), block, self.places[where][0], 3, self.random.choice((1, 30))
        )
        (held,) = [one for one in await self.orders.of(self.ask(where), self.places[where][0]) if one.id == block]
        times = {"deliver_until": held.deliver_until, "free_from": held.free_from}
        self.pool.reserve(str(block), where, numbers, at=self.at, **times)
        again = await self.orders.reserve(self.ask(where), block, self.places[where][0], 3)
        self.seen += numbers
        self.blocks.append((block, where))
        return len(set(numbers)) == 3 and again == numbers

    async def deliver(self) -> bool:
        where, number = self.random.choice([*self.places]), self.random.choice(self.seen[-12:])
        stored = await store(self.world, self.ask(where), number)
        person = str(stored or uuid4())
        if number == STRANGE and number not in self.pool.people:
            return stored is not None and self.pool.deliver(number, person, set(), self.at)
        return (stored is not None) == self.pool.deliver(number, person, self.places[where][1], self.at)

    async def give_back(self) -> bool:
        if not self.blocks:
            return True
        (block, _), where = self.random.choice(self.blocks[-4:]), self.random.choice(("north", "south"))
        named = self.random.choice((None, self.seen[-4:]))
        expected = self.pool.give_back(str(block), where, None if named is None else set(named))
        try:
            return await self.orders.give_back(self.ask(where), block, named) == expected
        except Unknown:
            return expected is None


async def store(world: World, ask: Ask, number: str) -> UUID | None:
    """A new Patient with the number; None when it is refused."""
    known = [{"system": REPLACEMENT_CPR, "value": f"{number[:6]}-{number[6:].lower()}"}]
    try:
        return await world.put(ask, {"resourceType": "Patient", "identifier": known})
    except Conflict:
        return None


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
async def test_who_has_a_number_is_who_has_it_in_the_second_form(world: World, seed: int) -> None:
    country = await Country.open(world, seed)
    assert all([await country.step() for _ in range(STEPS)])
    assert len(country.pool.people) > 1


def _tried(mutant: Mutant) -> Any:
    return pytest.param(mutant, id=mutant.sin, marks=() if mutant.sin in ALWAYS else (pytest.mark.long,))


@pytest.mark.parametrize("mutant", [_tried(one) for one in NUMBERS])
async def test_a_guard_of_the_numbers_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    country = await Country.open(world, 1)
    await mutate(world.owner, mutant)
    for _ in range(20 * STEPS):
        try:
            if not await country.step():
                return
        except (HelhedError, asyncpg.PostgresError):
            return
    pytest.fail("nobody missed it")


class Unsafe:
    """Calls that are asked again until there is an answer; the connections of everybody are cut now and then."""

    def __init__(self, world: World, *, cut_every: int) -> None:
        self._world, self._cut_every, self._calls, self._cutting = world, cut_every, 0, asyncio.Lock()

    async def answered(self, what: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, in the end."""
        while True:
            self._calls += 1
            cuts = [self._cut()] if self._calls % self._cut_every == 0 else []
            answer, *_ = await asyncio.gather(what(), *cuts, return_exceptions=True)
            if not isinstance(
                answer,
                (
                    DatabaseAway,
                    Overloaded,
                    asyncpg.PostgresError,
                    asyncpg.InterfaceError,
                    asyncpg.InternalClientError,
                    OSError,
                    Unprocessable,  # a statement that took too long
                ),
            ):
                break
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _cut(self) -> None:
        statement = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'helhed_app' and datname = current_database()"
        async with self._cutting:
            await self._world.owner.execute(statement)


async def test_clients_that_are_cut_off_and_send_everything_twice_share_no_number(world: World) -> None:
    """Each region orders and delivers, all of it twice, and again whatever it got no answer to."""
    regions = [await world.organisation(f"Region {one}") for one in range(4)]
    given: dict[str, list[UUID]] = {}
    unsafe = Unsafe(world, cut_every=7)

    async def works(region: UUID) -> None:
        orders, ask, block = NumberBlocks(world.store.pool), world.system(region), uuid4()
        order = partial(orders.reserve, ask, block, region, 4)
        numbers = await unsafe.answered(order)
        assert await unsafe.answered(order) == numbers
        for number in [*numbers, *numbers]:
            stored = await unsafe.answered(partial(store, world, ask, number))
            if stored is not None:
                given.setdefault(number, []).append(stored)

    await asyncio.gather(*map(works, regions))
    counted = "select value, count(distinct citizen) as people from registries.citizen_identifier group by 1"
    rows = await world.owner.fetch(counted)
    assert [row["people"] for row in rows] == [1] * 16
    assert all(len(people) == 1 for people in given.values())


@pytest.mark.long
async def test_of_a_million_numbers_no_two_are_alike(world: World) -> None:
    """Ten regions, each ten blocks of ten thousand, all at once, beside a pool that gives single numbers meanwhile.

    Connections are cut under all of them; each order is sent again by somebody who got no answer; some of what was ordered is given to
    people while the region is away, and delivered twice.
    """
    national = await world.organisation("Directory")
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(national))
    regions = [await world.organisation(f"Region {one}") for one in range(10)]
    orders, most, unsafe = NumberBlocks(world.store.pool), block_policy().most_at_once, Unsafe(world, cut_every=29)
    ask = world.system(national)
    given: dict[str, set[UUID]] = {}

    async def works(region: UUID) -> list[str]:
        held: list[str] = []
        for _ in range(100000 // most):
            order = partial(orders.reserve, ask, uuid4(), region, most)
            await asyncio.gather(order(), return_exceptions=True)  # whoever sent this one is gone
            numbers = await unsafe.answered(order)
            assert await unsafe.answered(order) == numbers
            for number in [*numbers[:3], *numbers[:3]]:
                stored = await unsafe.answered(partial(store, world, world.system(region), number))
                given.setdefault(number, set()).update({stored} - {None})
            held += numbers
        return held

    async def singly() -> None:
        for _ in range(50):
            await unsafe.answered(partial(world.patient, national))

    held = (await asyncio.gather(singly(), *map(works, regions)))[1:]
    numbers = [number for one in held for number in one or ()]
    assert len(numbers) == len(set(numbers)) == 1000000
    assert all(len(people) <= 1 for people in given.values())
    counted = "select value, count(distinct citizen) as people from registries.citizen_identifier where value = any($1) group by 1"
    rows = await world.owner.fetch(counted, list(given))
    assert {row["value"]: row["people"] for row in rows} == dict.fromkeys(given, 1)
    told = await world.owner.fetchrow(_SHAPES, numbers)
    assert told is not None
    assert (
        told["kept"] == told["different"] >= 1000050
    )  # who was cut off while a single number was given asked for another
    assert (told["missing"], told["like_a_cpr"], told["outside"]) == (0, 0, 0)


#: of all numbers that were ever given: how many there are; which of the blocks are not among them; which could be a CPR number, all digits;
#: and which of the blocks are of other days than blocks have
_SHAPES = """
select count(*) as kept, count(distinct number) as different,
  (select count(*) from unnest($1::text[]) n where not exists (select from registries.replacement_cpr r where r.number = n)) as missing,
  count(*) filter (where number !~ '^[0-9]{6}[17][A-HJ-NP-Z]{2}[0-9]$') as like_a_cpr,
  (select count(*) from unnest($1::text[]) n where n !~ '^[0-3][0-9][01][0-9]0[0-9]1') as outside
from registries.replacement_cpr"""
