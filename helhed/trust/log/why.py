"""A citizen asks an organisation why it looked; the organisation answers in time, or it is told that it did not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.trust.policy import document

_ASK = "select trust.ask_why($1::fhir.ask, $2, $3, $4, $5)"
_OWN = "select * from trust.own_questions($1::fhir.ask)"
_QUEUE = "select * from trust.open_questions($1::fhir.ask)"
_OPEN = "select * from trust.open_question($1::fhir.ask, $2)"
_ANSWER = "select trust.answer_why($1::fhir.ask, $2, $3)"
_ESCALATE = "select trust.escalate_questions($1)"
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Authority:
    """Where a citizen can take a complaint."""

    name: str
    url: str
    danish: str
    english: str


@dataclass(frozen=True, slots=True)
class WhyPolicy:
    """How long an organisation has, and who hears complaints."""

    answer_within: timedelta
    most_words: int
    complaints: Sequence[Authority]


@cache
def why_policy() -> WhyPolicy:
    """The policy that this version of the network carries."""
    told = document("why.json")
    authorities = tuple(Authority(one["name"], one["url"], one["da"], one["en"]) for one in told["complaints"])
    return WhyPolicy(timedelta(days=told["answer_within_days"]), told["most_words"], authorities)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, as whoever asked it and as the organisation's queue have it."""

    id: UUID
    looked_at: datetime | None  #: None when the row is no longer kept
    organisation_name: str | None
    words: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    escalated_at: datetime | None
    answer: str | None = None
    look: int | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether the time is over and there is no answer."""
        return self.answered_at is None and now > self.due_at


@dataclass(frozen=True, slots=True)
class OpenedQuestion:
    """A question with whom it is about: opening it is a look."""

    question: Question
    citizen_name: str
    born: date | None
    actor_name: str | None
    withheld: bool
    role: str
    action: int | None
    permitted: bool
    basis: int | None
    local: Mapping[str, Any]


class Whys:
    """Questions and answers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, ask: Ask, look: int, words: str) -> UUID:
        """Asks about a row of the own log; once asked, the same question. Unknown for what is no row of it."""
        until = ask.at + why_policy().answer_within
        async with lend(self._pool) as connection:
            found = await connection.fetchval(_ASK, ask_row(ask), uuid4(), look, checked_words(words, least=0), until)
        if found is None:
            raise Unknown
        return UUID(str(found))

    async def own(self, ask: Ask) -> list[Question]:
        """The citizen's own, newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask))
        return [_question(row, row["answer"], row["look"]) for row in rows]

    async def queue(self, ask: Ask) -> list[Question]:
        """Those to the asker's organisation: the unanswered first, the most urgent on top."""
        async with lend(self._pool) as connection:
            return [_question(row) for row in await connection.fetch(_QUEUE, ask_row(ask))]

    async def opened(self, ask: Ask, question: UUID) -> OpenedQuestion:
        """One of them. Unknown when it is not the asker's to answer; both stand in a log."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_OPEN, ask_row(ask), question)
        if row is None:
            raise Unknown
        return OpenedQuestion(
            _question(row, row["answer"], row["look"]), row["citizen_name"] or "", row["born"], row["actor_name"],
            bool(row["withheld"]), row["role"] or "", row["action"], bool(row["permitted"]), row["basis"],
            orjson.loads(row["local"]) if row["local"] else {},
        )  # fmt: skip

    async def answer(self, ask: Ask, question: UUID, words: str) -> None:
        """Answers one. Unknown when there is none that the asker may answer, or it is answered."""
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_ANSWER, ask_row(ask), question, checked_words(words)):
                raise Unknown

    async def escalate(self, now: datetime) -> int:
        """Tells of those whose time is over."""
        async with lend(self._pool) as connection:
            return int(await connection.fetchval(_ESCALATE, now))


def checked_words(words: str, *, least: int = _SHORTEST) -> str:
    """What somebody wrote, in as many lines as they wrote it. Unprocessable when it says nothing, or too much."""
    lines = ["".join(letter for letter in line if letter.isprintable()).rstrip() for line in words.splitlines()]
    text = "\n".join(lines).strip()
    if not least <= len(text) <= why_policy().most_words:
        raise Unprocessable(f"Write {_SHORTEST} to {why_policy().most_words} characters.")
    return text


def _question(row: Any, answer: str | None = None, look: int | None = None) -> Question:
    return Question(
        row["id"], row["looked_at"], row["organisation_name"], row["words"], row["asked_at"], row["due_at"],
        row["answered_at"], row["escalated_at"], answer, look,
    )  # fmt: skip
