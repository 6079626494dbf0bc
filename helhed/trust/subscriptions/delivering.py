"""The work of telling: handshakes, notifications and heartbeats, each attempt decided anew.

The order is what keeps the promise. Whether there is anything to tell is asked first, so that nothing is opened for what may not be
seen; then the connection is made; only then is it decided what is told, numbered and logged, in one transaction; then the bytes leave.
Whoever dies in between leaves events that were numbered and not taken: the next attempt sends them again, as far as they may be
seen then.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError
from helhed.foundation.guarded import Connection, Guard, NotFetched, Reach
from helhed.foundation.logging import logger
from helhed.foundation.metrics import NOTIFICATIONS
from helhed.foundation.seal import Seal, SealBroken
from helhed.trust.subscriptions.criteria import Criteria
from helhed.trust.subscriptions.notices import Event, Status, notification
from helhed.trust.subscriptions.reading import Terms
from helhed.trust.subscriptions.shape import bounds
from helhed.trust.subscriptions.store import Claimed, Deliveries

_AT_ONCE = 32  #: subscriptions that a worker looks after at the same time
_AT_ONE_HOST = 4
_ROUNDS = 20  #: notifications of one subscription before others have a turn
_LEASE = timedelta(seconds=60)  #: beside the time an answer may take
_SECONDS_BETWEEN = 0.5
_ROUNDS_BETWEEN_FORGETTING = 2000
_MOST_ANSWER_BYTES = 65_536
_GOOD = range(200, 300)
_NOT_REACHED = "The endpoint was not reached."
_TOO_SLOW = "The endpoint did not answer in time."
_NOT_OURS = "What it asks for cannot be asked for any more."


class Refused(Exception):
    """A notification that the other side did not take; said in a sentence."""


@dataclass
class Courier:
    """Looks after subscriptions. Every worker has one; they share by claiming."""

    pool: Pool
    clock: Clock
    seal: Seal
    terms: Terms
    guard: Guard = field(default_factory=Guard)

    def __post_init__(self) -> None:
        self._rows = Deliveries(self.pool, demo=self.terms.demo)
        self._reach = Reach(loopback=self.terms.loopback)
        self._base = self.terms.root + "/fhir"
        self._hosts: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONE_HOST))
        self._at_work: dict[UUID, asyncio.Task[None]] = {}

    async def start(self) -> int:
        """Takes up what may need something, without waiting for it; how many."""
        free = _AT_ONCE - len(self._at_work)
        claimed = await self._rows.claim(self.clock(), free, _LEASE) if free > 0 else []
        for one in claimed:
            task = asyncio.create_task(self._look_after(one))
            self._at_work[one.id] = task
            task.add_done_callback(partial(self._done, one.id))
        return len(claimed)

    async def once(self) -> int:
        """Everything that needs something now, to its end; how many were looked after."""
        seen = 0
        while started := await self.start():
            seen += started
            await self.settle()
        return seen

    async def settle(self) -> None:
        """Waits for what was taken up."""
        await asyncio.gather(*self._at_work.values())

    async def run(self, stopping: asyncio.Event) -> None:
        """Again and again until told to stop; what is under way is finished."""
        rounds = 0
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
                await self.start()
                if rounds % _ROUNDS_BETWEEN_FORGETTING == 0:
                    await self._rows.forget(self.clock())
            rounds += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)
        await self.settle()

    def _done(self, identifier: UUID, task: asyncio.Task[None]) -> None:
        self._at_work.pop(identifier, None)

    async def _look_after(self, one: Claimed) -> None:
        try:
            async with self._hosts[urlsplit(one.endpoint).netloc]:
                await self._serve(one)
        except Refused as refused:
            await self._set_back(one, str(refused))
        except (HelhedError, OSError) as error:  # the database: the lease ends by itself
            logger("subscriptions").warning("not looked after", subscription=str(one.id), error=error)

    async def _serve(self, one: Claimed) -> None:
        try:
            plan = Criteria(one.type_name, one.criteria).plan(self.terms.root)
        except HelhedError:
            raise Refused(_NOT_OURS) from None
        if one.status == "requested":
            await self._say(one, "handshake")
        else:
            told = False
            async for _ in self._rounds(one, plan):
                told = True
                if not await self._tell(one, plan):
                    break
            if one.beat and not told:
                await self._say(one, "heartbeat")
        await self._rows.release(one.id)

    async def _rounds(self, one: Claimed, plan: str) -> AsyncIterator[None]:
        """As long as there is something to tell, and for a while only: others wait."""
        for _ in range(_ROUNDS):
            if not await self._rows.has_events(one.id, self.clock(), plan):
                return
            yield

    async def _say(self, one: Claimed, kind: str) -> None:
        """A handshake or a heartbeat: nothing of anybody."""
        async with await self._connected(one) as connection:
            await self._send(one, connection, kind, ())
        await self._rows.taken(one.id, self.clock(), _LEASE)

    async def _tell(self, one: Claimed, plan: str) -> int:
        """How many events were told."""
        async with await self._connected(one) as connection:
            events = await self._rows.tell(one.id, self.clock(), uuid4(), plan)
            # what there was to tell may be gone since it was looked for: then a sign of life is all that is left to say
            await self._send(one, connection, "event-notification" if events else "heartbeat", events)
        await self._rows.taken(one.id, self.clock(), _LEASE, events)
        return len(events)

    async def _connected(self, one: Claimed) -> Connection:
        try:
            async with asyncio.timeout(one.patience.total_seconds()):
                return await self.guard.connect(one.endpoint, self._reach)
        except (NotFetched, TimeoutError):
            raise Refused(_NOT_REACHED) from None

    async def _send(self, one: Claimed, connection: Connection, kind: str, events: Sequence[Event]) -> None:
        told = max((event.number for event in events), default=one.told)
        status = Status(one.id, one.status, one.type_name, max(told, one.told))
        body = notification(self._base, status, kind, one.content, self.clock(), events)
        headers = {**self._headers(one), "content-type": "application/fhir+json"}
        try:
            async with asyncio.timeout(one.patience.total_seconds()):
                answer = await connection.send("POST", headers, body, _MOST_ANSWER_BYTES)
        except (NotFetched, TimeoutError):
            raise Refused(_TOO_SLOW) from None
        if answer.status not in _GOOD:
            raise Refused(f"The endpoint answered {answer.status}.")
        NOTIFICATIONS.labels(kind, "taken").inc()

    def _headers(self, one: Claimed) -> dict[str, str]:
        if one.headers is None:
            return {}
        try:
            opened: dict[str, str] = orjson.loads(self.seal.open(one.headers, str(one.id)))
        except SealBroken:
            raise Refused("Its headers cannot be opened any more: send them anew.") from None
        return opened

    async def _set_back(self, one: Claimed, why: str) -> None:
        now = self.clock()
        pause = min(bounds().first_pause_seconds * 2**one.attempts, bounds().longest_pause_seconds)
        with contextlib.suppress(HelhedError, OSError):
            aside = await self._rows.refused(one.id, now, why, now + timedelta(seconds=pause))
            NOTIFICATIONS.labels("any", "set aside" if aside else "refused").inc()
