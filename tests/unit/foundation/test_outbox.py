"""The outbox: every event at least once, oldest first, and one that never works does not stand in the way."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from helhed.foundation.database import Connection
from helhed.foundation.outbox import Outbox
from tests.support.world import NOW, World


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Receiver:
    """Remembers what was delivered; fails while it is told to."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.payloads: list[Any] = []
        self.fails: Callable[[Any], bool] = lambda payload: False

    async def __call__(self, connection: Connection, key: int, payload: Any) -> None:
        self.keys.append(key)
        self.payloads.append(payload)
        if self.fails(payload):
            await connection.execute("select no_such_function()")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def outbox(world: World, clock: Clock, receiver: Receiver) -> Outbox:
    return Outbox(world.store.pool, clock, {"news": receiver})


async def announce(world: World, *payloads: int, topic: str = "news") -> None:
    for payload in payloads:
        statement = "insert into foundation.outbox (topic, payload) values ($1, to_jsonb($2::int))"
        await world.owner.execute(statement, topic, payload)


async def waiting(world: World) -> list[tuple[int, bool]]:
    rows = await world.owner.fetch("select attempts, failed from foundation.outbox order by id")
    return [(row["attempts"], row["failed"]) for row in rows]


async def test_events_are_delivered_once_oldest_first_and_forgotten(
    world: World, outbox: Outbox, receiver: Receiver
) -> None:
    await announce(world, 1, 2, 3)
    assert await outbox.deliver() == 3
    assert await outbox.deliver() == 0
    assert (receiver.payloads, await waiting(world)) == ([1, 2, 3], [])


async def test_a_page_is_taken_at_a_time(world: World, clock: Clock, receiver: Receiver) -> None:
    await announce(world, 1, 2, 3)
    small = Outbox(world.store.pool, clock, {"news": receiver}, page=2)
    assert [await small.deliver(), await small.deliver(), await small.deliver()] == [2, 1, 0]


async def test_an_event_that_older_code_does_not_know_waits_for_newer_code(
    world: World, outbox: Outbox, clock: Clock, receiver: Receiver
) -> None:
    await announce(world, 1, topic="later news")
    assert await outbox.deliver() == 0
    assert await Outbox(world.store.pool, clock, {"later news": receiver}).deliver() == 1
    assert (receiver.payloads, await waiting(world)) == ([1], [])


async def test_a_failed_delivery_stops_no_other_and_is_tried_again_later(
    world: World, outbox: Outbox, clock: Clock, receiver: Receiver
) -> None:
    receiver.fails = lambda payload: payload == 1
    await announce(world, 1, 2)
    await outbox.deliver()
    assert (receiver.payloads, await waiting(world)) == ([1, 2], [(1, False)])
    assert await outbox.deliver() == 0, "not before its time"
    clock.now += timedelta(seconds=2)
    receiver.fails = lambda payload: False
    assert await outbox.deliver() == 1
    assert (receiver.payloads, await waiting(world)) == ([1, 2, 1], [])
    assert receiver.keys[0] == receiver.keys[2], "a handler knows a repeat by its key"


async def test_what_a_failed_handler_did_is_undone(world: World, clock: Clock) -> None:
    async def half(connection: Connection, key: int, payload: Any) -> None:
        await connection.execute("insert into foundation.outbox (topic, payload) values ('half', '0')")
        raise ValueError

    await announce(world, 1)
    await Outbox(world.store.pool, clock, {"news": half}).deliver()
    assert await waiting(world) == [(1, False)]


async def test_an_event_that_never_works_is_set_aside_after_eight_attempts(
    world: World, outbox: Outbox, clock: Clock, receiver: Receiver
) -> None:
    receiver.fails = lambda payload: payload == 1
    await announce(world, 1)
    waits = []
    for _ in range(20):
        before = len(receiver.keys)
        await outbox.deliver()
        waits.append(len(receiver.keys) - before)
        clock.now += timedelta(hours=1)
    assert waits == [1] * 8 + [0] * 12
    assert await waiting(world) == [(8, True)]
    await announce(world, 2)
    assert await outbox.deliver() == 1, "those behind it go on"


async def test_the_waits_grow(world: World, outbox: Outbox, clock: Clock, receiver: Receiver) -> None:
    receiver.fails = lambda payload: True
    await announce(world, 1)
    for attempt in range(1, 4):
        await outbox.deliver()
        clock.now += timedelta(seconds=2**attempt) - timedelta(milliseconds=1)
        assert await outbox.deliver() == 0
        clock.now += timedelta(milliseconds=1)


async def test_two_workers_share_what_waits(world: World, clock: Clock) -> None:
    """While one worker is held up by its page, the other takes the next page, and nothing twice."""
    seen: list[int] = []
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection, key: int, payload: Any) -> None:
        seen.append(payload)
        if payload == 1:
            held.set()
            await go_on.wait()

    await announce(world, 1, 2, 3, 4)
    workers = [Outbox(world.store.pool, clock, {"news": slow}, page=2) for _ in range(2)]
    first = asyncio.create_task(workers[0].deliver())
    await held.wait()
    assert await workers[1].deliver() == 2
    assert seen == [1, 3, 4]
    go_on.set()
    assert await first == 2
    assert (seen, await waiting(world)) == ([1, 3, 4, 2], [])


async def test_a_worker_that_dies_leaves_its_events_to_the_next(world: World, clock: Clock, receiver: Receiver) -> None:
    async def dies(connection: Connection, key: int, payload: Any) -> None:
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    await announce(world, 1, 2)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await Outbox(world.store.pool, clock, {"news": dies}).deliver()
    assert await waiting(world) == [(0, False)] * 2
    assert await Outbox(world.store.pool, clock, {"news": receiver}).deliver() == 2


async def test_running_delivers_until_it_is_told_to_stop(world: World, outbox: Outbox, receiver: Receiver) -> None:
    stopping, arrived = asyncio.Event(), asyncio.Event()

    def fails(payload: int) -> bool:
        arrived.set()
        return False

    receiver.fails = fails
    running = asyncio.create_task(outbox.run(stopping, pause_seconds=0.01))
    await announce(world, 1)
    await asyncio.wait_for(arrived.wait(), 30)
    stopping.set()
    await asyncio.wait_for(running, 30)
    assert receiver.payloads == [1]


async def test_running_outlives_a_round_that_failed(
    world: World, outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, rounds = asyncio.Event(), 0

    async def deliver() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise OSError("the database is away")
        stopping.set()
        return 0

    monkeypatch.setattr(outbox, "deliver", deliver)
    await asyncio.wait_for(outbox.run(stopping, pause_seconds=0.01), 30)
    assert rounds == 2


async def test_events_that_wait_at_once_are_told_at_once_and_one_by_one_where_one_of_them_fails(
    world: World, clock: Clock, receiver: Receiver
) -> None:
    told: list[list[Any]] = []

    async def many(connection: Connection, payloads: Sequence[Any]) -> None:
        told.append(list(payloads))
        for payload in payloads:
            await receiver(connection, 0, payload)

    outbox = Outbox(world.store.pool, clock, {"news": receiver}, together={"news": many})
    await announce(world, 1, 2, 3)
    assert await outbox.deliver() == 3
    assert (told, receiver.payloads, await waiting(world)) == ([[1, 2, 3]], [1, 2, 3], [])
    receiver.fails = lambda payload: payload == 5
    await announce(world, 4, 5, 6)
    receiver.payloads.clear()
    assert await outbox.deliver() == 3
    assert (told[1:], receiver.payloads) == ([[4, 5, 6]], [4, 5, 4, 5, 6])
    assert await waiting(world) == [(1, False)]
