"""What the pages of the broken glass need."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.glass.tickets import Opening, OwnTicket, Waiting

__all__ = ["Glass", "Opening", "OwnTicket", "Waiting"]


class Glass(Protocol):
    """``trust``: tickets, their end and their review."""

    async def may(self, ask: Ask) -> bool:
        """Whether the asker may break the glass at all."""
        ...

    async def held(self, ask: Ask, citizen: int) -> Opening | None:
        """What opens the record for the asker now beside a relation."""
        ...

    async def blocks_shown(self, ask: Ask, citizen: int) -> bool:
        """Whether the asker may be told that something is blocked: the citizen chose it."""
        ...

    async def break_it(self, ask: Ask, citizen: int, reason: str, added: str, ticket: UUID) -> None:
        """Opens the record for an hour. Forbidden for whom the law does not let; the attempt is logged."""
        ...

    async def end(self, ask: Ask, ticket: UUID) -> None:
        """Closes one's own before its hour. Unknown."""
        ...

    async def may_review(self, ask: Ask) -> bool:
        """Whether reviewing is the asker's business."""
        ...

    async def waiting(self, ask: Ask) -> Sequence[Waiting]:
        """What waits for the asker's review, the most urgent first."""
        ...

    async def review(self, ask: Ask, ticket: UUID, *, justified: bool, words: str) -> None:
        """Says whether it was justified. Unprocessable when it is not the asker's to say, or has been said."""
        ...

    async def own(self, ask: Ask) -> Sequence[OwnTicket]:
        """Every time it was broken for the asking citizen."""
        ...
