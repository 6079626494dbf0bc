"""What the pages of emergency copies need. The shapes are those of ``trust``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.emergency.copies import Copied, CopyLine, Identity, Issued, Opened, OwnCopy, Told
from helhed.trust.emergency.entries import Claim, Entry

__all__ = ["Claim", "Copied", "CopyLine", "Emergency", "Entry", "Identity", "Issued", "Opened", "OwnCopy", "Told"]


class Emergency(Protocol):
    """``trust``: copies that may be opened without a network."""

    async def may(self, ask: Ask) -> bool:
        """Whether the asker may hold one."""
        ...

    async def patients(self, ask: Ask) -> Sequence[int]:
        """Whom the asker's unit treats now and the asker sees, the newest contact first: keys."""
        ...

    async def issue(self, ask: Ask, copy: UUID, seal_key: bytes, token_hash: bytes, copied: Sequence[Copied]) -> Issued:
        """A copy is out: logged before anything leaves. Forbidden, Unknown."""
        ...

    async def tell(
        self, copy: UUID, token: bytes, entries: Sequence[Entry], claim: Claim, now: datetime, *, unread: int = 0
    ) -> Told:
        """Takes in what a device tells. Unknown."""
        ...

    async def end(self, ask: Ask, copy: UUID) -> None:
        """Ends it, wherever the device is. Unknown."""
        ...

    async def all(self, ask: Ask) -> Sequence[CopyLine]:
        """The asker's own, and those of the organisation for whoever keeps its log."""
        ...

    async def own(self, ask: Ask) -> Sequence[OwnCopy]:
        """Every copy that the asking citizen was in."""
        ...
