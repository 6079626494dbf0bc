"""Taking rows out for good that were recorded on the wrong citizen: one custodian proposes, another one approves.

The database decides who may, and does it in one statement; no content is returned to anybody. What stands here are the
sentences for what it answers. The migration ``0025_purging.sql`` tells how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, HelhedError, Unknown, Unprocessable
from helhed.foundation.ids import parse_id
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, prove

_PROPOSE = (
    "select * from fhir.propose_purge($1::fhir.ask, $2, $3::smallint, $4::smallint[], $5::uuid[], $6, $7, $8, $9, $10)"
)
_APPROVE = "select * from fhir.approve_purge($1::fhir.ask, $2, $3::smallint, $4)"
_WITHDRAW = "select fhir.withdraw_purge($1::fhir.ask, $2)"
_OPEN = "select * from fhir.open_purges($1::fhir.ask)"


class NamedRow(NamedTuple):
    """A row by its type and id."""

    type_name: str
    id: UUID

    @classmethod
    def parse(cls, text: str, only: str = "") -> "NamedRow":
        """``Type/id``. Raises BadRequest, and Unknown for an id that this network never gave."""
        type_name, _, name = text.partition("/")
        if type_name not in ([only] if only else TYPE_NUMBERS) or not name:
            raise BadRequest(f"A row is named as {only or 'Type'}/id, not {text[:60]!r}.")
        identifier = parse_id(name)
        if identifier is None:
            raise Unknown
        return cls(type_name, identifier)

    def __str__(self) -> str:
        return f"{self.type_name}/{self.id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a custodian wants purged, and why. It names rows, never what stands in them."""

    rows: tuple[NamedRow, ...]
    ground: str  #: of ``trust/policy/purges.json``
    case_number: str
    expires_at: datetime
    rightful: UUID | None = None  #: the Patient whom it is about, where that is known
    apart: bool = False  #: what presents the rows, or is presented by them, stays, knowingly


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits for a second custodian."""

    id: UUID
    seal: bytes  #: of exactly these rows in exactly these versions
    versions: int
    rows: tuple[NamedRow, ...]
    ground: str
    case_number: str
    proposed_by: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Purged:
    """What was done."""

    rows: int
    versions: int
    seen_by: tuple[int, ...]  #: organisations that have seen the rows, by the log: they must be told


class Connected(Unprocessable):
    """Other rows of yours present these, or are presented by them: name them as well, or say that they stay."""

    def __init__(self, others: Sequence[NamedRow]) -> None:
        self.others = tuple(others)
        super().__init__(f"{(type(self).__doc__ or '').rstrip('.')}: {', '.join(map(str, others))}.")


_PROBLEMS: dict[str, type[HelhedError]] = {
    "nothing": Unknown, "kind": Unprocessable, "several": Unprocessable, "held": Conflict, "rightful": Unprocessable,
    "same-hand": Forbidden, "changed": Conflict,
}  # fmt: skip
_SENTENCES = {
    "kind": "Only what is recorded about a citizen is purged. A Patient is corrected; so is what is about nobody.",
    "several": "All rows of one purge must be recorded on the same citizen.",
    "held": "A case about this record is pending: nothing of it goes before the hold is released.",
    "rightful": "The rightful citizen must be another Patient of this network.",
    "same-hand": "Another records custodian than the one who proposed it must approve.",
    "changed": "The rows are no longer those that were proposed: withdraw the proposal and make a new one.",
}


class Purging:
    """Proposals and their approval, each one transaction with its log rows; refusals are logged too."""

    def __init__(self, pool: Pool, sessions: Sessions) -> None:
        self._pool = pool
        self._sessions = sessions

    async def propose(self, ask: Ask, wish: Wish) -> Proposal:
        """Say which rows go, and why. Raises Unknown, Connected, Unprocessable or Conflict."""
        identifier = uuid4()
        numbers = [TYPE_NUMBERS[one.type_name] for one in wish.rows]
        values = (
            numbers, [one.id for one in wish.rows], wish.ground, wish.case_number, wish.rightful, wish.apart,
            wish.expires_at,
        )  # fmt: skip
        row = await self._asked(ask, _PROPOSE, identifier, TYPE_NUMBERS["Patient"], *values)
        if row["problem"] == "connected":
            raise Connected(_named(row["other_types"], row["other_ids"]))
        _check(row["problem"])
        return Proposal(
            identifier, row["seal"], row["versions"], wish.rows, wish.ground, wish.case_number, ask.actor,
            wish.expires_at,
        )  # fmt: skip

    async def approve(self, ask: Ask, proposal: UUID, seal: bytes) -> Purged:
        """Carry it out, whole or not at all. Raises Unknown, Forbidden or Conflict."""
        row = await self._asked(ask, _APPROVE, proposal, TYPE_NUMBERS["Patient"], seal)
        return _purged(row)

    async def approve_within(self, connection: Connection, ask: Ask, proposal: UUID, seal: bytes) -> Purged:
        """The same in a transaction that does more. Its refusal is undone with it: see ``log_refused``."""
        row = await connection.fetchrow(_APPROVE, ask_row(ask), proposal, TYPE_NUMBERS["Patient"], seal)
        return _purged(row)

    async def log_refused(self, ask: Ask, proposal: UUID) -> None:
        """An approval that was undone stands in the log all the same: no seal fits it."""
        await self._asked(ask, _APPROVE, proposal, TYPE_NUMBERS["Patient"], b"")

    async def withdraw(self, ask: Ask, proposal: UUID) -> None:
        """Take a proposal back. Raises Unknown."""
        if not (await self._asked(ask, _WITHDRAW, proposal))[0]:
            raise Unknown

    async def open_ones(self, ask: Ask) -> list[Proposal]:
        """What waits in the asker's organisation; nothing for who is no records custodian there."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OPEN, ask_row(ask))
        return [
            Proposal(
                row["id"], row["seal"], row["versions"], _named(row["types"], row["ids"]), row["ground"],
                row["case_number"], row["proposed_by"], row["expires_at"],
            )
            for row in rows
        ]  # fmt: skip

    async def _asked(self, ask: Ask, statement: str, *values: Any) -> Any:
        """One transaction, which stands whatever the answer is: a refusal is in the log."""
        async with self._sessions.begin(ask) as session:
            await prove(session.connection, Duty.STORE)
            return await session.connection.fetchrow(statement, ask_row(ask), *values)


def _named(types: Sequence[int], ids: Sequence[UUID]) -> tuple[NamedRow, ...]:
    return tuple(NamedRow(TYPE_NAMES[number], one) for number, one in zip(types, ids, strict=True))


def _purged(row: Any) -> Purged:
    _check(row["problem"])
    return Purged(row["row_count"], row["versions"], tuple(row["seen_by"]))


def _check(problem: str | None) -> None:
    if problem is not None:
        raise _PROBLEMS[problem](_SENTENCES.get(problem, ""))
