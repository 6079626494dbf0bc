"""The broken glass for pages."""

from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.trust.blocks.shapes import Blocks
from helhed.trust.glass.tickets import Tickets


class PortalGlass(Tickets):
    """Tickets, and whether the citizen lets it be known that something is blocked."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._blocks = Blocks(pool)

    async def break_it(self, ask: Ask, citizen: int, reason: str, added: str, ticket: UUID) -> None:
        """Opens the record for an hour."""
        await self.break_glass(ask, citizen, reason, added, ticket=ticket)

    async def blocks_shown(self, ask: Ask, citizen: int) -> bool:
        """Whether the citizen chose it."""
        return await self._blocks.are_shown(ask, citizen)
