"""An organisation's own look at its security, what the board sees of all, and exercises."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unprocessable
from helhed.foundation.lend import lend
from helhed.trust.policy import document

_ASSESS = "select trust.watch_assess($1::fhir.ask, $2, $3, $4, $5, $6)"
_ASSESSMENT = "select * from trust.watch_assessment($1::fhir.ask)"
_POSTURE = "select *, answers::text as told from trust.watch_posture($1::fhir.ask, $2)"
_TOOK_PART = "select * from trust.watch_took_part($1::fhir.ask, $2)"
ANSWERS: Mapping[str, float | None] = MappingProxyType({"yes": 1.0, "partly": 0.5, "no": 0.0, "not-relevant": None})
_FEWEST_NAMED = 3  #: fewer organisations than this are not told apart by their weak controls


@dataclass(frozen=True, slots=True)
class Control:
    """A question, by its number in ISO/IEC 27001:2022 Annex A, in words by language."""

    number: str
    question: Mapping[str, str]
    risk: Mapping[str, str]
    do: Mapping[str, str]
    weight: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The newest answer of an organisation to a question."""

    control: str
    answer: str
    owner: str
    due: date | None
    note: str
    author_name: str | None
    at: datetime

    def late(self, today: date) -> bool:
        """Whether somebody should have followed up."""
        return self.answer in {"partly", "no"} and self.due is not None and self.due < today


@dataclass(frozen=True, slots=True)
class Exercise:
    """A case with choices, of which one is right, and why."""

    name: str
    kind: str  #: mail or look
    case: Mapping[str, str]
    choices: tuple[Mapping[str, str], ...]
    right: int
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """One organisation, as the board sees it: how far, and not what."""

    name: str
    answers: Mapping[str, str]
    overdue: int
    people: int
    taking_part: int

    @property
    def far(self) -> float | None:
        """How far it has come, from 0 to 1; None when it has not begun."""
        return how_far(self.answers)


@cache
def controls() -> tuple[Control, ...]:
    """The questions in force."""
    return tuple(
        Control(one["control"], _both(one, ""), _both(one, "risk_"), _both(one, "do_"), one["weight"])
        for one in document("controls.json")["controls"]
    )


@cache
def exercises() -> tuple[Exercise, ...]:
    """The exercises in force."""
    return tuple(
        Exercise(one["exercise"], one["kind"], _both(one, ""), tuple(one["choices"]), one["right"], _both(one, "why_"))
        for one in document("exercises.json")["exercises"]
    )


def _both(one: Mapping[str, Any], beginning: str) -> Mapping[str, str]:
    return {language: one[beginning + language] for language in ("da", "en")}


def how_far(answers: Mapping[str, str]) -> float | None:
    """The weighted share that is in place; what is not relevant is left out, what is not answered counts as not in place."""
    if not answers:
        return None
    counted = [(one.weight, ANSWERS[answers[one.number]] if one.number in answers else 0.0) for one in controls()]
    known = [(weight, value) for weight, value in counted if value is not None]
    return sum(weight * value for weight, value in known) / max(1, sum(weight for weight, _ in known))


def weakest(standings: Sequence[Standing]) -> list[tuple[Control, int, int]]:
    """Controls by how many organisations lack them, of how many that answered; too few are not told, so that nobody is picked out."""
    answered: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    for one in standings:
        for control, answer in one.answers.items():
            answered[control] += ANSWERS.get(answer) is not None
            lacking[control] += answer in {"partly", "no"}
    told = [
        (one, lacking[one.number], answered[one.number]) for one in controls() if answered[one.number] >= _FEWEST_NAMED
    ]
    return sorted((row for row in told if row[1]), key=lambda row: -row[1] / row[2])


class Assessments:
    """For the officer who asks, and exercises for whoever is at work."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def answer(self, ask: Ask, control: str, answer: str, owner: str, due: date | None, note: str) -> None:
        """Answer a question for the asker's organisation. Raises Unprocessable, Forbidden."""
        if control not in {one.number for one in controls()} or answer not in ANSWERS:
            raise Unprocessable("There is no such question or answer.")
        if answer in {"partly", "no"} and (not owner.strip() or due is None):
            raise Unprocessable("What is not in place has somebody who follows up, and a date.")
        async with lend(self._pool) as connection:
            values = (control, answer, owner.strip(), due, note.strip())
            if not await connection.fetchval(_ASSESS, ask_row(ask), *values):
                raise Forbidden

    async def own(self, ask: Ask) -> dict[str, Answer]:
        """The newest answers of the asker's organisation, by control."""
        async with lend(self._pool) as connection:
            return {row["control"]: Answer(*row) for row in await connection.fetch(_ASSESSMENT, ask_row(ask))}

    async def posture(self, ask: Ask, moment: datetime) -> list[Standing]:
        """Every organisation with a security officer, as it stood at a moment; empty for others than the office."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_POSTURE, ask_row(ask), moment)
        return [
            Standing(row["organisation_name"] or "", orjson.loads(row["told"]), row["overdue"], row["people"], row["taking_part"])
            for row in rows
        ]  # fmt: skip

    async def took_part(self, ask: Ask, exercise: str = "") -> set[str]:
        """Note that the asker did an exercise; which they have done."""
        async with lend(self._pool) as connection:
            return {row[0] for row in await connection.fetch(_TOOK_PART, ask_row(ask), exercise)}
