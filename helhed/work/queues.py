"""Queues of units and a citizen's own pieces of work: decided, logged reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.work.kinds import kinds
from helhed.work.projecting import STATES

VIEWS = ("ours", "others", "told", "over")
NOBODY = 0  #: as the assignee: what was given to nobody
_QUEUE = "select * from work.queue($1::fhir.ask, $2, $3, $4, $5, $6, $7, $8, $9)"
_TOLD = "select * from work.told_to($1::fhir.ask, $2)"
_COLLEAGUES = "select * from work.colleagues($1::fhir.ask, $2)"
_CITIZEN = "select * from work.of_citizen($1::fhir.ask, $2, $3)"
_ONE = "select * from work.one_piece($1::fhir.ask, $2)"
_RECEIPTS = "select * from work.receipts($1::fhir.ask, $2)"
_EVER, _ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part of a queue. ``after`` is where the page before ended."""

    view: str = "ours"
    kind: str | None = None
    status: str | None = None
    assignee: int | None = None  #: the key of a professional, ``NOBODY``, or None for everybody's
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Patient:
    """Who a piece is about: the identity minimum."""

    id: UUID
    name: str
    cpr: str | None
    born: Any


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work as a unit or a citizen sees it. Names are "" where there is none; moments are aware."""

    task: UUID
    version: int
    kind: str
    status: str
    requester: str
    owner: str
    holder: str
    asked: str
    urgent: bool
    asked_at: datetime
    moved_at: datetime
    due_at: datetime
    deadline_at: datetime
    step: int  #: how often it has escalated since it waits for this move
    escalated_to: str
    over: bool
    body: Mapping[str, Any] = field(repr=False)  #: the Task
    asks_us: bool = False  #: it is the move of the unit, or of the citizen, who looks
    assignee: str = ""
    patient: Patient | None = None
    unseen: bool = False  #: nobody in the unit that was asked would see it now

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Where the next page goes on."""
        return (self.moved_at if self.over else self.deadline_at), self.task


@dataclass(frozen=True, slots=True)
class Told:
    """How many overdue pieces were escalated to a unit, by who they wait for. Of nobody."""

    waits_for: str
    asked_by: str
    pieces: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """Something that was done with a piece."""

    what: str
    at: datetime
    unit: str  #: "" for the network itself
    to_unit: str
    person: str = ""  #: whom it was given to


@dataclass(frozen=True, slots=True)
class Whole:
    """One piece with its receipts, and what the asker's place has to do with it."""

    piece: Piece
    moves: list[Receipt]
    owner: int | None  #: key of the unit that was asked
    ours: bool  #: it is the unit that was asked
    sent: bool  #: it asked
    has: bool  #: it has it now


@dataclass(frozen=True, slots=True)
class Receipts:
    """All of them, in order, and whether the unit that was asked could see it now (None: it is not waiting, or not yours to know)."""

    status: str
    version: int
    moves: list[Receipt]
    reaches: bool | None


class Queues:
    """Reads pieces of work."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, ask: Ask, unit: int, wish: Wish) -> list[Piece]:
        """A page of a unit's queue: only what the asker may see. Nothing for who does not work there. Raises BadRequest."""
        if wish.view not in VIEWS or wish.kind not in {None, *kinds()} or wish.status not in {None, *STATES}:
            raise BadRequest("There is no such part of a queue.")
        moment, task = wish.after or (_ALWAYS if wish.view == "over" else _EVER, _FIRST)
        wanted = (wish.view, wish.kind, wish.status, wish.assignee, moment, task, wish.limit)
        async with lend_proven(self._pool, Duty.PERSON) as connection:  # what is seen for the first time is noted
            rows = await connection.fetch(_QUEUE, ask_row(ask), unit, *wanted)
        return [_piece(row) for row in rows]

    async def told(self, ask: Ask, unit: int) -> list[Told]:
        """What was escalated to a unit, without a word of what it is."""
        async with lend(self._pool) as connection:
            return [Told(*row) for row in await connection.fetch(_TOLD, ask_row(ask), unit)]

    async def colleagues(self, ask: Ask, unit: int) -> list[tuple[int, UUID, str]]:
        """Key, id and name of those who work in a unit, for who does so too."""
        async with lend(self._pool) as connection:
            return [tuple(row) for row in await connection.fetch(_COLLEAGUES, ask_row(ask), unit)]

    async def of_citizen(self, ask: Ask, citizen: int, limit: int = 200) -> list[Piece]:
        """A citizen's pieces, the open ones first, as far as the asking citizen sees them; one look."""
        async with lend(self._pool) as connection:
            return [_piece(row) for row in await connection.fetch(_CITIZEN, ask_row(ask), citizen, limit)]

    async def one(self, ask: Ask, task: UUID) -> Whole:
        """A piece as a professional sees it, as one look. Raises Unknown for what they may not see."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_ONE, ask_row(ask), task)
        if row is None:
            raise Unknown
        moves = [_receipt(one) for one in orjson.loads(row["moves"])]
        return Whole(_piece(row), moves, row["owner_key"], row["ours"], row["sent"], row["has"])

    async def receipts(self, ask: Ask, task: UUID) -> Receipts:
        """What became of a piece. Raises Unknown for what the asker may not see."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_RECEIPTS, ask_row(ask), task)
        if not rows:
            raise Unknown
        moves = [Receipt(row["what"], row["at"], row["unit"] or "", row["to_unit"] or "") for row in rows]
        return Receipts(rows[0]["status"], rows[0]["version"], moves, rows[0]["reaches"])


def _receipt(one: Mapping[str, Any]) -> Receipt:
    names = (one[name] or "" for name in ("unit", "to_unit", "person"))
    return Receipt(one["what"], datetime.fromisoformat(one["at"]), *names)


def _piece(row: Any) -> Piece:
    found: dict[str, Any] = dict(row)
    named = ("requester", "owner", "holder", "asked", "escalated_to")
    plain = (
        "task",
        "version",
        "kind",
        "status",
        "urgent",
        "asked_at",
        "moved_at",
        "due_at",
        "deadline_at",
        "step",
        "over",
    )
    shown: dict[str, Any] = {name: found[name] for name in plain} | {name: found[name] or "" for name in named}
    patient = found.get("patient")
    return Piece(
        **shown,
        body=orjson.loads(found["body"]),
        asks_us=found.get("asked_us", found.get("asks_citizen", False)),
        assignee=found.get("assignee") or "",
        patient=patient and Patient(patient, found["patient_name"], found["patient_cpr"], found["patient_born"]),
        unseen=bool(found.get("unseen")),
    )
