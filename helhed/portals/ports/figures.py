"""What the pages need of population figures."""

from collections.abc import Sequence
from typing import Protocol

from helhed.insight.figures import Release, Table, Wanted


class Figures(Protocol):
    """``insight``: what was released of everybody together."""

    async def releases(self) -> Sequence[Release]:
        """All of them, newest first."""
        ...

    async def table(self, wanted: Wanted) -> Table:
        """A table of one measure. BadRequest, or Unknown."""
        ...
