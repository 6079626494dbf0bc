"""Who acts for whom, for pages."""

from typing import Any
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.portals import ports
from helhed.trust.acting.mandates import Mandates, Offer


class PortalMandates:
    """Mandates and other bases by which one citizen acts for another."""

    def __init__(self, mandates: Mandates) -> None:
        self._mandates = mandates

    async def acts_for(self, ask: Ask) -> list[ports.ActsFor]:
        """Whom the asker acts for now."""
        return [
            ports.ActsFor(
                one.citizen, one.patient, one.name, one.number, one.replacement, one.birth_date, one.sex, one.alive,
                one.basis, one.scopes, one.until,
            )
            for one in await self._mandates.acts_for(ask)
        ]  # fmt: skip

    async def all(self, ask: Ask) -> list[ports.Acting]:
        """In force, over and offered."""
        return [
            ports.Acting(
                one.id, one.for_me, one.other_name, one.basis, one.scopes, one.obeys_blocks, one.ground, one.since,
                one.until, one.given_at, one.given_by_name, one.ended_at, one.ended_by_me, one.state,
            )
            for one in await self._mandates.all(ask)
        ]  # fmt: skip

    async def offer(self, ask: Ask, offer: ports.MandateOffer) -> str:
        """``offered``, or why not."""
        wanted = Offer(offer.number, offer.name, offer.scopes, offer.obeys_blocks, offer.since, offer.until)
        return await self._mandates.offer(ask, wanted)

    async def answer(self, ask: Ask, offer: UUID, *, yes: bool) -> None:
        """Yes or no."""
        await self._mandates.answer(ask, offer, yes=yes)

    async def withdraw(self, ask: Ask, offer: UUID) -> None:
        """Takes it back."""
        await self._mandates.withdraw(ask, offer)

    async def blocks_for(self, ask: Ask, citizen: int) -> list[dict[str, Any]]:
        """Blocks of whom one acts for."""
        return await self._mandates.blocks_for(ask, citizen)

    async def set_block_for(self, ask: Ask, citizen: int, who: int | None) -> None:
        """One more."""
        await self._mandates.set_block_for(ask, citizen, who)

    async def end_block_for(self, ask: Ask, citizen: int, block: UUID) -> None:
        """One ends."""
        await self._mandates.end_block_for(ask, citizen, block)

    async def end(self, ask: Ask, acting: UUID) -> None:
        """Over for the next request."""
        await self._mandates.end(ask, acting)
