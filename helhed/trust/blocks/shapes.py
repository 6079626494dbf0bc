"""Blocks (spærringer): the citizen's "no", which holds from the next request on; and consents, which lift one for somebody."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven


@dataclass(frozen=True, slots=True)
class Shape:
    """Who may not see what. Every part that is given must fit; with none given it is everybody and everything.

    Organisations count with the units beneath unless they are meant alone. Keys are those of ``foundation.ids``.
    """

    who_organisation: int | None = None
    who_professional: int | None = None
    who_alone: bool = False
    what_organisation: int | None = None
    what_alone: bool = False
    what_author: int | None = None  #: what this professional recorded
    what_from: datetime | None = None  #: what took place from then
    what_to: datetime | None = None  #: and before then
    what_document: UUID | None = None  #: this row and what it presents
    shown: bool = False  #: those whom it stops are told that it is there
    valid_from: datetime | None = None  #: None: from now on
    valid_to: datetime | None = None  #: None: until it is ended


@dataclass(frozen=True, slots=True)
class Block:
    """A block, in force or not."""

    id: UUID
    shape: Shape
    set_at: datetime
    ended_at: datetime | None = None  #: when the citizen ended it
    replaces: UUID | None = None  #: the block that it took the place of
    set_by_other: bool = False  #: by somebody who acted for the citizen
    ended_by_other: bool = False

    @property
    def who_organisation(self) -> int | None:
        """The organisation that may not see."""
        return self.shape.who_organisation

    @property
    def what_organisation(self) -> int | None:
        """The organisation whose rows may not be seen."""
        return self.shape.what_organisation

    def state(self, now: datetime) -> str:
        """``planned``, ``held`` or ``ended``."""
        if self.ended_at is not None or (self.shape.valid_to is not None and self.shape.valid_to <= now):
            return "ended"
        return "planned" if self.shape.valid_from is not None and now < self.shape.valid_from else "held"


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent, in force or not."""

    id: UUID
    professional: int | None
    organisation: int | None
    block: UUID | None  #: the block that it lifts; None: to read what is not blocked
    given_at: datetime
    until: datetime


_PARTS = tuple(Shape.__dataclass_fields__)
_PUT = "select trust.put_block($1::fhir.ask, $2, $3::jsonb, $4)"
_ENDLESS = (1, 9999)  #: the years by which the driver tells of no beginning and no end
_CONSENT = "select trust.give_consent($1::fhir.ask, $2, $3, $4, $5, $6)"


class Blocks:
    """The asking citizen's own blocks and consents."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, ask: Ask) -> list[Block]:
        """Blocks that hold now, oldest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.blocks_of($1::fhir.ask)", ask_row(ask))
        return [block_of(row) for row in rows]

    async def history(self, ask: Ask) -> list[Block]:
        """Every block that was ever set, the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.own_blocks($1::fhir.ask)", ask_row(ask))
        return [block_of(row) for row in rows]

    async def set(self, ask: Ask, who_organisation: int | None, what_organisation: int | None) -> UUID:
        """Set a block on an organisation; durable when this returns. Raises Unprocessable for organisations nobody knows."""
        return await self.put(ask, Shape(who_organisation=who_organisation, what_organisation=what_organisation))

    async def put(self, ask: Ask, shape: Shape, *, block: UUID | None = None, instead_of: UUID | None = None) -> UUID:
        """Set a block of any shape, in place of another one when that is named; durable when this returns.

        Given the same ``block`` twice, it is set once. Raises Unprocessable for what nobody knows, and for a block to
        replace that is no longer in force.
        """
        block = block or uuid4()
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_PUT, ask_row(ask), block, parts_of(shape), instead_of):
                raise Unprocessable("Choose an organisation, a professional or a document from the list, and a period that ends after it begins.")  # fmt: skip
        return block

    async def end(self, ask: Ask, block: UUID) -> None:
        """End one of the citizen's own blocks. Raises Unknown."""
        await self._end("select trust.end_block($1::fhir.ask, $2)", ask, block)

    async def consent(
        self,
        ask: Ask,
        until: datetime,
        *,
        professional: int | None = None,
        organisation: int | None = None,
        block: UUID | None = None,
        consent: UUID | None = None,
    ) -> UUID:
        """Let somebody named read what is not blocked, or what ``block`` hides. Raises Unprocessable.

        Given the same ``consent`` twice, it is given once.
        """
        consent = consent or uuid4()
        values = (consent, professional, organisation, block, until)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_CONSENT, ask_row(ask), *values):
                raise Unprocessable("Name a professional or an organisation, and an end that is still to come.")
        return consent

    async def consents(self, ask: Ask) -> list[Consent]:
        """Every consent that was ever given, the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.own_consents($1::fhir.ask)", ask_row(ask))
        return [Consent(*row) for row in rows]

    async def end_consent(self, ask: Ask, consent: UUID) -> None:
        """Withdraw a consent. Raises Unknown."""
        await self._end("select trust.end_consent($1::fhir.ask, $2)", ask, consent)

    async def are_shown(self, ask: Ask, citizen: int) -> bool:
        """Whether the asking professional may be told that something is blocked: the citizen chose it for each block."""
        async with lend(self._pool) as connection:
            return bool(
                await connection.fetchval("select trust.blocks_are_shown($1::fhir.ask, $2)", ask_row(ask), citizen)
            )

    async def _end(self, statement: str, ask: Ask, which: Any) -> None:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(statement, ask_row(ask), which):
                raise Unknown


def parts_of(shape: Shape) -> str:
    """A shape as the database takes it in: what is not given is left out."""
    return orjson.dumps({name: value for name, value in asdict(shape).items() if value is not None}).decode()


def block_of(row: Any) -> Block:
    """A row of ``trust.block``."""
    parts = {part: row[part] for part in _PARTS}
    parts |= {name: _moment(row[name]) for name in ("valid_from", "valid_to")}
    own = row["citizen"]
    return Block(
        row["id"], Shape(**parts), row["set_at"], row["ended_at"], row["replaces"],
        row["set_by"] != own, row["ended_by"] not in (own, None),
    )  # fmt: skip


def _moment(moment: datetime) -> datetime | None:
    """None for what has no beginning or no end."""
    return None if moment.year in _ENDLESS else moment
