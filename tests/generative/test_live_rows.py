"""What live sources have answered obeys the one decision: generated rows beside generated worlds, read as the reference says, until their end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Target
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.trust.reference import Permit, decide
from tests.generative.law import number_of
from tests.generative.live_rows import TYPES, Answered, Live, put_answers, some_answers
from tests.generative.loading import Loaded, load
from tests.generative.mutants import LIVE, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.tally import Tally, counted
from tests.generative.worlds import a_world, some_asks
from tests.support.databases import copy_of
from tests.support.world import World as Opened

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 60))]
#: mutants tried in every run; the others in long ones
ALWAYS = {"live rows undecided", "live rows outlive their end", "a report beside the result that is blocked"}
_ROWS = "select * from fhir.live_rows_of($1::fhir.ask, $2, $3::smallint[], 1000)"
_READ = "select * from fhir.read_live($1::fhir.ask, $2::smallint, $3)"
_ASKED = "select source, state, terms from fhir.ask_live($1::fhir.ask, $2, $3::smallint[], interval '1 second')"
_LOG = "select permitted, basis, resources, concerned from foundation.access_log where trace = $1 and action = $2 and citizen = $3"
_SHOWN, _QUESTION = 201, 200


def _seen(ask: Ask, answered: Answered, one: Live) -> bool:
    return one.is_here(ask.at) and isinstance(decide(ask, Action.READ, one.row, answered.facts), Permit)


async def _check(loaded: Loaded, answered: Answered, asks: Sequence[Ask], tally: Tally) -> None:
    """Raises AssertionError when somebody sees anything but what the reference says, or a look is not in the log. What has come to its end is
    purged after each ask: the first at a moment finds it still there, and to the next ones nothing has changed of what they see of the rest.
    """
    for ask in sorted(asks, key=lambda one: one.at):
        for citizen in map(key_of, loaded.world.citizens):
            about = [one for one in answered.rows if one.row.citizen in answered.facts.keys(citizen)]
            tally.met(hidden=not all(_seen(ask, answered, one) for one in about))
            await _check_record(loaded, answered, replace(ask, trace=uuid4()), citizen, about)
            await _check_question(loaded, answered, replace(ask, trace=uuid4()), citizen)
        for one in answered.rows[::5]:
            await _check_read(loaded, answered, replace(ask, trace=uuid4()), one)
        await loaded.opened.owner.fetchval("select fhir.purge_live_rows($1)", ask.at)


async def _check_record(loaded: Loaded, answered: Answered, ask: Ask, citizen: int, about: Sequence[Live]) -> None:
    numbers = [TYPE_NUMBERS[name] for name in TYPES]
    rows = await loaded.opened.owner.fetch(_ROWS, ask_row(ask), citizen, numbers)
    wanted = {one.row.id: one.row for one in about if _seen(ask, answered, one)}
    assert {row["id"] for row in rows} == set(wanted), (ask, citizen)
    for key in answered.facts.keys(citizen):
        theirs = {name: one for name, one in wanted.items() if one.citizen == key}
        logged = await loaded.opened.owner.fetch(_LOG, ask.trace, _SHOWN, key)
        assert [set(row["resources"]) for row in logged] == ([set(theirs)] if theirs else [])
        for row in logged:
            decided = [number_of(decide(ask, Action.READ, one, answered.facts)) for one in theirs.values()]
            assert row["basis"] == min(number for number in decided if number is not None)
            assert set(row["concerned"] or ()) == set().union(*(one.concerns for one in theirs.values()))


async def _check_read(loaded: Loaded, answered: Answered, ask: Ask, one: Live) -> None:
    assert one.row.citizen is not None
    rows = await loaded.opened.owner.fetch(_READ, ask_row(ask), TYPE_NUMBERS[one.row.type_name], one.row.id)
    assert len(rows) == _seen(ask, answered, one), (ask, one)
    if one.is_here(ask.at):
        (logged,) = await loaded.opened.owner.fetch(_LOG, ask.trace, _SHOWN, one.row.citizen)
        assert logged["permitted"] == _seen(ask, answered, one)


async def _check_question(loaded: Loaded, answered: Answered, ask: Ask, citizen: int) -> None:
    """Nobody without a ground asks, no paused source is asked, and every question stands in the log of this citizen."""
    owner = loaded.opened.owner
    found = await owner.fetch(_ASKED, ask_row(ask), citizen, [TYPE_NUMBERS[name] for name in TYPES])
    active = {one.id for one in answered.sources if one.active}
    asked = {row["source"] for row in found if row["state"] == "ask"}
    assert asked <= active
    assert all(row["terms"] is None for row in found if row["source"] not in asked)
    unblocked = replace(answered.facts, blocks=())
    everything = [*(one.row for one in answered.rows), *loaded.world.rows]
    own = [row for row in everything if row.citizen in answered.facts.keys(citizen)]
    if not any(isinstance(decide(ask, Action.READ, row, unblocked), Permit) for row in own):
        assert not found, (ask, citizen)
    logged = await owner.fetch(_LOG, ask.trace, _QUESTION, citizen)
    assert [set(row["resources"]) for row in logged if row["permitted"]] == ([asked] if asked else [])
    assert bool(found) or [row["permitted"] for row in logged] == [False]


def _asks(loaded: Loaded, seed: int) -> list[Ask]:
    return some_asks(Drawer.seeded(seed + 8_000_000), loaded.world, 14)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_a_source_answered_is_seen_exactly_as_the_reference_decides_and_until_its_end(world, seed):
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    answered = some_answers(Drawer.seeded(seed + 9_000_000), loaded.world)
    await put_answers(loaded, answered)
    with counted() as tally:
        await _check(loaded, answered, _asks(loaded, seed), tally)


async def test_what_has_ended_is_purged_and_nothing_else(world):
    loaded = await load(world, a_world(Drawer.seeded(3)))
    answered = some_answers(Drawer.seeded(3), loaded.world)
    await put_answers(loaded, answered)
    for later in (timedelta(0), timedelta(days=1), timedelta(days=3)):
        at = _asks(loaded, 3)[0].at + later
        await world.owner.fetchval("select fhir.purge_live_rows($1)", at)
        left = {row["id"] for row in await world.owner.fetch("select id from fhir.live_row")}
        assert left == {one.row.id for one in answered.rows if at < one.ends and not one.stopped}
        assert not await world.owner.fetchval("select count(*) from fhir.live_answer where expires <= $1", at)


@asynccontextmanager
async def _answered_world(server: Target, folder: Path, seed: int) -> AsyncIterator[tuple[Loaded, Answered]]:
    async with copy_of(server) as target:
        opened = await Opened.open(target, Settings(data_dir=folder, demo=True))
        try:
            loaded = await load(opened, a_world(Drawer.seeded(seed)))
            answered = some_answers(Drawer.seeded(seed + 9_000_000), loaded.world)
            await put_answers(loaded, answered)
            yield loaded, answered
        finally:
            await opened.close()


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.sin, marks=() if one.sin in ALWAYS else (pytest.mark.long,)) for one in LIVE],
)
async def test_a_guard_of_live_rows_that_is_taken_away_is_missed(server_target: Target, tmp_path: Path, mutant: Mutant):
    for seed in range(40):
        async with _answered_world(server_target, tmp_path, seed) as (loaded, answered):
            await mutate(loaded.opened.owner, mutant)
            try:
                await _check(loaded, answered, _asks(loaded, seed), Tally())
            except AssertionError:
                return
    pytest.fail("nobody missed it")
