"""What was changed in an appointment, from its versions: before, after, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from helhed.record.calendar.appointments import Appointment, Said


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became another. ``what`` is time, place, manner, who, prepare, called-off, stands-again, removed or answer."""

    at: datetime
    what: str
    before: Said
    after: Said


def changes(one: Appointment) -> list[Change]:
    """What a citizen would want to know of, oldest first."""
    told = [*one.past, (one.updated, one.said)]
    found: list[Change] = []
    for (_, before), (at, after) in pairwise(told):
        found += [Change(at, what, before, after) for what in _differences(before, after)]
    if one.removed:
        found.append(Change(one.updated, "removed", one.said, one.said))
    return found


def _differences(before: Said, after: Said) -> Iterator[str]:
    if before.times != after.times:
        yield "time"
    if (before.place, before.address) != (after.place, after.address):
        yield "place"
    if before.manner != after.manner:
        yield "manner"
    if before.who != after.who:
        yield "who"
    if before.prepare != after.prepare:
        yield "prepare"
    if after.called_off and not before.called_off:
        yield "called-off"
    if before.called_off and after.stands:
        yield "stands-again"
    if before.answer != after.answer and after.answer:
        yield "answer"
