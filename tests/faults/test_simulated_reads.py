"""Reads from the batcher to the wire, under thousands of seeds: the database dies, comes back late, loses answers, and forbids.

What is simulated is the database: a table of rows, a set of what is hidden, and a log that is written before anything is
answered. The rest is the code that serves.
"""

import asyncio
import random
import types
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from helhed.fhir.store import reading
from helhed.foundation import lanes
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Target, connect
from helhed.foundation.errors import Overloaded, Unknown
from tests.faults.simulation import broken, caught, passes, simulate
from tests.support.world import NOW

SEEDS, MANY_SEEDS = 200, 10_000
ROWS = 6
PLANTED: dict[str, tuple[types.ModuleType, str, str]] = {
    "a lost connection is left open": (lanes, "                connection.terminate()", "                pass"),
    "a lane is not given back": (lanes, "self._idle.put_nowait(connection)\n\n    async def _open", "pass\n\n    async def _open"),
    "a lost connection is everybody's fault": (lanes, "except LOST as error:", "except ZeroDivisionError as error:"),
    "what is not there breaks the batch": (reading, "Unknown()] * len(wanted)", "RuntimeError()] * len(wanted)"),
    "answers go to the neighbour": (reading, "answers[n - 1] = Version(one", "answers[n - 2] = Version(one"),
    "what is hidden is shown": (reading, "if outcome == _HERE:", "if True:"),
}  # fmt: skip


def anybody(number: int) -> Ask:
    """Somebody who asks; the number tells whose question it is."""
    return Ask(ActorKind.CITIZEN, number, None, "", Purpose.OWN, "test", None, None, NOW, UUID(int=number + 1000))


class Database:
    """Rows that anybody may see unless they are hidden; every statement logs before it answers."""

    def __init__(self, dice: random.Random, most: int) -> None:
        self._dice, self._most = dice, most
        self.rows = [UUID(int=n) for n in range(ROWS)]
        self.hidden: set[UUID] = set()
        self.log: list[tuple[UUID, UUID]] = []
        self.connected = 0
        self.calm = False
        self.up = True

    async def connect(self, arguments: Any, **_: str) -> "Connection":
        """What a lane calls."""
        await passes(self._dice.choice((0, 0.001)))
        if not self.up or (not self.calm and self._dice.random() < 0.1):
            raise ConnectionRefusedError
        self.connected += 1
        assert self.connected <= self._most, "more connections than lanes"
        return Connection(self, self._dice)

    def answer(self, asks: Sequence[Any], ids: Sequence[UUID | None]) -> list[tuple[Any, ...]]:
        """One statement: decided by what is hidden now, logged, then told."""
        told = []
        for n, (ask, wanted) in enumerate(zip(asks, ids, strict=True), 1):
            seen = wanted in self.rows and wanted not in self.hidden
            if wanted is not None:
                self.log.append((ask[-1], wanted))
            told.append((n, 1, 1, None, wanted.bytes) if seen and wanted else (n, 0, None, None, b"hidden"))
        self._dice.shuffle(told)
        return told


class Connection:
    """A connection of asyncpg's, as far as a lane knows it."""

    def __init__(self, database: Database, dice: random.Random) -> None:
        self._database, self._dice = database, dice
        self._closed = False

    def is_closed(self) -> bool:
        return self._closed

    def terminate(self) -> None:
        if not self._closed:
            self._closed = True
            self._database.connected -= 1

    async def close(self) -> None:
        self.terminate()

    async def fetch(
        self, statement: str, asks: Sequence[Any], types_: Sequence[int], ids: Sequence[UUID | None]
    ) -> Any:
        if self._closed:
            raise asyncpg.InterfaceError("connection is closed")
        fate = 1.0 if self._database.calm else self._dice.random()
        await passes(self._dice.choice((0, 0.001, 0.01)))
        if fate < 0.05 or not self._database.up:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("before it began")
        told = self._database.answer(asks, ids)
        await passes(self._dice.choice((0, 0.001)))
        if fate < 0.10:
            self.terminate()
            raise ConnectionResetError("the answer was lost")
        if fate < 0.13:
            raise asyncpg.AdminShutdownError("terminating connection")
        return told


def _scenario(
    lanes_: types.ModuleType = lanes, reading_: types.ModuleType = reading
) -> Callable[[random.Random], Coroutine[Any, Any, None]]:
    async def scenario(dice: random.Random) -> None:
        many = dice.randint(1, 2)
        database = Database(dice, many)
        lanes_.connect = database.connect  # type: ignore[attr-defined]
        opened = lanes_.Lanes(Target({}, {}), many, statement_timeout_ms=1)
        reads = reading_.ReadMany(opened, batch_size=dice.randint(1, 5), queue_limit=dice.randint(4, 20))

        async def look(number: int) -> None:
            await passes(dice.choice((0, 0.001, 0.005, 0.02)))
            ask, wanted = anybody(number), dice.choice([*database.rows, UUID(int=99), None])
            if dice.random() < 0.1:
                database.hidden.add(dice.choice(database.rows))
            if dice.random() < 0.05:
                database.up = not database.up
            forbidden = set(database.hidden)
            try:
                version = await reads.batcher.submit(reading_.Wanted(ask, "Patient", wanted))
            except Overloaded:
                return
            except Unknown:
                assert wanted not in database.rows or wanted in database.hidden, "what is there was missing"
            except Exception as error:
                raise AssertionError("a refusal that no door knows") from error
            else:
                assert version.body == wanted.bytes, "an answer went to somebody else"  # type: ignore[union-attr]
                assert wanted not in forbidden, "a no did not hold from the next request on"
            assert wanted is None or (ask.trace, wanted) in database.log, "an answer has no row in the log"

        await asyncio.gather(*(look(n) for n in range(dice.randint(1, 20))))
        await reads.batcher.drain()
        database.calm = database.up = True
        database.hidden.clear()
        for number in range(2 * many + 1):  # what was lost is made anew, within a request for each lane
            with suppress(Overloaded):
                await reads.batcher.submit(reading_.Wanted(anybody(number), "Patient", database.rows[0]))
        again = [
            reads.batcher.submit(reading_.Wanted(anybody(n), "Patient", one)) for n, one in enumerate(database.rows[:4])
        ]
        assert [one.body for one in await asyncio.gather(*again)] == [one.bytes for one in database.rows[:4]]
        await opened.close()
        assert database.connected == 0, "a connection was left behind"

    return scenario


@pytest.fixture(autouse=True)
def _its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "connect", connect)  # put back afterwards


def test_whatever_the_database_does_each_look_is_answered_truly_or_not_at_all() -> None:
    for seed in range(SEEDS):
        simulate(_scenario(), seed)


@pytest.mark.long
def test_whatever_the_database_does_in_many_more_runs() -> None:
    for seed in range(SEEDS, SEEDS + MANY_SEEDS):
        simulate(_scenario(), seed)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found(planted: str) -> None:
    module, right, wrong = PLANTED[planted]
    spoiled = broken(module, right, wrong)
    scenario = _scenario(lanes_=spoiled) if module is lanes else _scenario(reading_=spoiled)
    assert caught(scenario, SEEDS)
