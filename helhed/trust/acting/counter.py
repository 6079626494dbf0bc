"""What was registered at the counter and widens access: it waits until a second person of staff has seen a document, or the citizen
confirms it. Who may be the second, and what both are told, is decided in the database.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.acting.policy import acting_policy

_WAITING = "select * from trust.counter_acts($1::fhir.ask)"
_OWN = "select * from trust.own_counter_acts($1::fhir.ask)"
_CONFIRM = "select trust.confirm_counter_act($1::fhir.ask, $2, $3, $4, $5, $6)"
_ANSWER = "select trust.answer_counter_act($1::fhir.ask, $2, $3, $4, $5)"
_WITHDRAW = "select trust.withdraw_counter_act($1::fhir.ask, $2)"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that waits at the asker's place."""

    id: UUID
    help: UUID
    citizen_name: str
    act: str  #: mandate, end-block
    said: dict[str, Any]  #: ``who``; of a mandate also ``until`` and ``scopes``
    clerk_name: str
    own: bool  #: the asker registered it, and is not the second person
    asked_at: datetime
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class OwnAct:
    """An act in the asking citizen's name: what waits, and what became of the rest."""

    id: UUID
    act: str
    said: dict[str, Any]
    clerk_name: str | None  #: None where the place withholds names
    organisation_name: str
    second_name: str | None
    asked_at: datetime
    lapses_at: datetime
    state: str  #: waits, confirmed, contested, withdrawn, lapsed
    settled_at: datetime | None


class Counter:
    """Acts at the counter that wait for a second person, or for the citizen."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def waiting(self, ask: Ask) -> list[Waiting]:
        """Those of the asker's place; nothing for other roles. Each citizen who is named has a row in the log."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_WAITING, ask_row(ask))
        return [
            Waiting(row["id"], row["help"], row["citizen_name"], row["act"], orjson.loads(row["said"]), row["clerk_name"] or "", row["own"],
                    row["asked_at"], row["lapses_at"]) for row in rows
        ]  # fmt: skip

    async def confirm(self, ask: Ask, act: UUID, document: str) -> str:
        """As the second person, who saw ``document``; ``done``, or in a word why not. Unknown where there is no such act."""
        policy = acting_policy()
        return await self._said(_CONFIRM, ask, act, document, policy.giver_from_age, policy.actor_from_age, uuid4())

    async def withdraw(self, ask: Ask, act: UUID) -> None:
        """Taken back at the place. Unknown."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_WITHDRAW, ask_row(ask), act):
                raise Unknown

    async def own(self, ask: Ask) -> list[OwnAct]:
        """Acts in the asking citizen's name, the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask))
        return [
            OwnAct(row["id"], row["act"], orjson.loads(row["said"]), row["clerk_name"], row["organisation_name"] or "", row["second_name"],
                   row["asked_at"], row["lapses_at"], row["state"], row["settled_at"]) for row in rows
        ]  # fmt: skip

    async def answer(self, ask: Ask, act: UUID, *, yes: bool) -> str:
        """By the citizen; ``done``, or in a word why not. Unknown for what does not wait for the asker."""
        policy = acting_policy()
        return await self._said(_ANSWER, ask, act, yes, policy.giver_from_age, policy.actor_from_age)

    async def _said(self, statement: str, ask: Ask, *values: Any) -> str:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            said = str(await connection.fetchval(statement, ask_row(ask), *values))
        if said == "missing":
            raise Unknown
        return said
