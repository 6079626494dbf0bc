"""An outbox table in memory, with row locks, savepoints and commits that can fail: what ``helhed.foundation.outbox`` asks of a database."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.simulation import passes


@dataclass
class Event:
    """A row of the outbox."""

    id: int
    topic: str
    payload: str
    not_before: datetime
    attempts: int = 0
    failed: bool = False


@dataclass
class State:
    """What is committed: the events that wait, and what handlers did in their transactions."""

    waiting: dict[int, Event] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)  #: keys, one for each effect


class Pool:
    """Connections to the table. Until it is ``calm``, they are lost, before a commit and after it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.committed, self.calm = dice, State(), False
        self.locked: set[int] = set()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Connection"]:
        """A connection of the pool."""
        await self.maybe_dies(0.05)
        yield Connection(self)

    async def maybe_dies(self, chance: float) -> None:
        """Time passes, and the database may be gone after it."""
        await passes(self.dice.choice((0, 0.001, 0.01)))
        if not self.calm and self.dice.random() < chance:
            raise ConnectionResetError("the database is away")


class Connection:
    """One connection: statements of the outbox, by their first word; changes are kept until the commit."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: set[int] = set()
        self._changes: list[tuple[str, Any]] = []
        self._depth = 0
        self._dead = False

    async def _lives(self, chance: float) -> None:
        """A connection that was lost stays lost."""
        if self._dead:
            raise ConnectionResetError("this connection was lost")
        try:
            await self._pool.maybe_dies(chance)
        except ConnectionResetError:
            self._dead = True
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction, or a savepoint within one."""
        mark, self._depth = len(self._changes), self._depth + 1
        try:
            yield
            if self._depth == 1:
                await self._commit()
        except BaseException:
            del self._changes[mark:]
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._pool.locked -= self._held
                self._held.clear()

    async def _commit(self) -> None:
        await self._lives(0.03)  # before: nothing of it stands
        for kind, value in self._changes:
            if kind == "effect":
                self._pool.committed.done.append(value)
            elif kind == "delete":
                self._pool.committed.waiting.pop(value, None)
            else:
                event = self._pool.committed.waiting[value[0]]
                event.attempts, event.not_before, event.failed = event.attempts + 1, value[1], value[2]
        self._changes.clear()
        await self._lives(0.03)  # after: all of it stands, and nobody was told

    async def fetch(self, statement: str, now: datetime, page: int, topics: list[str]) -> list[dict[str, Any]]:
        """Rows that wait and that nobody else holds, oldest first."""
        assert "skip locked" in statement
        await self._lives(0.03)
        rows = [
            event for key, event in sorted(self._pool.committed.waiting.items())
            if not event.failed and event.not_before <= now and event.topic in topics and key not in self._pool.locked
        ][:page]  # fmt: skip
        self._held |= {event.id for event in rows}
        self._pool.locked |= self._held
        return [{"id": e.id, "topic": e.topic, "payload": e.payload, "attempts": e.attempts} for e in rows]

    async def execute(self, statement: str, *arguments: Any) -> None:
        """A delete, or a note of an attempt that failed."""
        await self._lives(0.02)
        assert arguments[0] in self._held, "a row is changed that is not held"
        if statement.startswith("delete"):
            self._changes.append(("delete", arguments[0]))
        else:
            self._changes.append(("retry", arguments))

    async def effect(self, key: int) -> None:
        """What a handler does in the transaction it was given."""
        await self._lives(0.02)
        self._changes.append(("effect", key))
