"""Breaking the glass (værdispring): a ticket to see one citizen's record in spite of a block or without a relation, its end, and
its review.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.glass.rules import REST

_BREAK = "select trust.break_glass($1::fhir.ask, $2, $3, $4)"
_HELD = "select * from trust.held_opening($1::fhir.ask, $2)"
_MAY = "select trust.may_break_glass($1::fhir.ask)"
_END = "select trust.end_ticket($1::fhir.ask, $2)"
_WAITING = "select * from trust.waiting_reviews($1::fhir.ask)"
_REVIEW = "select trust.review_ticket($1::fhir.ask, $2, $3, $4)"
_OWN = "select * from trust.own_tickets($1::fhir.ask)"
_REASON = 200  #: characters of a reason that are kept
_WORDS = 2000  #: of a review


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a record beside a relation: a ticket, or a consent to read."""

    id: UUID
    basis: int
    until: datetime


@dataclass(frozen=True, slots=True)
class LookUnder:
    """A look while a ticket held: no content."""

    at: datetime
    action: int
    count: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket that waits for its review."""

    ticket: UUID
    citizen: str
    professional: str
    role: str
    organisation: int
    organisation_name: str
    reason: str
    opened_at: datetime
    ended_at: datetime
    due_at: datetime
    passed_up: (
        str  #: why it came to who reviews for the network: none, own, overdue; "" for those of the place and above
    )
    looks: tuple[LookUnder, ...]


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """One time the glass was broken, for the citizen whom it was broken for."""

    ticket: UUID
    professional: str | None  #: None where a place shields its staff
    role: str
    organisation: str
    reason: str
    opened_at: datetime
    ended_at: datetime
    due_at: datetime
    reviewed_at: datetime | None
    reviewed_in: str
    justified: bool | None
    words: str
    reviewing: str  #: the place whose move it is; "": who runs the network
    passed_up: str  #: why it was passed up: none, own, overdue; "" when it was not
    review_by: datetime | None  #: None once it has been reviewed
    looks: tuple[LookUnder, ...]


class Tickets:
    """Issues tickets, ends them, and has them reviewed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def break_glass(
        self, ask: Ask, citizen: int, reason: str, added: str = "", *, ticket: UUID | None = None
    ) -> datetime:
        """A ticket for the asker, in the place and the role they act from, for this citizen: holds until the moment returned.

        It is in the citizen's log, is told to the citizen, and waits for a review; given the same ``ticket`` twice, it is
        one. Raises Forbidden for roles that may not, for assistants, without a reason, and for a citizen nobody knows; the
        attempt is logged.
        """
        said = reason.strip()
        written = f"{said}{REST}{added.strip()}" if said and added.strip() else said
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            until = await connection.fetchval(_BREAK, ask_row(ask), ticket or uuid4(), citizen, written[:_REASON])
        if until is None:
            raise Forbidden("Your role cannot break the glass, or no reason was given.")
        return datetime.fromisoformat(until.isoformat())

    async def may(self, ask: Ask) -> bool:
        """Whether the asker may break the glass at all."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(_MAY, ask_row(ask)))

    async def held(self, ask: Ask, citizen: int) -> Opening | None:
        """What opens the record for the asker now beside a relation; a ticket before a consent."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_HELD, ask_row(ask), citizen)
        return None if row is None else Opening(*row)

    async def end(self, ask: Ask, ticket: UUID) -> None:
        """Closes one's own before its hour. Raises Unknown."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_END, ask_row(ask), ticket):
                raise Unknown

    async def waiting(self, ask: Ask) -> list[Waiting]:
        """What waits for the asker's review, the most urgent first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_WAITING, ask_row(ask))
        return [Waiting(**_told(row), looks=_looks(row)) for row in rows]

    async def may_review(self, ask: Ask) -> bool:
        """Whether reviewing is the asker's business."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval("select trust.may_review($1::fhir.ask)", ask_row(ask)))

    async def review(self, ask: Ask, ticket: UUID, *, justified: bool, words: str) -> None:
        """Says whether it was justified; the citizen is told. Raises Unprocessable when it is not the asker's to say, has
        been said, or was not justified without a word of why; an attempt that was denied is logged.
        """
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_REVIEW, ask_row(ask), ticket, justified, words.strip()[:_WORDS]):
                raise Unprocessable("It is not yours to review, has been reviewed, or lacks a word of why.")

    async def own(self, ask: Ask) -> list[OwnTicket]:
        """Every time the glass was broken for the asking citizen, the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask))
        return [
            OwnTicket(
                row["ticket"], row["professional_name"], row["role"] or "", row["organisation_name"] or "", row["reason"],
                row["opened_at"], row["ended_at"], row["due_at"], row["reviewed_at"], row["reviewed_in"] or "",
                row["justified"], row["words"], row["reviewing"] or "", row["passed_up"] or "", row["review_by"], _looks(row),
            )
            for row in rows
        ]  # fmt: skip


def _told(row: Any) -> dict[str, Any]:
    names = {"citizen_name": "citizen", "professional_name": "professional"}
    return {
        names.get(name, name): value if value is not None else ""
        for name, value in row.items()
        if name != "looks"
    }  # fmt: skip


def _looks(row: Any) -> tuple[LookUnder, ...]:
    return tuple(
        LookUnder(
            datetime.fromisoformat(one["at"]), one["action"], one["count"] or 0,
            tuple(sorted(TYPE_NAMES[number] for number in one["types"])),
        )
        for one in orjson.loads(row["looks"])
    )  # fmt: skip
