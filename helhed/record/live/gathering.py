"""Asking every live source about one citizen, side by side, each no longer than its deadline.

The order is what keeps the promise: whom to ask is decided and logged in one statement; only then is anything sent; an answer becomes rows
with labels and an end; and what is shown is read back through the decision. Nothing that a source says goes around it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import logger
from helhed.foundation.metrics import SOURCE_ANSWERS
from helhed.record.live.asking import ask_about
from helhed.record.live.credentials import AccessTokens
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.keeping import LiveRows, LiveVersion, Planned
from helhed.record.live.rules import rules
from helhed.record.live.taking import Taken, Whose, identifiers_named, take
from helhed.record.live.talking import Exchanges, Talk
from helhed.record.manifest import Manifest, Said, Told
from helhed.registries.sources import Source, Sources, Terms, Way

Deadline = Callable[[float], AbstractAsyncContextManager[Any]]


@dataclass
class LiveSources:
    """Asks them. Every worker has one; how sources have answered they share through the database."""

    sources: Sources
    kept: LiveRows
    wire: Exchanges
    tokens: AccessTokens
    secret: bytes
    clock: Clock
    deadline: Deadline = asyncio.timeout
    _known: tuple[Source, ...] = ()
    _of_all: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(rules().at_once))
    _of_one: dict[UUID, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(rules().at_once_of_one))
    )

    @property
    def any_live(self) -> bool:
        """Whether there is one at all: without, no look costs a statement more."""
        return any(one.terms is not None for one in self._known)

    @property
    def known(self) -> tuple[Source, ...]:
        """All sources, live and not, as they were a moment ago."""
        return self._known

    @property
    def held(self) -> tuple[str, ...]:
        """Types that any live source holds."""
        return tuple(sorted({name for one in self._known if one.terms is not None for name in one.types}))

    async def look_again(self) -> None:
        """Which sources there are: they come and go while workers run."""
        self._known = tuple(await self.sources.all())

    async def ask_all(self, ask: Ask, citizen: int, types: Sequence[str]) -> Manifest:
        """Ask all that may be asked. Takes as long as the slowest, and no longer than its deadline."""
        told = [_delivering(one) for one in self._known if one.way is not Way.LIVE and one.active]
        if self.any_live:
            planned = await self.kept.plan(ask, citizen, types)
            told += await asyncio.gather(*(self._one(one, ask, citizen) for one in planned))
        return Manifest(tuple(sorted(told, key=lambda one: (one.said is Said.DELIVERS, one.name, one.source))))

    async def answered(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> list[LiveVersion]:
        """What the ask may see of what they answered."""
        return await self.kept.rows(ask, citizen, types, limit) if self.any_live else []

    async def _one(self, one: Planned, ask: Ask, citizen: int) -> Told:
        if one.state == "paused":
            return _told(one, Said.PAUSED, None)
        if one.state == "fresh":
            return _told(one, Said.ANSWERED, one.answered, one.dropped)
        fault = _fault(one.reason)
        if one.terms is not None:
            answer = await self._asked(one, one.terms, ask, citizen)
            if isinstance(answer, int):
                return _told(one, Said.ANSWERED, ask.at, answer if one.tells else 0)
            fault = answer
        said = Said.LAST_ANSWER if one.answered else Said.SILENT
        return _told(one, said, one.answered, one.dropped if one.answered else 0, fault)

    async def _asked(self, one: Planned, terms: Terms, ask: Ask, citizen: int) -> int | Fault:
        """The answer is kept, and so much of it could not be used; or why there is none. Whatever happens, no later than the deadline."""
        late = Fault.BUSY
        try:
            async with self.deadline(terms.deadline_ms / 1000), self._of_one[one.source], self._of_all:
                late = Fault.SILENT
                taken = {citizen: Taken(())} | await self._taken(one, terms, ask)
                late = Fault.OURS
                for key, part in taken.items():
                    await self.kept.put(one, key, ask.at, part)
        except TimeoutError:
            return await self._failed(one, late)
        except SourceFault as error:
            return await self._failed(one, error.fault)
        except (HelhedError, OSError) as error:  # the database: what is stored is read all the same, or says so itself
            logger("sources").warning("an answer was not kept", source=str(one.source), error=error)
            return await self._failed(one, Fault.OURS)
        await self._note(one, None)
        return sum(part.dropped for part in taken.values())

    async def talk(self, terms: Terms, ask: Ask) -> Talk:
        """What we say to a source for somebody, with a token. Raises SourceFault."""
        return Talk(self.wire, terms, await self.tokens.of(terms), str(ask.trace), partial(self.tokens.another, terms))

    async def _taken(self, one: Planned, terms: Terms, ask: Ask) -> dict[int, Taken]:
        """What the source has under each key of the citizen; nothing where nobody outside can know them, for want of a number."""
        taken = {person.citizen: Taken(()) for person in one.people}
        if not one.people:
            return taken
        for answered in await ask_about(await self.talk(terms, ask), one.people, one.types):
            who, *same = answered.people
            professionals = await self.kept.people(identifiers_named(answered))
            also = frozenset(other.patient for other in same if other.citizen != who.citizen)
            whose = Whose(one.source, terms.address, who.patient, self.secret, ask.at, professionals, also)
            found = await asyncio.to_thread(take, answered, one.types, whose)
            before = taken[who.citizen]
            taken[who.citizen] = Taken((*before.rows, *found.rows), before.dropped + found.dropped)
        return taken

    async def _failed(self, one: Planned, fault: Fault) -> Fault:
        if fault not in {Fault.BUSY, Fault.OURS}:
            await self._note(one, fault)
        SOURCE_ANSWERS.labels(fault.value).inc()
        return fault

    async def _note(self, one: Planned, fault: Fault | None) -> None:
        """How it answered, for all workers. That this cannot be written hinders nobody's look."""
        if fault is None:
            SOURCE_ANSWERS.labels("answered").inc()
        with suppress(HelhedError, OSError):
            rest = timedelta(seconds=rules().rest_seconds)
            await self.sources.note(one.source, self.clock(), fault and fault.value, rules().failures_before_rest, rest)


def _told(one: Planned, said: Said, at: datetime | None, dropped: int = 0, fault: Fault | None = None) -> Told:
    why = fault.value if fault else ""
    return Told(one.source, one.organisation, one.name, one.kind, said, at, one.withholds, dropped, why)


def _delivering(one: Source) -> Told:
    return Told(one.id, one.organisation, one.name, one.kind, Said.DELIVERS, one.last_received, one.withholds)


def _fault(word: str | None) -> Fault | None:
    return Fault(word) if word in set(Fault) else None
