"""Blocks of replacement CPR numbers for an organisation that may be cut off from the network.

Its system reserves a block while it is connected, gives numbers from it to people who come without one, and delivers their
Patients with those numbers when it is back. The database holds each number for the block's holder until the Patient comes, once;
what is unused is returned, or rests for long before another block has it. Sizes and days are data (``number_blocks.json``).
"""

import json
import math
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, HelhedError, Overloaded, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.registries.identifiers import normal_cpr, replacement_cpr

_RESERVE = "select * from registries.reserve_numbers($1::fhir.ask, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_RETURN = "select registries.return_numbers($1::fhir.ask, $2, $3, $4)"
_BLOCKS = "select * from registries.number_blocks($1::fhir.ask, $2, $3)"
_CLAIM = "select registries.claim_numbers($1::fhir.ask, $2)"
_PATIENT = TYPE_NUMBERS["Patient"]
_SLACKS = (1.2, 4.0)  #: candidates for each number wanted: some are taken
_SEXES = ("female", "male")
_PROBLEMS: dict[str, tuple[type[HelhedError], str]] = {
    "forbidden": (
        Forbidden,
        "An organisation's own system reserves numbers for it, or a keeper of the directory does.",
    ),
    "taken": (Conflict, "A block with this id is another organisation's."),
    "returned": (Conflict, "The block was returned: reserve another, under an id of its own."),
    "most": (
        Unprocessable,
        "The organisation would hold more unused numbers than it may. Return some, or ask for fewer.",
    ),
    "short": (Overloaded, "Not enough numbers were free."),
}


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """A block and how it is used."""

    id: UUID
    reserved_at: datetime
    issue_until: datetime
    deliver_until: datetime
    free_from: datetime
    returned_at: datetime | None
    given: int  #: numbers with a citizen
    unused: int


@dataclass(frozen=True, slots=True)
class BlockPolicy:
    """Sizes and days in force."""

    first_day: date
    last_day: date
    most_at_once: int
    most_unused: int
    most_unused_by_a_keeper: int
    usual_days: int
    most_days: int
    deliver_within_days: int
    rest_days: int


@cache
def block_policy() -> BlockPolicy:
    """The policy that this version of the network carries."""
    found = json.loads((resources.files("helhed.registries") / "number_blocks.json").read_text("utf-8"))
    values: dict[str, Any] = {name: found[name] for name in BlockPolicy.__slots__}
    return BlockPolicy(**values | {name: date.fromisoformat(found[name]) for name in ("first_day", "last_day")})


class NumberBlocks:
    """Reserves, returns and tells blocks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reserve(self, ask: Ask, block: UUID, holder: UUID, wanted: int, days: int | None = None) -> list[str]:
        """``wanted`` numbers for ``holder`` to give in the next ``days``; the same block asked for again is the same numbers.

        Raises BadRequest, Forbidden, Conflict, Unprocessable, Overloaded.
        """
        policy = block_policy()
        days = policy.usual_days if days is None else days
        if not 0 < wanted <= policy.most_at_once or not 0 < days <= policy.most_days:
            raise BadRequest(f"A block has 1 to {policy.most_at_once} numbers, for 1 to {policy.most_days} days.")
        problem = None
        for slack in _SLACKS:
            problem, numbers = await self._reserved(ask, block, holder, (wanted, days), slack)
            if problem != "short":
                break
        if problem is not None:
            kind, why = _PROBLEMS[problem]
            raise kind(why)
        return numbers

    async def _reserved(
        self, ask: Ask, block: UUID, holder: UUID, size: tuple[int, int], slack: float
    ) -> tuple[str | None, list[str]]:
        policy, (wanted, days) = block_policy(), size
        until = ask.at + timedelta(days=days)
        deliver = until + timedelta(days=policy.deliver_within_days)
        candidates = _candidates(math.ceil(wanted * slack) + 10)
        async with lend(self._pool) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                rows = await connection.fetch(
                    _RESERVE, ask_row(ask), block, key_of(holder), wanted, candidates, until, deliver,
                    deliver + timedelta(days=policy.rest_days), policy.most_unused, policy.most_unused_by_a_keeper, _PATIENT,
                )  # fmt: skip
            except BaseException:
                await transaction.rollback()
                raise
            problem: str | None = rows[0]["problem"] if rows else None
            await (transaction.rollback() if problem == "short" else transaction.commit())
        return problem, [] if problem else [row["number"] for row in rows]

    async def give_back(self, ask: Ask, block: UUID, numbers: list[str] | None = None) -> int:
        """How many unused numbers went back: all of the block, or the named ones. Raises Unknown."""
        named = None if numbers is None else [normal_cpr(one) for one in numbers]
        async with lend(self._pool) as connection:
            count: int | None = await connection.fetchval(_RETURN, ask_row(ask), block, named, _PATIENT)
        if count is None:
            raise Unknown("The asker holds no such block.")
        return count

    async def of(self, ask: Ask, holder: UUID) -> list[NumberBlock]:
        """The blocks of an organisation, oldest first; none for whoever may not ask."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_BLOCKS, ask_row(ask), key_of(holder), _PATIENT)
        return [NumberBlock(**dict(row)) for row in rows]


async def claim(connection: Connection, ask: Ask, numbers: list[str]) -> None:
    """Numbers that come with a Patient: those that the asker holds may be stored in this transaction."""
    await connection.execute(_CLAIM, ask_row(ask), numbers)


def _candidates(count: int) -> list[Any]:
    policy = block_policy()
    span = (policy.last_day - policy.first_day).days + 1
    return [
        replacement_cpr(policy.first_day + timedelta(days=secrets.randbelow(span)), _SEXES[one % len(_SEXES)])
        for one in range(count)
    ]
