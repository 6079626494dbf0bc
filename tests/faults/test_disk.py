"""The disk of the database fills, fails or stops: what was acknowledged stands, and the network goes on when there is room."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
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

CRASHES, WRITES, MOST_WRITES = 6, 6, 60
_DISK = "300m"
_NOT_PERMITTED = "a small disk needs the right to mount one: run this as root"


def _mounted(folder: Path, size: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(_NOT_PERMITTED)


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of its own."""
    folder = Path(tempfile.mkdtemp(prefix="disk"))
    folder.chmod(0o711)
    try:
        _mounted(folder, _DISK)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def placed(disk: Path) -> AsyncIterator[tuple[Ward, EmbeddedPostgres]]:
    """A ward whose cluster is on the small disk."""
    server = EmbeddedPostgres(disk / "data", shared_buffers="32MB")
    await asyncio.to_thread(server.start)
    target = embedded_target(server, proofs=proofs)
    await prepare(target)
    world = await World.open(target, Settings(data_dir=disk / "data", demo=True))
    yield await Ward(world).open(), server
    await world.close()
    await asyncio.to_thread(server.stop)


async def _come_back(ward: Ward, server: EmbeddedPostgres) -> None:
    """The server is there, the owner is connected again, and a create is acknowledged."""
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(60):
        ward.world.owner = await connect(ward.world.target.owner)
        while not await _acknowledges(ward):
            pass


async def _acknowledges(ward: Ward) -> bool:
    told = len(ward.promised.acknowledged)
    await ward.create()
    return len(ward.promised.acknowledged) > told


async def test_a_database_that_crashes_again_and_again_loses_nothing(placed: tuple[Ward, EmbeddedPostgres]) -> None:
    ward, server = placed
    for seed in range(CRASHES):
        dice = random.Random(seed)
        work = asyncio.create_task(_write(ward, dice))
        for _ in range(dice.randint(1, 200)):
            await asyncio.sleep(0)
        postmaster = int((server.cluster / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, dice.choice((signal.SIGQUIT, signal.SIGKILL)))  # SIGQUIT is an immediate shutdown
        await work
        await asyncio.to_thread(server.kill)
        await _come_back(ward, server)
        await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)


async def _write(ward: Ward, dice: random.Random) -> None:
    for _ in range(WRITES):
        if not ward.written:
            await ward.create()
        else:
            await dice.choice((ward.create, ward.update, ward.delete, ward.read))()


async def test_a_full_disk_refuses_and_forgets_nothing(placed: tuple[Ward, EmbeddedPostgres], disk: Path) -> None:
    ward, server = placed
    filler = disk / "filler"
    _fill(filler)
    refused = 0
    for _ in range(MOST_WRITES):
        before = len(ward.failures)
        await ward.create()
        refused += len(ward.failures) > before
        if refused:
            break
        with filler.open("ab") as more:
            _grow(more.fileno())
        await _use_room(ward)
    assert refused, "the disk was never full"
    filler.unlink()
    await _come_back(ward, server)
    await ward.read()
    await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)


def _fill(filler: Path) -> None:
    """All the room there is."""
    with filler.open("wb") as file:
        _grow(file.fileno())


def _grow(file: int) -> None:
    piece = bytes(65536)
    try:
        while os.write(file, piece):
            pass
    except OSError:
        return


async def _use_room(ward: Ward) -> None:
    """The log before writing is a file of fixed size that is there already: have another begun."""
    try:
        await ward.world.owner.execute("select pg_switch_wal()")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return


async def test_a_disk_whose_writes_fail_stops_the_database_and_loses_nothing(
    placed: tuple[Ward, EmbeddedPostgres],
) -> None:
    """fsync answers EIO once: PostgreSQL must stop at once and recover from its log, not go on as if all were well."""
    ward, server = placed
    tracer = shutil.which("strace")
    if tracer is None:
        pytest.skip("to make fsync fail needs strace")
    postmaster = int((server.cluster / "postmaster.pid").read_text().split()[0])
    command = [tracer, "-f", "-qq", "-o", os.devnull, "-e", "trace=fdatasync,fsync", "-e"]
    inject = "inject=fdatasync,fsync:error=EIO:when=1"
    tracing = subprocess.Popen([*command, inject, "-p", str(postmaster)], stderr=subprocess.PIPE)
    try:
        for _ in range(MOST_WRITES):
            await ward.world.store.pool.expire_connections()  # a backend that is made from now on is traced
            await ward.create()
            if tracing.poll() is not None:
                pytest.skip("to make fsync fail needs the right to trace another process")
            if ward.failures:
                break
        assert ward.failures, "no write failed"
    finally:
        tracing.terminate()
        tracing.communicate()
    await _come_back(ward, server)
    await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)
