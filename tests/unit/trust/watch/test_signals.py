"""Each signal: what makes it speak, what does not, and that its sentence has a place for each of its figures."""

import json
import string
from datetime import date
from importlib import resources

import pytest

from helhed.trust.watch.doors import DoorEvents, Hour, door, traffic
from helhed.trust.watch.policy import watch_policy
from helhed.trust.watch.signals import SIGNALS, Figures, figures_of, score, signals_of

POLICY = watch_policy()
USUAL = Figures(citizens=14, peer_people=9, peer_middle=13, peer_spread=2, usual_days=30, judged=10, unconfirmed=2)
STRIKING = {
    "breadth": Figures(citizens=80, peer_people=9, peer_middle=13, peer_spread=2),
    "lookups": Figures(lookups_only=40, peer_middle=13),
    "enumeration": Figures(misses=20),
    "off-shift": Figures(off_hours_loose=2, usual_days=30),
    "break-glass": Figures(overrides=5),
    "after-discharge": Figures(after_days=6),
    "refused": Figures(refused=8),
    "drip": Figures(drip_weeks=3),
    "crowd": Figures(crowd=9),
    "unconfirmed": Figures(unconfirmed=6, judged=7),
    "tie-self": Figures(tied={"self": 1}),
    "tie-family": Figures(tied_unconfirmed={"family": 1}),
    "tie-household": Figures(tied_firm={"household": 1}),
    "tie-neighbour": Figures(tied={"neighbour": 2}),
    "tie-colleague": Figures(tied={"colleague": 1}),
    "tie-surname": Figures(tied={"surname": 1}),
    "tie-vip": Figures(tied={"vip": 1}),
}


def test_the_policy_is_dated_and_each_signal_says_why():
    data = json.loads((resources.files("helhed.trust.policy") / "watch.json").read_text("utf-8"))
    assert date.fromisoformat(data["date"]) >= date(2026, 11, 29)
    assert data["source"]
    assert data["confirmed_by_a_lawyer"] is False
    assert all(rule.why and rule.danish and rule.english for rule in POLICY.rules.values())


def test_an_ordinary_day_says_nothing():
    assert signals_of(USUAL) == []
    assert signals_of(Figures()) == []


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_what_is_striking_is_that_signal_and_no_other(name: str):
    assert [one.signal for one in signals_of(STRIKING[name])] == [name]


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_the_sentences_have_a_place_for_nothing_but_the_figures(name: str):
    (found,) = signals_of(STRIKING[name])
    for sentence in (POLICY.rules[name].danish, POLICY.rules[name].english):
        assert {field for _, field, _, _ in string.Formatter().parse(sentence) if field} <= set(found.figures)


def test_somebody_close_weighs_more_when_no_relation_came():
    points = [
        score(signals_of(one))
        for one in (Figures(tied_firm={"family": 1}), Figures(tied={"family": 1}), Figures(tied_unconfirmed={"family": 1}))
    ]  # fmt: skip
    assert points == sorted(points)
    assert points[0] < POLICY.case_points <= points[-1]


def test_whoever_is_as_busy_as_busy_peers_is_not_conspicuous():
    assert signals_of(Figures(citizens=60, peer_people=9, peer_middle=45, peer_spread=10)) == []


def test_hours_of_somebody_hardly_known_say_nothing():
    assert signals_of(Figures(off_hours_loose=3, usual_days=4)) == []


def test_figures_that_a_newer_database_tells_are_passed_over():
    assert figures_of({"citizens": 3, "first_at": None, "yet_unknown": 1}) == Figures(citizens=3)


@pytest.mark.parametrize(
    ("hour", "signal"),
    [
        (Hour("epj", 1, 900, 20, 800, 30), None),
        (Hour("epj", 1, 9000, 20, 800, 30), "traffic-rise"),
        (Hour("epj", 1, 0, 20, 800, 30), "traffic-silence"),
        (Hour("epj", 1, 0, 20, 4, 1), None),
        (Hour("epj", 1, 9000, 2, 800, 30), None),
    ],
)
def test_traffic_is_held_against_its_own_past(hour: Hour, signal: str | None):
    found = traffic(hour, POLICY.rules)
    assert (found.signal if found else None) == signal


@pytest.mark.parametrize(
    ("events", "signal"),
    [
        (DoorEvents("place a", "login-refused", 5, 1), None),
        (DoorEvents("place a", "login-refused", 60, 1), "brute-force"),
        (DoorEvents("", "token-refused", 300, 40), "spraying"),
        (DoorEvents("", "token-refused", 300, 2), None),
        (DoorEvents("session a", "token-used", 9, 2), None),
        (DoorEvents("session a", "token-used", 9, 6), "token-places"),
        (DoorEvents("session a", "token-after-revocation", 1, 1), "token-revoked"),
        (DoorEvents("session a", "replay", 2, 1), "token-revoked"),
    ],
)
def test_events_at_the_doors_become_signals(events: DoorEvents, signal: str | None):
    found = door(events, POLICY.rules)
    assert (found.signal if found else None) == signal


def test_every_state_but_the_last_has_a_deadline_and_a_way_on():
    for state in POLICY.states.values():
        assert (state.name == "closed") == (state.deadline is None) == (not state.following)
        assert set(state.following) <= set(POLICY.states)
