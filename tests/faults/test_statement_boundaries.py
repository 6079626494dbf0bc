"""The wire to the database fails at each statement of each request: what was acknowledged stands, the rest is whole or absent."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.faults.oracles import hold, terms_are_those_of_the_content
from tests.faults.ward import Ward
from tests.faults.wire import Fault, Wire
from tests.support.world import World

KINDS = ("before", "lost answer", "torn", "half", "late", "struck")
CHEAP = ("lost answer",)
_STRIKE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'helhed_app'"
_PATIENCE = 30
_MOST = 60  # messages of one request


@pytest.fixture
async def ward(target: Target, tmp_path: Path) -> AsyncIterator[Ward]:
    """A ward whose database is reached by a wire."""
    folder = Path(tempfile.mkdtemp(prefix="wire"))
    wire = await Wire(folder, Path(target.owner["host"])).start()
    by_wire = replace(target, application={**target.application, "host": str(folder)})
    world = await World.open(by_wire, Settings(data_dir=tmp_path, demo=True))
    wire.strike = lambda: world.owner.execute(_STRIKE)
    yield await Ward(world, wire).open()
    wire.expect(Fault())
    await world.close()
    await wire.stop()
    shutil.rmtree(folder)


REQUESTS: dict[str, Callable[[Ward], Awaitable[None]]] = {
    "create": Ward.create,
    "update": Ward.update,
    "transaction": Ward.transaction,
    "delete": Ward.delete,
    "read": Ward.read,
    "search": Ward.search,
    "block": Ward.forbid,
}


async def _sweep(ward: Ward, wire: Wire, request: Callable[[Ward], Awaitable[None]], kind: str) -> int:
    """The fault at each message of the request in turn, until the request is over before it; how many there were."""
    for at in range(1, _MOST):
        wire.expect(Fault())
        await asyncio.wait_for(_until_well(ward), _PATIENCE)
        wire.expect(Fault(kind, at))
        await asyncio.wait_for(request(ward), _PATIENCE)
        reached = wire.seen
        wire.expect(Fault())
        if reached < at:
            return at - 1
    raise AssertionError("the request had no end")


async def _until_well(ward: Ward) -> None:
    """A create and a read are answered again."""
    while True:
        told = len(ward.failures)
        await ward.create()
        if len(ward.failures) > told:
            continue
        await ward.read()
        if len(ward.failures) == told:
            return


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize(
    "kind", [kind if kind in CHEAP else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]
)
async def test_the_wire_fails_at_each_statement(ward: Ward, kind: str, request_name: str) -> None:
    assert ward.wire is not None
    assert await _sweep(ward, ward.wire, REQUESTS[request_name], kind) > 0
    assert set(ward.failures) <= {409, 503}, "an outage is said to be one"
    await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)
