"""What pages need to show an image."""

from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.record.live.pictures import Image


class Images(Protocol):
    """``record``: images, fetched through the network."""

    async def of(self, ask: Ask, type_name: str, identifier: UUID | None, place: int) -> Image:
        """One image of a row. Unknown for what the ask may not see, NotShown when it does not come."""
        ...
