"""Who acts for whom, as the pages know it. The shapes are those of ``trust``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.acting.mandates import Acting, ActsFor, Offer


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the citizen's pages are about."""

    citizen: int
    name: str
    acts: tuple[ActsFor, ...] = ()  #: by what the visitor acts for somebody else; () for oneself

    @property
    def own(self) -> bool:
        """Whether it is the visitor's own record."""
        return not self.acts


class Mandates(Protocol):
    """``trust``: whom the asking citizen acts for, and who acts for them."""

    async def acts_for(self, ask: Ask) -> Sequence[ActsFor]:
        """Whom the asker acts for now."""
        ...

    async def all(self, ask: Ask) -> Sequence[Acting]:
        """In force, over and offered, in both directions."""
        ...

    async def offer(self, ask: Ask, offer: Offer) -> str:
        """``offered``, or in a word why not."""
        ...

    async def answer(self, ask: Ask, offer: UUID, *, yes: bool) -> None:
        """Yes or no to what was offered. Unknown."""
        ...

    async def withdraw(self, ask: Ask, offer: UUID) -> None:
        """Takes back what nobody has answered. Unknown."""
        ...

    async def blocks_for(self, ask: Ask, citizen: int) -> Sequence[dict[str, Any]]:
        """The blocks in force of whom the asker acts for, where that lets the asker set them."""
        ...

    async def set_block_for(self, ask: Ask, citizen: int, who: int | None) -> None:
        """A block on everything for an organisation, or for everybody. Unknown."""
        ...

    async def end_block_for(self, ask: Ask, citizen: int, block: UUID) -> None:
        """It ends. Unknown."""
        ...

    async def end(self, ask: Ask, acting: UUID) -> None:
        """Revoked by the giver, or given back. Unknown."""
        ...
