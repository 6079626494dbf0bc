"""The pages of work, on the store and the register of units."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.registries.units.history import Found, UnitHistory
from helhed.registries.units.planning import danish_day
from helhed.trust.log.channels import Email
from helhed.work.answering import Answer, Answers
from helhed.work.moving import Act, Moves
from helhed.work.queues import Piece, Queues, Told, Whole, Wish
from helhed.work.telling import StaffWays

_MOST_UNITS = 12


class PortalWork:
    """Whose move it is, for pages."""

    def __init__(self, store: Store, email: Email | None = None) -> None:
        self.staff_ways = StaffWays(store.pool, email) if email else None
        self._queues, self._moves, self._answers = Queues(store.pool), Moves(store), Answers(store)
        self._units = UnitHistory(store.pool)

    async def page(self, ask: Ask, unit: int, wish: Wish) -> Sequence[Piece]:
        """A page of a unit's queue."""
        return await self._queues.page(ask, unit, wish)

    async def told(self, ask: Ask, unit: int) -> Sequence[Told]:
        """What was escalated to it."""
        return await self._queues.told(ask, unit)

    async def colleagues(self, ask: Ask, unit: int) -> Sequence[tuple[int, UUID, str]]:
        """Who works there."""
        return await self._queues.colleagues(ask, unit)

    async def one(self, ask: Ask, task: UUID) -> Whole:
        """One piece."""
        return await self._queues.one(ask, task)

    async def make(self, ask: Ask, task: UUID, version: int, act: Act) -> None:
        """Moves it. A session writes nothing but this."""
        await self._moves.make(replace(ask, write_types=frozenset({"Task"})), task, version, act)

    async def answer(self, ask: Ask, task: UUID, version: int, answer: Answer) -> None:
        """A citizen's own answer. A session writes nothing but this."""
        await self._answers.answer(replace(ask, write_types=frozenset({"Task"})), task, version, answer)

    async def of_citizen(self, ask: Ask, citizen: int) -> Sequence[Piece]:
        """A citizen's own."""
        return await self._queues.of_citizen(ask, citizen)

    async def units(self, ask: Ask, text: str) -> Sequence[Found]:
        """Units by name or SOR code, as they are today."""
        return await self._units.find(text, danish_day(ask.at), _MOST_UNITS)
