"""Who is close to a citizen, as the citizen says; read by staff on the bases of the record, and calling is written down."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven

_TYPE = TYPE_NUMBERS["RelatedPerson"]
#: what a relative may be told of
TOLD_OF = ("admission", "discharge", "death")
_PUT = "select trust.put_relative($1::fhir.ask, $2, $3, $4, $5, $6, $7::text[], $8)"


@dataclass(frozen=True, slots=True)
class Relative:
    """A contact card. It opens nothing for whom it names."""

    id: UUID
    name: str
    relation: str
    phone: str
    may_be_called: bool
    told_of: tuple[str, ...]
    note: str


class Relatives:
    """Contact cards of citizens."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def own(self, ask: Ask) -> list[Relative]:
        """The asking citizen's."""
        return await self._cards("select * from trust.own_relatives($1::fhir.ask)", ask)

    async def put(self, ask: Ask, card: Relative) -> None:
        """One more. Unprocessable without a name, or when there are too many."""
        told = [one for one in TOLD_OF if one in card.told_of]
        values = (
            uuid4(),
            card.name[:120],
            card.relation[:60],
            card.phone[:40],
            card.may_be_called,
            told,
            card.note[:300],
        )
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_PUT, ask_row(ask), *values):
                raise Unprocessable("A relative has a name, and there are twenty at most.")

    async def end(self, ask: Ask, relative: UUID) -> None:
        """It stands no longer. Unknown."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval("select trust.end_relative($1::fhir.ask, $2)", ask_row(ask), relative):
                raise Unknown

    async def of(self, ask: Ask, citizen: int) -> list[Relative]:
        """A patient's, for staff; nothing without a basis. A look, logged."""
        return await self._cards(
            "select * from trust.relatives_of($1::fhir.ask, $2, $3::smallint)", ask, citizen, _TYPE
        )

    async def called(self, ask: Ask, relative: UUID) -> None:
        """The asker has called them. Forbidden when the patient does not allow it, or without a basis; logged either way."""
        statement = "select trust.call_relative($1::fhir.ask, $2, $3::smallint)"
        async with lend(self._pool) as connection:
            if not await connection.fetchval(statement, ask_row(ask), relative, _TYPE):
                raise Forbidden("The patient has not allowed that this relative is called.")

    async def _cards(self, statement: str, ask: Ask, *values: Any) -> list[Relative]:
        async with lend(self._pool) as connection:
            rows = await connection.fetch(statement, ask_row(ask), *values)
        return [_card(row) for row in rows]


def _card(row: Any) -> Relative:
    return Relative(
        row["id"], row["name"], row["relation"], row["phone"], row["may_be_called"], tuple(row["told_of"]), row["note"]
    )
