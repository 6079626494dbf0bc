"""What the pages of work need: queues, one piece, and moving it."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.registries.units.history import Found
from helhed.work.answering import Answer
from helhed.work.moving import Act
from helhed.work.queues import Piece, Told, Whole, Wish
from helhed.work.telling import StaffWays


class Work(Protocol):
    """``work``: whose move it is."""

    @property
    def staff_ways(self) -> StaffWays | None:
        """By which staff are told that work waits; None where no e-mail goes out."""
        ...

    async def page(self, ask: Ask, unit: int, wish: Wish) -> Sequence[Piece]:
        """A page of a unit's queue."""
        ...

    async def told(self, ask: Ask, unit: int) -> Sequence[Told]:
        """What was escalated to a unit, of nobody."""
        ...

    async def colleagues(self, ask: Ask, unit: int) -> Sequence[tuple[int, UUID, str]]:
        """Key, id and name of who works in a unit."""
        ...

    async def one(self, ask: Ask, task: UUID) -> Whole:
        """One piece. Unknown for what may not be seen."""
        ...

    async def make(self, ask: Ask, task: UUID, version: int, act: Act) -> None:
        """Moves it."""
        ...

    async def answer(self, ask: Ask, task: UUID, version: int, answer: Answer) -> None:
        """A citizen's answer. Unknown, NotYours, NotTaken, PreconditionFailed, Unprocessable."""
        ...

    async def of_citizen(self, ask: Ask, citizen: int) -> Sequence[Piece]:
        """A citizen's own."""
        ...

    async def units(self, ask: Ask, text: str) -> Sequence[Found]:
        """Units by name or SOR code, for handing on to."""
        ...
