"""The wire to the database fails at each statement of a delivery: every event's effect stands exactly once in the end."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from helhed.foundation.database import Connection, Target
from helhed.foundation.outbox import Outbox
from helhed.foundation.settings import Settings
from tests.faults.wire import Fault, Wire
from tests.support.world import NOW, World

KINDS = ("lost answer", "before", "torn", "half", "struck")
EVENTS, MOST, PATIENCE = 3, 40, 30
_STRIKE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'helhed_app'"


class Room:
    """An outbox over a wire, and a table in which its handler notes what it did."""

    def __init__(self, world: World, wire: Wire) -> None:
        self.world, self.wire, self.now = world, wire, NOW
        self.elsewhere: list[int] = []
        self.outbox = Outbox(world.store.pool, self._clock, {"news": self.handle})

    def _clock(self) -> datetime:
        return self.now

    async def handle(self, connection: Connection, key: int, payload: Any) -> None:
        await connection.execute("insert into there.effect values ($1)", key)
        self.elsewhere.append(key)

    async def announce(self) -> None:
        for number in range(EVENTS):
            statement = "insert into foundation.outbox (topic, payload) values ('news', to_jsonb($1::int))"
            await self.world.owner.execute(statement, number)

    async def deliver_all(self) -> None:
        """Rounds until nothing waits; a round that fails is followed by another, as in ``run``."""
        while await self.world.owner.fetchval(
            "select count(*) from foundation.outbox where topic = 'news' and not failed"
        ):
            try:
                await asyncio.wait_for(self.outbox.deliver(), PATIENCE)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                await self.world.store.pool.expire_connections()
            self.now += timedelta(minutes=10)


@pytest.fixture
async def room(target: Target, tmp_path: Path) -> AsyncIterator[Room]:
    folder = Path(tempfile.mkdtemp(prefix="wire"))
    wire = await Wire(folder, Path(target.owner["host"])).start()
    world = await World.open(
        replace(target, application={**target.application, "host": str(folder)}), Settings(data_dir=tmp_path, demo=True)
    )
    wire.strike = lambda: world.owner.execute(_STRIKE)
    await world.owner.execute(
        "create schema there; grant usage on schema there to helhed_app; create table there.effect (key bigint); grant insert on there.effect to helhed_app"
    )
    yield Room(world, wire)
    wire.expect(Fault())
    await world.close()
    await wire.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.long) for kind in KINDS[1:])])
async def test_the_wire_fails_at_each_statement_of_a_delivery(room: Room, kind: str) -> None:
    announced = 0
    for at in range(1, MOST):
        room.wire.expect(Fault())
        await room.announce()
        announced += EVENTS
        room.wire.expect(Fault(kind, at))
        await room.deliver_all()
        if room.wire.seen < at:
            break
    else:
        raise AssertionError("a delivery had no end")
    effects = [row["key"] for row in await room.world.owner.fetch("select key from there.effect")]
    assert (len(effects), len(set(effects))) == (announced, announced), "an effect is missing, or stands twice"
    assert set(room.elsewhere) == set(effects)
    assert len(room.elsewhere) > announced, "what was done elsewhere is repeated, by its key"
