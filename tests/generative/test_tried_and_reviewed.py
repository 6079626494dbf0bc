"""What is tried is what then holds, and leaves nothing behind; a broken glass is reviewed by whom the rules say, and nobody else."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.commands.reviewers import add_reviewer
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.glass.rules import glass_policy
from helhed.trust.glass.tickets import Tickets
from helhed.trust.roles import put_roles
from tests.generative.mutants import REVIEWED, TRIED, Mutant, mutate
from tests.support.street import TYPES, Street, simulator_keeps_the_law, simulator_tells_of_nobody_else
from tests.support.world import NOW, World

#: these are tried in every run, all of them in long ones
_ALWAYS = {
    "what was tried stays",
    "a change keeps the old",
    "one's own ticket",
    "no review is passed up",
    "the network's reviewers at once",
}
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))]


def _tried(mutants: list[Mutant]) -> list[Any]:
    return [pytest.param(one, id=one.sin, marks=() if one.sin in _ALWAYS else (pytest.mark.long,)) for one in mutants]


async def trying_keeps_the_law(street: Street, seed: int) -> None:
    await simulator_keeps_the_law(street, seed, 12)
    assert await simulator_tells_of_nobody_else(street, seed, 3)
    for stranger in (street.asks(street.ward), street.world.citizen(UUID(int=4))):
        found = await street.simulator.tried(stranger, key_of(street.patient), street.reader(street.ward), TYPES)
        assert not found


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_tried_is_what_holds(world: World, seed: int) -> None:
    await trying_keeps_the_law(await Street(world).built(), seed)


@pytest.mark.parametrize("mutant", _tried(TRIED))
async def test_a_guard_of_trying_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    street = await Street(world).built()
    await mutate(world.owner, mutant)
    with pytest.raises((AssertionError, Unprocessable)):
        await trying_keeps_the_law(street, 0)


_ALSO_REVIEWS = (
    "insert into trust.employment (source, professional, organisation, role, valid_from, valid_to) "
    "values (gen_random_uuid(), $1, $2, 'reviewer', '-infinity', 'infinity')"
)


# --- reviews ------------------------------------------------------------------------------------------------------------------------


@dataclass
class House:
    """A region, a hospital, two wards and another place, with reviewers in some of them."""

    world: World
    above: dict[UUID, tuple[UUID, ...]]  #: each place and what stands above it, nearest first
    holder: Ask
    people: list[tuple[Ask, UUID]]
    operator: Ask
    patient: UUID
    national: UUID | None  #: reviews for the network


#: houses that a mutant asks for: where reviewers are, and whether the network has any (STAFFED, or only the holder: UNSTAFFED)
STAFFED, UNSTAFFED = True, False
HOUSES: dict[str, tuple[tuple[str, ...], bool | None]] = {
    "": (("Region", "Hospital", "Elsewhere"), None),
    "passed on": (("Hospital", "Elsewhere"), STAFFED),
    "nobody near": (("Elsewhere",), STAFFED),
    "only the holder": (("Elsewhere",), UNSTAFFED),
}


async def a_house(
    world: World, seed: int, reviewing: Sequence[str] | None = None, national: bool | None = None
) -> House:
    """By the seed, or with reviewers at these places and in the network."""
    await put_roles(world.owner)
    chance = random.Random(seed)
    region = await world.organisation("Region")
    hospital = await world.organisation("Hospital", region)
    ward, other = await world.organisation("Ward", hospital), await world.organisation("Other", hospital)
    elsewhere = await world.organisation("Elsewhere")
    above = {
        region: (region,), hospital: (hospital, region), ward: (ward, hospital, region), other: (other, hospital, region),
        elsewhere: (elsewhere,),
    }  # fmt: skip
    holder = world.professional(await world.employee(ward), ward)
    names = ("Region", "Hospital", "Ward", "Other", "Elsewhere")
    drawn = [name for name in names if chance.random() < 0.6] if reviewing is None else reviewing
    with_reviewers = [place for place, name in zip(above, names, strict=True) if name in drawn]
    if reviewing is None:
        national = chance.choice((None, STAFFED, STAFFED, UNSTAFFED))
    people = [
        (world.professional(await world.employee(place, "reviewer"), place, "reviewer"), place)
        for place in with_reviewers
    ]
    await world.owner.execute(_ALSO_REVIEWS, holder.actor, key_of(ward))
    operator = world.professional(await world.employee(elsewhere, "operator"), elsewhere, "operator")
    house = House(world, above, holder, people, operator, await world.patient(ward), None)
    if national is not None:
        await _with_national(house, staffed=national)
    return house


async def _with_national(house: House, *, staffed: bool) -> None:
    """Named to review for the network; the holder of every ticket has a job as a reviewer there too."""
    world, national = house.world, await house.world.organisation("National")
    await add_reviewer(world.owner, f"Organization/{national}")
    await world.owner.execute(_ALSO_REVIEWS, house.holder.actor, key_of(national))
    if staffed:
        person = world.professional(await world.employee(national, "reviewer"), national, "reviewer")
        house.above[national], house.national = (national,), national
        house.people.append((person, national))


def may_review(house: House, place: UUID, reviewer_at: UUID | None, after: timedelta) -> bool:
    """The rules, for a ticket from ``place``: a reviewer there or nearest above; all above once overdue; those of the network then,
    or at once when there are none; the operator once those of the network are late, or would be.
    """
    rules = glass_policy()
    line = house.above[place]
    reviewing = {at for _, at in house.people}
    nearest = next((one for one in line if one in reviewing), None)
    if reviewer_at is None:
        late = rules.review_within + (rules.escalate_after if nearest is not None else timedelta())
        return after >= late
    if reviewer_at == house.national:
        return nearest is None or after >= rules.review_within
    return reviewer_at in line and (after >= rules.review_within or reviewer_at == nearest)


async def reviews_keep_the_law(house: House) -> None:
    tickets, rules, tick = Tickets(house.world.store.pool), glass_policy(), timedelta(microseconds=1)
    ward = next(place for place, line in house.above.items() if len(line) == 3)
    await tickets.break_glass(house.holder, key_of(house.patient), "danger")
    ticket = await house.world.owner.fetchval("select id from trust.opening where basis = 8")
    last = rules.review_within + rules.escalate_after
    askers: list[tuple[Ask, UUID | None]] = [*house.people, (house.operator, None)]
    for after in (timedelta(), rules.review_within - tick, rules.review_within, last - tick, last):
        for ask, at in askers:
            asked = replace(ask, at=NOW + after)
            waiting = {one.ticket for one in await tickets.waiting(asked)}
            assert (ticket in waiting) is may_review(house, ward, at, after), (at, after)
            if ticket not in waiting:
                with pytest.raises(Unprocessable):
                    await tickets.review(asked, ticket, justified=True, words="")
        assert not await tickets.waiting(replace(house.holder, role="reviewer", at=NOW + after)), "one's own"
    who, at = next((ask, at) for ask, at in askers if may_review(house, ward, at, last))
    await tickets.review(replace(who, at=NOW + last), ticket, justified=False, words="no")
    with pytest.raises(Unprocessable):
        await tickets.review(replace(who, at=NOW + last), ticket, justified=True, words="yes")
    told = await house.world.owner.fetch("select citizen from trust.notice where kind = 'glass-reviewed'")
    assert [row["citizen"] for row in told] == [key_of(house.patient)]
    said = [(row["action"], row["actor"]) for row in await house.world.log(house.patient) if row["permitted"]]
    of_the_line = at in house.above[ward]
    assert said.count((Action.REVIEW_TICKET if of_the_line else Action.REVIEW_FOR_NETWORK, who.actor)) == 1
    listed = {actor for action, actor in said if action == Action.NETWORK_REVIEWS}
    assert listed == {
        ask.actor for ask, at in askers if at not in house.above[ward] and may_review(house, ward, at, last)
    }


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 20))])
async def test_a_broken_glass_is_reviewed_by_whom_the_rules_say(world: World, seed: int) -> None:
    await reviews_keep_the_law(await a_house(world, seed))


@pytest.mark.parametrize("mutant", _tried(REVIEWED))
async def test_a_guard_of_reviews_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    house = await a_house(world, 7, *HOUSES[mutant.house])
    await mutate(world.owner, mutant)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await reviews_keep_the_law(house)
