"""The database is shut down in the middle of everything, again and again, while several wards work and never wait for it."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.serving import prepare
from tests.faults.oracles import hold, terms_are_those_of_the_content
from tests.faults.ward import Ward
from tests.support.databases import proofs
from tests.support.world import World

pytestmark = pytest.mark.long
WARDS, CRASHES, BETWEEN, AFTER = 4, 12, 25, 3
PATIENCE = 120


@pytest.fixture
async def placed(tmp_path: Path) -> AsyncIterator[tuple[list[Ward], EmbeddedPostgres]]:
    """Wards of one network, with a database of its own."""
    server = EmbeddedPostgres(tmp_path / "data", shared_buffers="32MB")
    await asyncio.to_thread(server.start)
    target = embedded_target(server, proofs=proofs)
    await prepare(target)
    world = await World.open(target, Settings(data_dir=tmp_path / "data", demo=True))
    yield [await Ward(world).open() for _ in range(WARDS)], server
    await world.close()
    await asyncio.to_thread(server.discard)


def _immediately(server: EmbeddedPostgres) -> None:
    """``pg_ctl stop -m immediate`` is this signal; by hand, whoever runs the tests needs not be the server's user."""
    os.kill(int((server.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


async def _work(ward: Ward, dice: random.Random, ended: asyncio.Event) -> None:
    """One request after another; whatever is refused is forgotten."""
    while not ended.is_set():
        if not ward.written:
            await ward.create()
            continue
        choices = (ward.create, ward.update, ward.transaction, ward.delete, ward.read, ward.search)
        await dice.choice(choices)()
        await asyncio.sleep(0)


async def _acknowledged(wards: list[Ward], more: int) -> None:
    """Until so many more answers were good, in each ward."""
    wanted = [len(ward.promised.acknowledged) + len(ward.promised.shown) + more for ward in wards]
    async with asyncio.timeout(PATIENCE):
        while any(
            len(ward.promised.acknowledged) + len(ward.promised.shown) < enough
            for ward, enough in zip(wards, wanted, strict=True)
        ):
            await asyncio.sleep(0)


async def test_what_was_acknowledged_outlives_every_crash(placed: tuple[list[Ward], EmbeddedPostgres]) -> None:
    wards, server = placed
    world, dice = wards[0].world, random.Random(12)
    ended = asyncio.Event()
    working = [asyncio.create_task(_work(ward, random.Random(n), ended)) for n, ward in enumerate(wards)]
    try:
        for _ in range(CRASHES):
            await _acknowledged(wards, dice.randint(1, BETWEEN))
            _immediately(server)
            await _acknowledged(wards, AFTER)  # it came back by itself
    finally:
        ended.set()
        await asyncio.gather(*working)
    world.owner = await connect(world.target.owner)
    assert sum(len(ward.failures) for ward in wards) >= CRASHES, "the crashes came in the middle"
    assert set().union(*(ward.failures for ward in wards)) <= {409, 410, 412, 503}, "an outage is said to be one"
    for ward in wards:
        await hold(world.owner, ward.promised)
    await terms_are_those_of_the_content(world.owner)
