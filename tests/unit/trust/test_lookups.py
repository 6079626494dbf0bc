"""Looking many different people up in a short time is slowed and then refused; the thresholds are dated data."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.foundation.clock import system_clock
from helhed.foundation.database import Target, connect, create_pool
from helhed.trust.lookups import counting as in_database, in_memory
from helhed.trust.lookups.counting import Limit, Lookups, Verdict, limits
from helhed.trust.lookups.in_memory import LookupsInMemory
from helhed.trust.watch.events import SecurityEvents

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BY_WHO, PAUSE = limits()
SECRET = b"0" * 32
TEN_MINUTES = min(BY_WHO["professional"], key=lambda limit: limit.within)


@pytest.fixture(params=["in the database", "in memory"])
async def lookups(request: pytest.FixtureRequest, target: Target) -> AsyncIterator[Lookups | LookupsInMemory]:
    """Both forms: they must say the same."""
    if request.param == "in memory":
        yield LookupsInMemory()
        return
    async with await create_pool(target, size=2, statement_timeout_ms=5000) as pool:
        yield Lookups(pool, SECRET)


async def note(lookups, asker: str, person: str, now: datetime, who: str = "professional") -> Verdict:
    verdict: Verdict = await lookups.note(who, asker, [person], now)
    return verdict


async def looked_up(lookups, many: int, now: datetime = NOW, asker: str = "a") -> list[Verdict]:
    return [await note(lookups, asker, f"person {n} of {now}", now) for n in range(many)]


def test_the_thresholds_are_dated_and_each_says_why():
    data = json.loads((resources.files("helhed.trust.policy") / "lookups.json").read_text("utf-8"))
    assert date.fromisoformat(data["date"]) >= date(2026, 11, 23)
    assert data["source"]
    assert all(one["why"] and 0 < one["slow_after"] < one["refuse_after"] for one in data["limits"])


def test_no_limit_looks_further_back_than_what_is_kept():
    assert max(limit.within for held in BY_WHO.values() for limit in held) < timedelta(days=2)


async def test_a_working_day_is_neither_slowed_nor_refused(lookups):
    assert set(await looked_up(lookups, TEN_MINUTES.slow_after)) == {Verdict()}


async def test_more_different_people_are_slowed_and_then_refused(lookups):
    verdicts = await looked_up(lookups, TEN_MINUTES.refuse_after + 5)
    slow = verdicts[TEN_MINUTES.slow_after : TEN_MINUTES.refuse_after]
    assert set(slow) == {Verdict(PAUSE)}
    assert {verdict.refused for verdict in verdicts[TEN_MINUTES.refuse_after :]} == {True}


async def test_people_named_together_count_as_if_one_by_one(lookups):
    people = [f"person {n}" for n in range(TEN_MINUTES.refuse_after + 1)]
    assert await lookups.note("professional", "a", people[:-1], NOW) == Verdict(PAUSE)
    assert (await lookups.note("professional", "a", people, NOW)).refused
    assert await lookups.note("professional", "a", people[:-1], NOW) == Verdict()


async def test_the_same_person_again_and_again_is_one(lookups):
    for _ in range(TEN_MINUTES.refuse_after * 2):
        assert await note(lookups, "a", "the same", NOW) == Verdict()


async def test_a_patient_who_was_looked_up_is_found_again_beyond_the_limit(lookups):
    await looked_up(lookups, TEN_MINUTES.refuse_after + 1)
    assert await note(lookups, "a", f"person 0 of {NOW}", NOW) == Verdict()
    assert (await note(lookups, "a", "somebody new", NOW)).refused


async def test_one_is_not_held_by_what_another_did(lookups):
    await looked_up(lookups, TEN_MINUTES.refuse_after + 1)
    assert await note(lookups, "b", "somebody", NOW) == Verdict()
    assert await note(lookups, "a", "somebody", NOW, who="system") == Verdict()


async def test_when_the_window_has_moved_on_new_people_can_be_looked_up(lookups):
    await looked_up(lookups, TEN_MINUTES.refuse_after)
    just_before = NOW + TEN_MINUTES.within - timedelta(microseconds=1)
    assert (await note(lookups, "a", "new", just_before)).refused
    assert await note(lookups, "a", "new", NOW + TEN_MINUTES.within) == Verdict()


@pytest.mark.parametrize("limit", BY_WHO["professional"], ids=lambda limit: str(limit.within))
async def test_who_goes_slowly_meets_the_longer_windows(lookups, limit):
    refused_after = 0
    step = limit.within / (limit.refuse_after + 10)
    for n in range(limit.refuse_after + 5):
        if (await note(lookups, "a", f"person {n}", NOW + n * step)).refused:
            break
        refused_after += 1
    assert refused_after == limit.refuse_after


async def test_what_is_remembered_in_memory_is_bounded_and_the_quietest_is_forgotten_first():
    lookups = LookupsInMemory(most_entries=100)
    await looked_up(lookups, TEN_MINUTES.refuse_after, asker="loud")
    for n in range(500):
        await note(lookups, f"passer-by {n}", "one", NOW)
        assert lookups.entries <= 100
        assert (await note(lookups, "loud", "new", NOW)).refused


# --- one count for all workers ----------------------------------------------------------------------------------------


async def test_workers_that_count_at_the_same_time_let_no_more_through(target: Target):
    async with await create_pool(target, size=4, statement_timeout_ms=5000) as pool:
        workers = [Lookups(pool, SECRET) for _ in range(2)]
        people = [(workers[n % 2], f"person {n}") for n in range(TEN_MINUTES.refuse_after + 10)]
        verdicts = await asyncio.gather(*(note(worker, "a", person, NOW) for worker, person in people))
    assert sum(verdict.refused for verdict in verdicts) == 10


async def test_a_look_up_that_cannot_be_counted_is_not_made(target: Target):
    owner = await connect(target.owner)
    await owner.execute("drop function registries.note_lookups")
    await owner.close()
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        with pytest.raises(asyncpg.UndefinedFunctionError):
            await note(Lookups(pool, SECRET), "a", "somebody", NOW)


async def test_the_table_names_nobody_and_lets_go_of_what_is_old(target: Target):
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        lookups = Lookups(pool, SECRET)
        await note(lookups, "a", "0101010000", NOW - timedelta(days=3))
        await note(lookups, "b", "0101010000", system_clock())
        owner = await connect(target.owner)
        kept = await owner.fetch("select asker, person, l::text as line from registries.lookup l")
        assert len(kept) == len({row["asker"] for row in kept}) == 2
        assert not [row for row in kept if "0101010000" in row["line"] or b"0101010000".hex() in row["line"]]
        await lookups.forget()
        assert [row["asker"] for row in await owner.fetch("select asker from registries.lookup")] == [
            row["asker"] for row in kept if row["asker"] == lookups._digest("professional b")
        ]
        await owner.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_both_forms_agree_on_every_order_of_look_ups(target: Target, data: st.DataObject):
    """Limits are made small, so that a few steps pass all of them."""
    held = (Limit(timedelta(minutes=1), 1, 3), Limit(timedelta(minutes=5), 2, 4))
    steps = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, 90),
                st.sampled_from("ab"),
                st.lists(st.sampled_from("123456"), min_size=1, max_size=3),
            ),
            max_size=25,
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        for module in (in_database, in_memory):
            patch.setattr(module, "limits", lambda: ({"professional": held}, PAUSE))
        async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
            forms, now = (Lookups(pool, uuid4().bytes), LookupsInMemory()), NOW
            for seconds, asker, people in steps:
                now += timedelta(seconds=seconds)
                said = [await form.note("professional", asker, people, now) for form in forms]
                assert said[0] == said[1], (seconds, asker, people)


@pytest.mark.parametrize(("who", "asker"), [("professional", "17"), ("session", "s"), ("address", "192.0.2.1")])
async def test_who_watches_over_the_network_is_told_of_look_ups_that_are_refused(target: Target, who: str, asker: str):
    async with await create_pool(target, size=2, statement_timeout_ms=5000) as pool:
        events = SecurityEvents(pool, SECRET, lambda: NOW)
        lookups = Lookups(pool, uuid4().bytes, events)
        most = min(limits()[0][who], key=lambda limit: limit.within).refuse_after
        for n in range(most):
            await note(lookups, asker, f"person {n}", NOW, who)
        assert await events.write() == 0
        assert (await note(lookups, asker, "one too many", NOW, who)).refused
        assert await events.write() == 1
