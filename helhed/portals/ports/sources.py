"""What pages need of the registry of sources."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.registries.sources import Source


class SourceRegistry(Protocol):
    """``registries``: the sources of the network."""

    async def all(self) -> Sequence[Source]:
        """Every source, by name, with how it has answered."""
        ...

    async def switch(self, ask: Ask, source: UUID, *, on: bool) -> None:
        """Pause it, or go on. Unknown for who may not."""
        ...
