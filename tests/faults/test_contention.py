"""Connections run out, rows are held, and two wait for each other: who cannot be served is told soon, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from helhed.fhir.changes import Change
from helhed.foundation import lend
from helhed.foundation.database import Target
from helhed.foundation.errors import Conflict, Overloaded
from helhed.foundation.settings import Settings
from tests.faults.oracles import hold, terms_are_those_of_the_content
from tests.faults.ward import Ward
from tests.support.world import World

CONNECTIONS, STATEMENT_MS = 3, 1000
OK, CREATED, BUSY = 200, 201, 503
_OURS = "select count(*) from pg_stat_activity where datname = current_database() and usename = 'helhed_app'"
_WAITS = f"{_OURS} and wait_event_type = 'Lock'"
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
_HOLD = "select from fhir.resource where id = $1 for update"


@pytest.fixture
async def ward(target: Target, tmp_path: Path) -> AsyncIterator[Ward]:
    """A ward of a network with few connections and little patience."""
    settings = Settings(data_dir=tmp_path, demo=True, write_connections=CONNECTIONS, statement_timeout_ms=STATEMENT_MS)
    world = await World.open(target, settings)
    yield await Ward(world).open()
    await world.close()


@asynccontextmanager
async def exhausted(ward: Ward, statement: str = "select 1") -> AsyncIterator[None]:
    """All connections of the pool are in use; ``statement`` was done on each."""
    pool = ward.world.store.pool
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            await (await stack.enter_async_context(pool.acquire())).execute(statement)
        yield


async def until(told: Callable[[], Awaitable[Any]]) -> None:
    """Wait for what the database will say."""
    async with asyncio.timeout(30):
        while not await told():
            await asyncio.sleep(0)


async def whole(ward: Ward) -> None:
    await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)


async def test_without_a_free_connection_writers_are_told_and_readers_are_served(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lend, "_PATIENCE_SECONDS", 0.01)
    async with exhausted(ward):
        for request in (ward.create, ward.update, ward.transaction, ward.delete):
            before = list(ward.written)
            await request()
            ward.written = before  # what was refused was not done: the same row goes on
        assert ward.failures == [BUSY] * 4
        await ward.read()
        assert len(ward.promised.shown) == 1, "reads have connections of their own"
        assert await ward.world.owner.fetchval(_OURS) <= CONNECTIONS + 1
    for request in (ward.create, ward.update, ward.transaction, ward.read, ward.delete):
        await request()
    assert ward.failures == [BUSY] * 4
    await whole(ward)


async def test_a_crowd_that_waits_for_a_connection_has_a_size(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lend, "_MOST_WAITING", 5)
    async with exhausted(ward):
        waiting = [asyncio.create_task(ward.create()) for _ in range(8)]

        async def three_are_told() -> bool:
            return len(ward.failures) == 3

        await until(three_are_told)
        assert not any(task.done() for task in waiting[:5]), "those who wait keep their place"
    await asyncio.gather(*waiting)
    assert (ward.failures, len(ward.promised.acknowledged)) == ([BUSY] * 3, 1 + 5)
    await whole(ward)


async def test_a_row_that_somebody_holds_can_be_read_and_its_writer_is_told_in_time(ward: Ward) -> None:
    identifier, _ = ward.written[-1]
    async with ward.world.owner.transaction():
        await ward.world.owner.execute(_HOLD, UUID(identifier))
        writing = asyncio.create_task(ward.update())
        await ward.read()
        assert ward.promised.shown
        await writing
    assert ward.failures == [BUSY], "a row that is held is no search that is too much work"
    ward.written.append((identifier, 1))
    await ward.update()
    assert ward.failures == [BUSY]
    await whole(ward)


async def test_a_row_that_is_let_go_in_time_is_written(ward: Ward) -> None:
    identifier, _ = ward.written[-1]
    holding = ward.world.owner.transaction()
    await holding.start()
    await ward.world.owner.execute(_HOLD, UUID(identifier))
    writing = asyncio.create_task(ward.update())
    await until(lambda: ward.world.owner.fetchval(_WAITS))
    await holding.rollback()
    await writing
    assert (ward.failures, ward.written[-1]) == ([], (identifier, 2))
    await whole(ward)


async def test_of_two_who_wait_for_each_other_one_is_told_and_its_second_try_succeeds(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real deadlock: PostgreSQL finds it, and counts it."""
    await ward.create()
    world, system = ward.world, ward.world.system(ward.hospital)
    await world.owner.execute(
        f"alter role helhed_app in database \"{world.target.owner['database']}\" set deadlock_timeout = '10ms'"
    )
    await world.store.pool.expire_connections()
    ids = [UUID(identifier) for identifier, _ in ward.written]
    before, both = await world.owner.fetchval(_DEADLOCKS), asyncio.Barrier(2)

    async def writes(first: UUID, second: UUID) -> None:
        async with world.store.session(system) as session:
            await session._claim(_change(ward, first))
            await both.wait()
            await session._claim(_change(ward, second))

    ended = await asyncio.gather(writes(*ids), writes(*reversed(ids)), return_exceptions=True)
    assert sorted(map(type, ended), key=str) == sorted([type(None), Conflict], key=str)

    async with exhausted(ward, "select pg_stat_force_next_flush()"):
        await until(lambda: world.owner.fetchval(f"{_DEADLOCKS} and deadlocks > {before}"))
    await ward.update()
    await ward.transaction()
    assert ward.failures == []
    await whole(ward)


def _change(ward: Ward, identifier: UUID) -> Change:
    return Change("PUT", "Observation", ward.observation(), b"{}", identifier)


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a_transaction_that_the_database_undid_is_a_conflict_and_leaves_nothing(ward: Ward, state: str) -> None:
    """A serialization failure, or a deadlock, at the commit: raised where the database would raise it."""
    world = ward.world
    await world.owner.execute(
        "create function public.undo() returns trigger language plpgsql as $$ begin "
        f"raise exception 'not this time' using errcode = '{state}'; end $$;"
        "create constraint trigger undo after insert on fhir.resource deferrable initially deferred "
        "for each row execute function public.undo()"
    )
    await ward.create()
    await ward.transaction()
    assert ward.failures == [409, 409]
    await world.owner.execute("drop trigger undo on fhir.resource")
    await ward.create()
    await ward.transaction()
    assert ward.failures == [409, 409]
    await whole(ward)


async def test_the_queue_of_readers_has_an_end(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    batcher = ward.world.store.reads.batcher
    monkeypatch.setattr(batcher, "_queue_limit", 4)
    ask = ward.world.professional(ward.doctor, ward.hospital)
    identifier = UUID(ward.written[-1][0])

    async def look() -> str:
        try:
            return (await ward.world.store.read(ask, "Observation", identifier)).type_name
        except Overloaded:
            return "busy"

    told = await asyncio.gather(*(look() for _ in range(12)))
    assert (told.count("Observation"), told.count("busy")) == (4, 8)
