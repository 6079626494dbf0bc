"""What in a professional's looks asks for an explanation: one small function a signal, from figures to points with a reason.

Figures carry no name, place, citizen or content. Points and thresholds are those of ``trust/policy/watch.json``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from helhed.trust.watch.policy import Rule, watch_policy

_NOBODY: Mapping[str, int] = MappingProxyType({})
_TO_DEVIATIONS = 1.4826  #: a median absolute deviation as a standard deviation, were the days normal


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one professional in one job: the last active day, the month and the quarter before it, and what peers do."""

    citizens: int = 0  #: different ones on the day
    lookups_only: int = 0  #: of them found by number or name and not opened
    refused: int = 0
    misses: int = 0  #: look-ups that found nobody
    same_birthday: int = 0  #: the most with one birthday, without a registered relation
    usual_days: int = 0  #: days that the person's own hours are known from
    off_hours: int = 0
    off_hours_loose: int = 0  #: outside the own hours and without a registered relation
    crowd: int = 0  #: the most professionals without a relation who saw one of the day's citizens within a week
    overrides: int = 0  #: in 14 days
    declared: int = 0
    unconfirmed: int = 0
    judged: int = 0
    tied: Mapping[str, int] = field(default_factory=lambda: _NOBODY)  #: by tie; whether a relation comes is open
    tied_unconfirmed: Mapping[str, int] = field(default_factory=lambda: _NOBODY)
    tied_firm: Mapping[str, int] = field(default_factory=lambda: _NOBODY)
    after_days: int = 0
    drip_weeks: int = 0
    peer_people: int = 0
    peer_middle: float = 0.0
    peer_spread: float = 0.0


class Found(NamedTuple):
    """A signal that is there, with the numbers of its sentence."""

    signal: str
    points: int
    figures: Mapping[str, float]


Signal = Callable[[Figures, Rule], "Found | None"]


def _found(rule: Rule, points: float, **figures: float) -> Found | None:
    return Found(rule.signal, round(points), figures) if points > 0 else None


def tie(name: str, figures: Figures, rule: Rule) -> Found | None:
    """Somebody close: worst when no relation came, open while one may come, little when there is one."""
    for known, kind in (
        (figures.tied_unconfirmed, "unconfirmed"),
        (figures.tied, "loose"),
        (figures.tied_firm, "firm"),
    ):
        if known.get(name):
            return _found(rule, rule.numbers[kind], n=known[name])
    return None


def unconfirmed(figures: Figures, rule: Rule) -> Found | None:
    """Records opened for which no registered relation came, beyond those that are let be."""
    let_be = max(rule.numbers["let_be"], rule.numbers["let_be_share"] * figures.judged)
    points = min(rule.numbers["most"], rule.numbers["each"] * (figures.unconfirmed - let_be))
    return _found(rule, points, n=figures.unconfirmed, judged=figures.judged)


def breadth(figures: Figures, rule: Rule) -> Found | None:
    """More different citizens in a day than peers, by a robust distance."""
    if figures.citizens < rule.numbers["at_least"] or not figures.peer_people:
        return None
    deviation = _TO_DEVIATIONS * figures.peer_spread + 0.1 * figures.peer_middle + 1
    distance = (figures.citizens - figures.peer_middle) / deviation
    return _stepped(rule, distance, "distance", "far_distance", n=figures.citizens, middle=figures.peer_middle)


def lookups(figures: Figures, rule: Rule) -> Found | None:
    """Many found and few opened."""
    if figures.lookups_only <= rule.numbers["times_peers"] * figures.peer_middle:
        return None
    return _stepped(rule, figures.lookups_only, "at_least", "far", n=figures.lookups_only)


def enumeration(figures: Figures, rule: Rule) -> Found | None:
    """Numbers tried one after the other: misses, and birthdays that come again."""
    n = rule.numbers
    shown = {"misses": figures.misses, "same": figures.same_birthday}
    if figures.misses >= n["far_misses"] or figures.same_birthday >= n["far_same"]:
        return _found(rule, n["far_points"], **shown)
    if figures.misses >= n["misses"] or figures.same_birthday >= n["same"]:
        return _found(rule, n["points"], **shown)
    return None


def off_shift(figures: Figures, rule: Rule) -> Found | None:
    """At hours at which the person is otherwise never at work."""
    if figures.usual_days < rule.numbers["days"]:
        return None
    return _stepped(rule, figures.off_hours_loose, "loose", "far", n=figures.off_hours_loose, days=figures.usual_days)


def break_glass(figures: Figures, rule: Rule) -> Found | None:
    """More than now and then."""
    points = min(rule.numbers["most"], rule.numbers["each"] * (figures.overrides - rule.numbers["let_be"]))
    return _found(rule, points, n=figures.overrides)


def after_discharge(figures: Figures, rule: Rule) -> Found | None:
    """One citizen followed after the contact was over."""
    return _stepped(rule, figures.after_days, "at_least", "far", n=figures.after_days)


def refused(figures: Figures, rule: Rule) -> Found | None:
    """Attempts that were refused again and again."""
    return _stepped(rule, figures.refused, "at_least", "far", n=figures.refused)


def drip(figures: Figures, rule: Rule) -> Found | None:
    """One citizen, week after week."""
    return _stepped(rule, figures.drip_weeks, "at_least", "far", n=figures.drip_weeks)


def crowd(figures: Figures, rule: Rule) -> Found | None:
    """Among the many who looked at one citizen."""
    return _found(rule, rule.numbers["points"], n=figures.crowd) if figures.crowd >= rule.numbers["at_least"] else None


def _stepped(rule: Rule, value: float, near: str, far: str, **shown: float) -> Found | None:
    if value >= rule.numbers[far]:
        return _found(rule, rule.numbers["far_points"], **shown)
    return _found(rule, rule.numbers["points"], **shown) if value >= rule.numbers[near] else None


TIES = ("self", "family", "household", "neighbour", "colleague", "surname", "vip")
SIGNALS: Mapping[str, Signal] = MappingProxyType({
    **{f"tie-{name}": partial(tie, name) for name in TIES},
    "unconfirmed": unconfirmed, "breadth": breadth, "lookups": lookups, "enumeration": enumeration, "off-shift": off_shift,
    "break-glass": break_glass, "after-discharge": after_discharge, "refused": refused, "drip": drip, "crowd": crowd,
})  # fmt: skip


def figures_of(told: Mapping[str, Any]) -> Figures:
    """Figures as the database tells them; what it tells beside is left."""
    return Figures(**{name: told[name] for name in Figures.__slots__ if name in told})


def signals_of(figures: Figures) -> list[Found]:
    """Every signal that is there, the heaviest first."""
    rules = watch_policy().rules
    found = [one for name, signal in SIGNALS.items() if (one := signal(figures, rules[name]))]
    return sorted(found, key=lambda one: -one.points)


def score(found: list[Found]) -> int:
    """The points together."""
    return sum(one.points for one in found)
