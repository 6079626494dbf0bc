"""Reads that share a statement: none is answered before its log row is durable, and who fails or leaves harms nobody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from helhed.fhir.changes import Version
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, connect
from helhed.foundation.errors import Overloaded, Unknown
from tests.unit.store.scene import Scene

_STUCK = (
    "select min(pid) from pg_locks where not granted and relation = 'foundation.access_log'::regclass "
    "and database = (select oid from pg_database where datname = current_database())"
)


class FullLog:
    """A log that takes no rows while ``held``, and the reads that go on meanwhile."""

    def __init__(self, scene: Scene, holder: Connection) -> None:
        self._scene = scene
        self._holder = holder
        self._held = holder.transaction()

    async def hold(self) -> None:
        await self._held.start()
        await self._holder.execute("lock table foundation.access_log in share mode")

    async def let_go(self) -> None:
        await self._held.rollback()

    async def stuck(self) -> int:
        """The process of the statement that cannot write its rows, once there is one."""
        while (pid := await self._scene.world.owner.fetchval(_STUCK)) is None:
            await asyncio.sleep(0)
        return int(pid)

    def read(self, ask: Ask) -> "tuple[Ask, asyncio.Task[Version]]":
        """A read of the result, under way."""
        own = replace(ask, trace=uuid4())
        return own, asyncio.create_task(self._scene.world.store.read(own, "Observation", self._scene.observation))

    async def permitted(self, ask: Ask) -> list[bool]:
        """What the log says of the looks of one request."""
        statement = "select permitted from foundation.access_log where trace = $1"
        return [row["permitted"] for row in await self._scene.world.owner.fetch(statement, ask.trace)]


@pytest.fixture
async def log(scene: Scene) -> AsyncIterator[FullLog]:
    holder = await connect(scene.world.target.owner)
    full = FullLog(scene, holder)
    await full.hold()
    yield full
    await holder.close()


async def test_no_answer_leaves_while_its_log_row_is_not_written(scene: Scene, log: FullLog) -> None:
    alone, first = log.read(scene.doctor)
    await log.stuck()
    doctor, second = log.read(scene.doctor)
    stranger, third = log.read(scene.stranger)
    await scene.world.owner.fetchval("select 1")
    assert not first.done()
    assert not second.done()
    assert not third.done()
    await log.let_go()
    answers = await asyncio.gather(first, second, third, return_exceptions=True)
    assert isinstance(answers[0], Version)
    assert answers[1] == answers[0]
    assert isinstance(answers[2], Unknown)
    assert [await log.permitted(ask) for ask in (alone, doctor, stranger)] == [[True], [True], [False]]


async def test_who_goes_away_in_the_middle_takes_nobody_along(scene: Scene, log: FullLog) -> None:
    asked, gone = log.read(scene.doctor)
    await log.stuck()
    _, leaves = log.read(scene.doctor)
    _, waits = log.read(scene.doctor)
    await scene.world.owner.fetchval("select 1")
    gone.cancel()
    leaves.cancel()
    await log.let_go()
    ends = await asyncio.gather(gone, waits, leaves, return_exceptions=True)
    assert isinstance(ends[1], Version)
    assert [type(ends[0]), type(ends[2])] == [asyncio.CancelledError, asyncio.CancelledError]
    assert await log.permitted(asked) == [True]  # it was looked at, whoever was there to hear it
    assert await scene.reads(scene.doctor)


async def test_a_statement_that_is_killed_fails_those_in_it_and_not_those_who_wait(scene: Scene, log: FullLog) -> None:
    asked, first = log.read(scene.doctor)
    victim = await log.stuck()
    again, second = log.read(scene.doctor)
    await scene.world.owner.fetchval("select 1")
    assert await scene.world.owner.fetchval("select pg_terminate_backend($1)", victim)
    await log.let_go()
    ends = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(ends[0], Overloaded)
    assert isinstance(ends[1], Version)
    assert [await log.permitted(ask) for ask in (asked, again)] == [[], [True]]
