"""Mandates as citizens give, accept and end them, and whom a citizen acts for right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing import normalise
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.acting.policy import acting_policy
from helhed.trust.moments import aware

_PATIENT = TYPE_NUMBERS["Patient"]
_OFFER = "select trust.offer_mandate($1::fhir.ask, $2, $3, $4::text[], $5::text[], $6::smallint[], $7, $8, $9, $10, $11, $12)"


@dataclass(frozen=True, slots=True)
class ActsFor:
    """A citizen whom the asker acts for now, by one basis."""

    id: UUID
    citizen: int
    patient: UUID
    name: str
    number: str
    replacement: bool
    birth_date: date | None
    sex: str
    alive: bool
    basis: int
    scopes: tuple[str, ...]  #: the words of a mandate; () for every other basis
    types: frozenset[int] | None  #: numbers of types; None is every type
    until: datetime


@dataclass(frozen=True, slots=True)
class Acting:
    """One who acts for another, was to, or did: told to either of the two."""

    id: UUID
    for_me: bool  #: the other acts for the asker; else the asker for the other
    other: int
    other_name: str
    basis: int
    scopes: tuple[str, ...]
    obeys_blocks: bool
    ground: str
    since: datetime
    until: datetime
    given_at: datetime | None
    given_by_name: str | None  #: of the professional or the organisation that registered it
    ended_at: datetime | None
    ended_by_me: bool
    state: str  #: holds, coming, ended, offered, unanswered, declined, withdrawn


@dataclass(frozen=True, slots=True)
class Offer:
    """What a mandate is to say."""

    number: str  #: CPR number without hyphen
    name: str
    scopes: Sequence[str]
    obeys_blocks: bool
    since: datetime
    until: datetime


class Mandates:
    """A citizen's mandates, given and received."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def acts_for(self, ask: Ask) -> list[ActsFor]:
        """Whom the asker acts for now, decided anew at each call."""
        return [_acts_for(row) for row in await self._rows("select * from trust.acts_for($1::fhir.ask)", ask)]

    async def all(self, ask: Ask) -> list[Acting]:
        """Everything between the asker and others: open offers first, then what holds, then what is over."""
        return [_acting(row) for row in await self._rows("select * from trust.own_acting($1::fhir.ask)", ask)]

    async def offer(self, ask: Ask, offer: Offer) -> str:
        """Offers a mandate; answers ``offered``, or in a word why not. Unprocessable for what the policy does not know."""
        policy = acting_policy()
        if not offer.scopes or offer.until > ask.at + policy.mandate_at_most:
            raise Unprocessable("A mandate is for parts of the record, and not for ever.")
        values = (
            uuid4(), offer.number, normalise(offer.name).split(), list(offer.scopes), policy.types_of(offer.scopes),
            offer.obeys_blocks, offer.since, offer.until, ask.at + policy.offer_open, policy.giver_from_age, policy.actor_from_age,
        )  # fmt: skip
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return str(await connection.fetchval(_OFFER, ask_row(ask), *values))

    async def answer(self, ask: Ask, offer: UUID, *, yes: bool) -> None:
        """Says yes or no to what was offered. Unknown when there is no such offer to the asker, or no longer."""
        await self._must("select trust.answer_mandate($1::fhir.ask, $2, $3)", ask, offer, yes)

    async def withdraw(self, ask: Ask, offer: UUID) -> None:
        """Takes an offer back that nobody has answered. Unknown."""
        await self._must("select trust.withdraw_mandate($1::fhir.ask, $2)", ask, offer)

    async def end(self, ask: Ask, acting: UUID) -> None:
        """Ended by the giver, or given back by the one who acts: over for the next request. Unknown."""
        await self._must("select trust.end_acting($1::fhir.ask, $2, $3::smallint)", ask, acting, _PATIENT)

    async def blocks_for(self, ask: Ask, citizen: int) -> list[dict[str, Any]]:
        """The blocks in force of whom the asker acts for, where that lets the asker set them; else none."""
        rows = await self._rows(
            "select * from trust.blocks_for($1::fhir.ask, $2, $3::smallint[])", ask, citizen, _may_block()
        )
        return [dict(row) for row in rows]

    async def set_block_for(self, ask: Ask, citizen: int, who: int | None) -> None:
        """A block on everything, for an organisation or for everybody. Unknown for who may not, or for no such place."""
        statement = "select trust.set_block_for($1::fhir.ask, $2, $3::smallint[], $4, $5)"
        await self._must(statement, ask, citizen, _may_block(), uuid4(), who)

    async def end_block_for(self, ask: Ask, citizen: int, block: UUID) -> None:
        """It ends. Unknown."""
        await self._must(
            "select trust.end_block_for($1::fhir.ask, $2, $3::smallint[], $4)", ask, citizen, _may_block(), block
        )

    async def _rows(self, statement: str, ask: Ask, *values: Any) -> list[Any]:
        async with lend(self._pool) as connection:
            return list(await connection.fetch(statement, ask_row(ask), *values))

    async def _must(self, statement: str, ask: Ask, *values: Any) -> None:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(statement, ask_row(ask), *values):
                raise Unknown


def _may_block() -> list[int]:
    return sorted(acting_policy().may_block)


def _acts_for(row: Any) -> ActsFor:
    return ActsFor(
        row["id"], row["citizen"], row["patient"], row["name"], row["cpr"] or "", row["replacement"],
        row["birth_date"], row["sex"], not row["deceased"], row["basis"], tuple(row["scopes"] or ()),
        None if row["types"] is None else frozenset(row["types"]), aware(row["until"]),
    )  # fmt: skip


def _acting(row: Any) -> Acting:
    return Acting(
        row["id"], row["for_me"], row["other"], row["other_name"] or "", row["basis"], tuple(row["scopes"] or ()),
        row["obeys_blocks"], row["ground"], aware(row["since"]), aware(row["until"]), row["given_at"], row["given_by_name"],
        row["ended_at"], bool(row["ended_by_me"]), row["state"],
    )  # fmt: skip
