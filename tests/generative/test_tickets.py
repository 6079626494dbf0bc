"""Invariant 15: whoever breaks the glass, wherever and for whatever said reason, each ticket has exactly one notice and one
review, and no attempt that was refused has any.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of
from helhed.trust.glass.tickets import Tickets
from helhed.trust.reference import Facts
from tests.generative.loading import Loaded, load
from tests.generative.mutants import BY_THEMSELVES, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.worlds import a_world, some_asks

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 60))]
_MUTANTS = [one for one in BY_THEMSELVES if 15 in one.invariants]
_REASONS = ("Bevidstløs", "Samtykker", " ", "", "Fare for liv")
_REVIEWED_WITHIN = timedelta(hours=72)
_TICKETS = "select id, citizen, professional, organisation, valid_from from trust.opening where basis = 8"
_NOTICES = "select about, citizen, professional, organisation from trust.notice where kind = 'glass-broken'"


async def test_every_ticket_has_exactly_one_notice_and_one_review(a_world_with_asks):
    await tickets_keep_the_law(*a_world_with_asks)


@pytest.mark.parametrize("mutant", _MUTANTS, ids=[one.sin for one in _MUTANTS])
async def test_a_guard_of_tickets_that_is_taken_away_is_missed(world, mutant: Mutant):
    await mutate(world.owner, mutant)
    loaded = await load(world, a_world(Drawer.seeded(0)))
    for seed in range(6):
        try:
            await tickets_keep_the_law(loaded, _asks(seed, loaded))
        except AssertionError:
            return
    pytest.fail("nobody missed it")


@pytest.fixture(params=SEEDS)
async def a_world_with_asks(world, request) -> tuple[Loaded, list[Ask]]:
    loaded = await load(world, a_world(Drawer.seeded(request.param)))
    return loaded, _asks(request.param, loaded)


def _asks(seed: int, loaded: Loaded) -> list[Ask]:
    """Asks of every kind, and one of each job there is: many may break the glass."""
    asks = some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 16)
    usual = next(one for one in asks if one.kind is ActorKind.PROFESSIONAL)
    jobs = loaded.world.facts.employments
    at_work = [replace(usual, actor=job.professional, organisation=job.organisation, role=job.role) for job in jobs]
    return asks + at_work


async def tickets_keep_the_law(loaded: Loaded, asks: list[Ask]) -> None:
    """Raises AssertionError when a ticket lacks its notice or its review, or somebody got one who may not."""
    drawer, owner = Drawer.seeded(len(asks)), loaded.opened.owner
    before = {row["id"] for row in await owner.fetch(_TICKETS)}
    nobody = key_of(UUID(int=7))
    may: list[tuple[int, int, int | None]] = []
    for ask in asks:
        citizen = drawer.pick([*map(key_of, loaded.world.citizens), nobody])
        reason = drawer.pick(_REASONS)
        allowed = bool(reason.strip()) and citizen != nobody and may_break_the_glass(ask, loaded.world.facts)
        assert await _breaks(loaded, ask, citizen, reason) is allowed, (ask, citizen, reason)
        if allowed:
            may.append((citizen, ask.actor, ask.organisation))
    tickets = [row for row in await owner.fetch(_TICKETS) if row["id"] not in before]
    assert sorted((row["citizen"], row["professional"], row["organisation"]) for row in tickets) == sorted(may)
    notices = sorted(tuple(row) for row in await owner.fetch(_NOTICES))
    assert notices == sorted(tuple(row)[:4] for row in tickets)
    reviews = sorted(tuple(row) for row in await owner.fetch("select ticket, due_at from trust.ticket_review"))
    assert reviews == sorted((row["id"], row["valid_from"] + _REVIEWED_WITHIN) for row in tickets)
    for table in ("notice", "ticket_review", "opening"):
        await owner.execute(f"delete from trust.{table}")


async def _breaks(loaded: Loaded, ask: Ask, citizen: int, reason: str) -> bool:
    try:
        await Tickets(loaded.opened.store.pool).break_glass(ask, citizen, reason)
    except Forbidden:
        return False
    return True


def may_break_the_glass(ask: Ask, facts: Facts) -> bool:
    """A professional at work in a role that may, in person."""
    role = facts.roles.get(ask.role)
    works = any(
        (job.professional, job.organisation, job.role) == (ask.actor, ask.organisation, ask.role)
        and job.validity.holds(ask.at)
        for job in facts.employments
    )
    return ask.kind is ActorKind.PROFESSIONAL and role is not None and role.may_override and not role.assists and works
