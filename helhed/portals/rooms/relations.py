"""Treatment relations for pages."""

from datetime import datetime

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.portals import ports
from helhed.trust.relation.declared import TreatmentRelations


class PortalRelations:
    """Treatment relations for pages."""

    def __init__(self, relations: TreatmentRelations, pool: Pool) -> None:
        self._relations = relations
        self._pool = pool

    async def held(self, ask: Ask, citizen: int) -> ports.Relation | None:
        """The strongest one now."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(
                "select * from trust.held_relation($1::fhir.ask, $2)", ask_row(ask), citizen
            )
        return None if row is None else ports.Relation(row["class"], row["valid_to"])

    async def may_declare(self, ask: Ask) -> bool:
        """Whether the role may."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval("select trust.may_declare($1::fhir.ask)", ask_row(ask)))

    async def declare(self, ask: Ask, citizen: int, reason: str) -> datetime:
        """Declares one; returns its deadline."""
        return await self._relations.declare(ask, citizen, reason)
