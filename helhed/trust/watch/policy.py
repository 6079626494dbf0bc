"""The dated policy of watching: signals with their points and sentences, states of a case with their deadlines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from helhed.trust.policy import document

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One signal: its numbers, its sentence with places for the figures, and why it is one."""

    signal: str
    danish: str
    english: str
    why: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class State:
    """A state of a case, how long a case may be in it, and what may come after."""

    name: str
    danish: str
    english: str
    deadline: timedelta | None
    following: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """The policy in force."""

    dated: date
    rules: Mapping[str, Rule]
    states: Mapping[str, State]
    events: Mapping[str, tuple[str, str]]  #: words of each kind in Danish and English
    case_points: int
    confirm: timedelta
    overlap: timedelta
    stretch: timedelta
    most_scored: int
    pause_seconds: float
    keep_looks: timedelta
    keep_events: timedelta


@cache
def watch_policy() -> WatchPolicy:
    """The policy that this version of the network carries."""
    told = document("watch.json")
    return WatchPolicy(
        dated=date.fromisoformat(told["date"]),
        rules=MappingProxyType({one["signal"]: _rule(one) for one in told["signals"]}),
        states=MappingProxyType({one["state"]: _state(one) for one in told["states"]}),
        events=MappingProxyType({one["kind"]: (one["da"], one["en"]) for one in told["events"]}),
        case_points=told["case_points"],
        confirm=timedelta(days=told["confirm_days"]),
        overlap=timedelta(minutes=told["overlap_minutes"]),
        stretch=timedelta(minutes=told["stretch_minutes"]),
        most_scored=told["most_scored_a_run"],
        pause_seconds=float(told["seconds_between_runs"]),
        keep_looks=timedelta(days=told["keep_looks_days"]),
        keep_events=timedelta(days=told["keep_events_days"]),
    )


def _rule(one: Mapping[str, Any]) -> Rule:
    numbers = {name: float(value) for name, value in one.items() if isinstance(value, int | float)}
    return Rule(one["signal"], one["da"], one["en"], one["why"], MappingProxyType(numbers))


def _state(one: Mapping[str, Any]) -> State:
    days = one["deadline_days"]
    return State(one["state"], one["da"], one["en"], None if days is None else timedelta(days=days), tuple(one["next"]))
