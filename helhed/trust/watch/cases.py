"""Cases as a security officer works on them. Every question is asked of the database as the officer, who decides and logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Conflict, HelhedError, Unknown
from helhed.foundation.lend import lend
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.trust.watch.policy import CLOSED, watch_policy

_STANDING = "select trust.watch_standing($1::fhir.ask)"
_CASES = "select *, signals::text as told from trust.watch_cases($1::fhir.ask, $2, $3)"
_OPEN = "select trust.watch_open($1::fhir.ask, $2, $3)::text"
_UNSHIELD = "select trust.watch_unshield($1::fhir.ask, $2, $3, $4)"
_MOVE = "select trust.watch_move_case($1::fhir.ask, $2, $3, $4, $5, $6, $7)"
_REGISTER = "select trust.watch_register($1::fhir.ask, $2, $3)"
_REGISTER_NUMBER = "select trust.watch_register_number($1::fhir.ask, $2, $3, $4)"
_REGISTERED = "select * from trust.watch_registered($1::fhir.ask)"
_MOST_CASES, _MOST_LOOKS = 500, 200


class NoteMissing(HelhedError):
    """Write why: whoever reads the case later must understand it."""

    code = "required"


class SameHand(HelhedError):
    """Somebody else closes a case than whoever worked on it last."""

    code = "business-rule"


@dataclass(frozen=True, slots=True)
class Reason:
    """A signal in a case."""

    signal: str
    points: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the list. Times are aware; ``actor_name`` is None where the case is about no person."""

    id: UUID
    number: int
    kind: str
    actor_name: str | None
    role: str | None
    what: str
    organisation_name: str | None
    score: int
    state: str
    owner: int | None
    owner_name: str | None
    due_at: datetime
    first_seen: datetime
    last_seen: datetime
    opened_at: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What stands in a case: its changes and the looks behind it, without content and with citizens as marks."""

    moves: Sequence[Mapping[str, Any]]
    looks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A citizen at whom others are known to be curious."""

    citizen: int
    name: str
    reason: str
    put_by: str | None
    put_at: datetime


class Cases:
    """Reads and changes cases for the officer who asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def standing(self, ask: Ask) -> int:
        """2 for the whole network, 1 for the own organisation, 0 for whoever is no security officer at work."""
        async with lend(self._pool) as connection:
            return int(await connection.fetchval(_STANDING, ask_row(ask)))

    async def those_in(self, ask: Ask, states: Sequence[str]) -> list[Case]:
        """Those in these states that the asker may see, the heaviest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_CASES, ask_row(ask), list(states), _MOST_CASES)
        return [_case(row) for row in rows]

    async def open(self, ask: Ask, case: UUID) -> tuple[Case, Opened]:
        """One case. Raises Unknown for one that is not there, or not the asker's to see."""
        async with lend(self._pool) as connection:
            told = await connection.fetchval(_OPEN, ask_row(ask), case, _MOST_LOOKS)
            if told is None:
                raise Unknown
            rows = await connection.fetch(_CASES, ask_row(ask), list(watch_policy().states), _MOST_CASES)
        found = next((_case(row) for row in rows if row["id"] == case), None)
        if found is None:
            raise Unknown
        content = orjson.loads(told)
        return found, Opened(content["moves"], content["looks"])

    async def unshield(self, ask: Ask, case: UUID, mark: str, reason: str) -> None:
        """Show who one of a case's citizens is; it stands in the citizen's log. Raises NoteMissing, Unknown."""
        if not reason.strip():
            raise NoteMissing
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_UNSHIELD, ask_row(ask), case, mark, reason):
                raise Unknown

    async def take(self, ask: Ask, case: UUID) -> None:
        """Become the owner. Raises Unknown, Conflict."""
        states = [name for name, state in watch_policy().states.items() if "assigned" in state.following]
        await self._move(ask, case, states, "assigned", "", take=True)

    async def move(self, ask: Ask, case: UUID, state: str, note: str) -> None:
        """Another state, with a note. Raises Unknown, Conflict, NoteMissing, SameHand."""
        states = [name for name, known in watch_policy().states.items() if state in known.following]
        await self._move(ask, case, states, state, note, take=False)

    async def _move(self, ask: Ask, case: UUID, before: Sequence[str], state: str, note: str, *, take: bool) -> None:
        known = watch_policy().states.get(state)
        if known is None:
            raise Unknown
        due = ask.at + known.deadline if known.deadline else None
        async with lend(self._pool) as connection:
            problem = await connection.fetchval(_MOVE, ask_row(ask), case, list(before), state, take, note, due)
        if problem is not None:
            raise _PROBLEMS[problem]

    async def register(self, ask: Ask, citizen: int, reason: str) -> None:
        """Put a citizen on the list of those others are curious about; no reason takes them off. Raises Unknown."""
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_REGISTER, ask_row(ask), citizen, reason):
                raise Unknown

    async def register_number(self, ask: Ask, number: str, reason: str) -> None:
        """The same by CPR number. Raises NoteMissing, Unknown."""
        if not reason.strip():
            raise NoteMissing
        async with lend(self._pool) as connection:
            if not await connection.fetchval(
                _REGISTER_NUMBER, ask_row(ask), [CPR, REPLACEMENT_CPR], normal_cpr(number), reason
            ):
                raise Unknown

    async def registered(self, ask: Ask) -> list[Registered]:
        """The list; empty for whoever may not see it."""
        async with lend(self._pool) as connection:
            return [Registered(*row) for row in await connection.fetch(_REGISTERED, ask_row(ask))]


_PROBLEMS: Mapping[str, type[HelhedError]] = {
    "missing": Unknown, "changed": Conflict, "note": NoteMissing, "same-hand": SameHand,
}  # fmt: skip
OPEN_STATES = tuple(name for name in watch_policy().states if name != CLOSED)


def overdue(case: Case, now: datetime) -> timedelta | None:
    """By how much a case is late; None when it is not."""
    return now - case.due_at if case.state != CLOSED and now > case.due_at else None


def _case(row: Any) -> Case:
    reasons = tuple(Reason(one["signal"], one["points"], one["figures"]) for one in orjson.loads(row["told"] or "[]"))
    told = {name: row[name] for name in Case.__slots__ if name != "reasons"}
    return Case(**told, reasons=reasons)
