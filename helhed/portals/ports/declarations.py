"""Declared relations and what they rest on, as the pages know them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.relation.declarations import Declaration, HeldBasis


class Declarations(Protocol):
    """``trust``: declarations of class D, and the bases behind a look."""

    async def open(self, ask: Ask) -> Sequence[Declaration]:
        """The asker's own, and the organisation's for whoever answers for its records."""
        ...

    async def explain(self, ask: Ask, declaration: UUID, text: str, *, admits: bool) -> None:
        """Says once why nothing confirmed it. Unknown."""
        ...

    async def bases(self, ask: Ask, citizen: int) -> Sequence[HeldBasis]:
        """What the asker has to do with a citizen now."""
        ...
