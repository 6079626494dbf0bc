"""Questions why, as the one who asked and the one who answers read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.trust.log.why import Question


@dataclass(frozen=True, slots=True)
class Step:
    """One move: whose it is, and how far it has come."""

    who: str
    what: str
    state: str  #: done, now or later


@dataclass(frozen=True, slots=True)
class Asked:
    """A question."""

    id: UUID
    place: str
    looked: str
    asked: str
    words: str
    answer: str
    due: str
    overdue: bool
    answered: bool
    steps: Sequence[Step]


def asked(one: Question, words: Words, now: datetime) -> Asked:
    """A question with whose move it is."""
    place = one.organisation_name or words("log.no_place")
    late, answered = one.overdue(now), one.answered_at is not None
    move = words("why.answered_on", when=words.day(one.answered_at)) if one.answered_at else words(
        "why.overdue_since" if late else "why.answer_by", when=words.day(one.due_at)
    )  # fmt: skip
    steps = (
        Step(words("why.you"), words("why.asked_on", when=words.day(one.asked_at)), "done"),
        Step(place, move, "done" if answered else "now"),
        Step(words("why.you"), words("why.good_enough"), "now" if answered or late else "later"),
    )
    looked = words("why.looked", when=words.instant(one.looked_at)) if one.looked_at else words("why.row_gone")
    return Asked(
        one.id, place, looked, words.day(one.asked_at), one.words, one.answer or "", words.day(one.due_at), late,
        answered, steps,
    )  # fmt: skip
