"""Who may be the second person at the counter, in the reference: staff of the place, somebody else, close to neither, document in hand."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Person:
    """One who works: every number that a register has of them, and every citizen whose record that opens by acting for them."""

    numbers: frozenset[str]
    place: str
    helps: bool  #: by the duty of the role, at work
    acts_for: frozenset[str] = frozenset()  #: numbers of citizens
    acted_for_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Registered:
    """What waits."""

    act: str
    clerk: Person
    concerns: frozenset[str]  #: numbers of the citizen, and of who is to receive a mandate
    lapses_at: datetime
    settled: bool


def may_confirm(person: Person, act: Registered, shown: str, at: datetime, documents: Mapping[str, Set[str]]) -> bool:
    """Whether it holds from now on."""
    if not person.helps or person.place != act.clerk.place or act.settled or at >= act.lapses_at:
        return False
    if person.numbers & act.clerk.numbers:
        return False
    close = person.numbers | person.acts_for | person.acted_for_by
    return not close & act.concerns and shown in documents[act.act]
