"""Looking many different people up in a short time is slowed and then refused; the thresholds are dated data."""

import json
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from helhed.trust.lookups import Lookups, Verdict, limits

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BY_WHO, PAUSE = limits()
TEN_MINUTES = min(BY_WHO["professional"], key=lambda limit: limit.within)


def looked_up(lookups: Lookups, many: int, now: datetime = NOW, asker: str = "a") -> list[Verdict]:
    return [lookups.note("professional", asker, f"person {n} of {now}", now) for n in range(many)]


def test_the_thresholds_are_dated_and_each_says_why():
    data = json.loads((resources.files("helhed.trust.policy") / "lookups.json").read_text("utf-8"))
    assert date.fromisoformat(data["date"]) >= date(2026, 11, 23)
    assert data["source"]
    assert all(one["why"] and 0 < one["slow_after"] < one["refuse_after"] for one in data["limits"])


def test_a_working_day_is_neither_slowed_nor_refused():
    assert set(looked_up(Lookups(), TEN_MINUTES.slow_after)) == {Verdict()}


def test_more_different_people_are_slowed_and_then_refused():
    verdicts = looked_up(Lookups(), TEN_MINUTES.refuse_after + 5)
    slow = verdicts[TEN_MINUTES.slow_after : TEN_MINUTES.refuse_after]
    assert set(slow) == {Verdict(PAUSE)}
    assert {verdict.refused for verdict in verdicts[TEN_MINUTES.refuse_after :]} == {True}


def test_the_same_person_again_and_again_is_one():
    lookups = Lookups()
    for _ in range(TEN_MINUTES.refuse_after * 2):
        assert lookups.note("professional", "a", "the same", NOW) == Verdict()


def test_a_patient_who_was_looked_up_is_found_again_beyond_the_limit():
    lookups = Lookups()
    looked_up(lookups, TEN_MINUTES.refuse_after + 1)
    assert lookups.note("professional", "a", f"person 0 of {NOW}", NOW) == Verdict()
    assert lookups.note("professional", "a", "somebody new", NOW).refused


def test_one_is_not_held_by_what_another_did():
    lookups = Lookups()
    looked_up(lookups, TEN_MINUTES.refuse_after + 1)
    assert lookups.note("professional", "b", "somebody", NOW) == Verdict()
    assert lookups.note("system", "a", "somebody", NOW) == Verdict()


def test_when_the_window_has_moved_on_new_people_can_be_looked_up():
    lookups = Lookups()
    looked_up(lookups, TEN_MINUTES.refuse_after)
    just_before = NOW + TEN_MINUTES.within - timedelta(microseconds=1)
    assert lookups.note("professional", "a", "new", just_before).refused
    assert lookups.note("professional", "a", "new", NOW + TEN_MINUTES.within) == Verdict()


@pytest.mark.parametrize("limit", BY_WHO["professional"], ids=lambda limit: str(limit.within))
def test_who_goes_slowly_meets_the_longer_windows(limit):
    lookups, refused_after = Lookups(), 0
    step = limit.within / (limit.refuse_after + 10)
    for n in range(limit.refuse_after + 5):
        if lookups.note("professional", "a", f"person {n}", NOW + n * step).refused:
            break
        refused_after += 1
    assert refused_after == limit.refuse_after


def test_what_is_remembered_is_bounded_and_the_quietest_is_forgotten_first():
    lookups = Lookups(most_entries=100)
    looked_up(lookups, TEN_MINUTES.refuse_after, asker="loud")
    for n in range(500):
        lookups.note("professional", f"passer-by {n}", "one", NOW)
        assert lookups.entries <= 100
        assert lookups.note("professional", "loud", "new", NOW).refused
