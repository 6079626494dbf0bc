"""Blocks (spærringer): the citizen's "no", which holds from the next request on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.lend import lend


@dataclass(frozen=True, slots=True)
class Block:
    """Who may not see what. None is everybody, or everything; an organisation counts with its sub-units."""

    id: UUID
    who_organisation: int | None
    what_organisation: int | None
    set_at: datetime


class Blocks:
    """The asking citizen's own blocks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, ask: Ask) -> list[Block]:
        """Blocks that hold now, oldest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.blocks_of($1::fhir.ask)", ask_row(ask))
        return [Block(row["id"], row["who_organisation"], row["what_organisation"], row["set_at"]) for row in rows]

    async def set(self, ask: Ask, who_organisation: int | None, what_organisation: int | None) -> UUID:
        """Set a block; durable when this returns. Raises Unprocessable for organisations nobody knows."""
        block = uuid4()
        statement = "select trust.set_block($1::fhir.ask, $2, $3, $4)"
        async with lend(self._pool) as connection:
            if not await connection.fetchval(statement, ask_row(ask), block, who_organisation, what_organisation):
                raise Unprocessable("Choose an organisation from the list.")
        return block

    async def end(self, ask: Ask, block: UUID) -> None:
        """End one of the citizen's own blocks. Raises Unknown."""
        async with lend(self._pool) as connection:
            if not await connection.fetchval("select trust.end_block($1::fhir.ask, $2)", ask_row(ask), block):
                raise Unknown
