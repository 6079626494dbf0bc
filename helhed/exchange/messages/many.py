"""Messages that wait at the same time are taken together: one transaction, one commit, as many statements as one message takes.

Only what is new, and is taken as it stands, goes along. Whatever has to be told otherwise (it was here before, it goes on about a row that
is known, it cannot be taken) goes on alone afterwards, and so does every message of a transaction that failed: a bad one costs its
neighbours a second try and nothing else. Nobody is answered before the commit (docs/decisions/0005-micro-batches.md).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from helhed.exchange.messages.acknowledging import OK
from helhed.exchange.messages.envelope import Message
from helhed.exchange.messages.judging import Judged, Taken, check, judge, outcome
from helhed.exchange.messages.keeping import begin_many, keep
from helhed.exchange.messages.sharing import keys_of
from helhed.fhir.store import Store
from helhed.foundation.aside import LARGE
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.batcher import Batcher
from helhed.foundation.errors import HelhedError, Overloaded
from helhed.foundation.lanes import DatabaseAway
from helhed.foundation.logging import logger

_LANES = 2  #: while the database works on some, others are read and compared
_TOGETHER = 32
_ALONE = (
    4  #: with the lanes no more than there are connections (HELHED_WRITE_CONNECTIONS): who waits for one gives up soon
)
_MOST_WAITING = 512


class _Waiting(NamedTuple):
    """A message that somebody handed in."""

    ask: Ask
    message: Message
    raw: bytes
    keys: Sequence[str]

    @property
    def names(self) -> set[tuple[Any, ...]]:
        """What no two messages of one transaction share."""
        sender = self.message.sender
        rows = {("row", self.ask.organisation, key) for key in self.keys}
        return {("header", sender, self.message.header), ("envelope", sender, self.message.envelope), *rows}


class Turns:
    """Messages that are taken alone take turns within a worker, before they take a connection: a few at a time, and one about the same row."""

    def __init__(self) -> None:
        self._few = asyncio.Semaphore(_ALONE)
        self._waiting = 0
        self._locks: WeakValueDictionary[tuple[int | None, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, ask: Ask, message: Message) -> AsyncIterator[None]:
        """The turn of a message, when those before it are done. Raises Overloaded at once where too many wait."""
        if self._waiting >= _MOST_WAITING:
            raise Overloaded
        names = sorted({message.header, *keys_of(message)})
        locks = [self._locks.setdefault((ask.organisation, name), asyncio.Lock()) for name in names]
        async with AsyncExitStack() as held:
            self._waiting += 1
            try:
                for turn in (*locks, self._few):  # all in one order
                    await held.enter_async_context(turn)
            finally:
                self._waiting -= 1
            yield


class Many:
    """Takes new messages of systems together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._batcher: Batcher[_Waiting, Taken | None] = Batcher(
            self._run, lanes=_LANES, batch_size=_TOGETHER, queue_limit=_MOST_WAITING
        )

    async def take(self, ask: Ask, message: Message, raw: bytes) -> Taken | None:
        """None, and nothing is done, where it has to be taken alone. Raises Overloaded, and DatabaseAway, as nobody knows then what was done."""
        if ask.kind is not ActorKind.SYSTEM or len(raw) >= LARGE:
            return None
        return await self._batcher.submit(_Waiting(ask, message, raw, keys_of(message)))

    async def _run(self, waiting: Sequence[_Waiting]) -> Sequence[Taken | Exception | None]:
        try:
            return await self._all(waiting)
        except DatabaseAway:
            raise
        except HelhedError:
            return [None] * len(waiting)
        except Exception as error:  # whichever message it was answers for it alone
            logger("exchange").error("messages were not taken together", messages=len(waiting), error=error)
            return [None] * len(waiting)

    async def _all(self, waiting: Sequence[_Waiting]) -> list[Taken | Exception | None]:
        places = _strangers(waiting)
        answers: list[Taken | Exception | None] = [None] * len(waiting)
        async with self._store.together() as together:
            asked = [(one.ask, one.message, one.keys) for one in (waiting[place] for place in places)]
            fit: list[tuple[int, Judged]] = []
            for place, known in zip(places, await begin_many(together.connection, asked), strict=True):
                if (judged := self._judged(waiting[place], known)) is not None:
                    fit.append((place, judged))
                await asyncio.sleep(0)  # small requests come in between
            if not fit:
                return answers
            written = await together.create([(waiting[place].ask, judged.share.changes) for place, judged in fit])
            kept = []
            for (place, judged), rows in zip(fit, written, strict=True):
                one = waiting[place]
                kept.append(outcome(one.ask, one.message, one.raw, judged, rows))
                await asyncio.sleep(0)
            await keep(together.connection, kept, proven=True)
        for (place, _), one_kept in zip(fit, kept, strict=True):
            answers[place] = Taken(one_kept.kept.id, OK, one_kept.kept.ack)
        return answers

    def _judged(self, one: _Waiting, known: Any) -> Judged | None:
        """None for what is taken, or refused, alone."""
        if known is None or known["message"] or known["envelope_message"] or known["known"]:
            return None
        try:
            judged = judge(self._store.knowledge, one.ask, one.message, known)
            check(judged.share)
        except HelhedError:
            return None
        return judged if judged.share.changes else None


def _strangers(waiting: Sequence[_Waiting]) -> list[int]:
    """The places of those that share no name with one before them."""
    taken: set[tuple[Any, ...]] = set()
    places = []
    for place, one in enumerate(waiting):
        if taken.isdisjoint(one.names):
            places.append(place)
            taken |= one.names
    return places
