"""The micro-batcher: requests that arrive while a statement is in flight form the next one.

One statement then reads, decides and logs for all of them, and one commit makes all their log rows durable before any
answer leaves (``docs/explanation/micro-batches.md``).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from helhed.foundation.errors import Overloaded

#: so many go together at least: a statement costs as much as about ten items in it
_NOT_SPLIT = 16

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Runs ``run(items) -> answers`` for at most ``lanes`` batches at a time.

    Of many, half go at a time: the others are the next batch while these are answered, so that both sides always work.
    ``run`` answers each item in order; an answer that is an exception is raised to the one who asked it, an exception
    raised by ``run`` is raised to the whole batch. ``submit`` raises Overloaded at once when ``queue_limit`` items wait.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
        *,
        lanes: int = 1,
        batch_size: int = 256,
        queue_limit: int = 2048,
    ) -> None:
        self._run = run
        self._idle = lanes
        self._batch_size = batch_size
        self._queue_limit = queue_limit
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._flushing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  #: the one it lives in: asking which costs a system call
        self.batches = 0
        self.items = 0

    @property
    def waiting(self) -> int:
        """How many items wait for a statement."""
        return len(self._waiting)

    def submit(self, item: Item) -> "asyncio.Future[Answer]":
        """A future with the answer to ``item``."""
        if len(self._waiting) >= self._queue_limit:
            raise Overloaded
        loop = self._loop = self._loop or asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if not self._flushing and self._idle:
            self._flushing = True
            loop.call_soon(self._flush)
        return future

    def _flush(self, answered: int = 0) -> None:
        """Send what waits. ``answered`` items have just come back, and those who asked will soon ask again."""
        self._flushing = False
        while self._waiting and self._idle:
            half = max(_NOT_SPLIT, (len(self._waiting) + answered + 1) // 2)
            size = min(len(self._waiting), half, self._batch_size)
            batch = [self._waiting.popleft() for _ in range(size)]
            self._idle -= 1
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, batch: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        self.batches += 1
        self.items += len(batch)
        try:
            answers: Sequence[Answer | Exception] = await self._run([item for item, _ in batch])
            if len(answers) != len(batch):
                raise RuntimeError("A batch was not answered item by item.")
        except asyncio.CancelledError:  # whoever cancelled a statement must not take its lane and its callers along
            answers = [Overloaded()] * len(batch)
        except Exception as error:
            answers = [error] * len(batch)
        self._idle += 1
        if self._waiting:
            self._flush(len(batch))  # first: the database works while these answers are written
        for (_, future), answer in zip(batch, answers, strict=False):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def drain(self) -> None:
        """Wait until nothing is in flight and nothing waits."""
        while self._tasks or self._waiting:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)
