"""A purge among others: what is written, read, killed or broken meanwhile leaves the whole or nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.purging import Proposal
from helhed.fhir.store.rows import ask_row
from helhed.foundation.database import Connection, connect
from helhed.foundation.errors import Conflict, MethodNotAllowed, Unknown
from helhed.foundation.lanes import LOST
from tests.unit.store.purging import Ward

pytestmark = pytest.mark.asyncio(loop_scope="module")
_APPROVE = "select problem from fhir.approve_purge($1::fhir.ask, $2, $3::smallint, $4)"
_WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture(loop_scope="module")
async def another(ward: Ward) -> AsyncIterator[Connection]:
    """A connection of somebody else."""
    connection = await connect(ward.world.target.owner)
    yield connection
    await connection.close()


async def _approved(connection: Connection, ward: Ward, proposal: Proposal) -> Any:
    values = (ask_row(ward.staff.other), proposal.id, TYPE_NUMBERS["Patient"], proposal.seal)
    return await connection.fetchval(_APPROVE, *values)


async def _somebody_waits(ward: Ward) -> None:
    while not await ward.world.owner.fetchval(_WAITING):
        await asyncio.sleep(0)


async def _is_whole(ward: Ward, row: UUID) -> bool:
    """Three versions, index rows among them, and no tombstone."""
    versions = await ward.world.store.history(ward.world.citizen(ward.wrong), "Observation", row, count=10)
    found = await ward.world.found(ward.world.citizen(ward.wrong), f"Observation?value-string={ward.marker}")
    actions = [one["action"] for one in await ward.world.log(ward.wrong)]
    return len(versions.matches) == 3 and found == [row] and 43 not in actions


async def test_a_writer_who_waits_for_a_purge_finds_nothing_there(ward: Ward, another: Connection) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    async with another.transaction():
        assert await _approved(another, ward, proposal) is None
        writing = asyncio.create_task(ward.world.change(ward.world.system(ward.hospital), row, ward.content(row)))
        await _somebody_waits(ward)
    with pytest.raises(MethodNotAllowed):
        await writing
    assert await ward.found() == set()


async def test_a_purge_that_waits_for_a_writer_is_refused_what_it_has_not_seen(ward: Ward, another: Connection) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    async with another.transaction():
        await another.execute("update fhir.resource set version = version + 1 where id = $1", row)
        purging = asyncio.create_task(ward.staff.approve(proposal))
        await _somebody_waits(ward)
    with pytest.raises(Conflict):
        await purging
    assert "fhir.version.body" in await ward.found()


async def test_two_approvals_at_once_purge_once(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    both = await asyncio.gather(ward.staff.approve(proposal), ward.staff.approve(proposal), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["Purged", "Unknown"]
    assert [one["action"] for one in await ward.world.log(ward.wrong) if one["permitted"]].count(43) == 1


async def test_readers_meanwhile_see_the_whole_row_or_nothing(ward: Ward) -> None:
    row = await ward.planted()
    citizen = ward.world.citizen(ward.wrong)
    proposal = await ward.staff.propose(("Observation", row))
    reads = [asyncio.create_task(_read(ward, citizen, row)) for _ in range(40)]
    purging = asyncio.create_task(ward.staff.approve(proposal))
    reads += [asyncio.create_task(_read(ward, citizen, row)) for _ in range(40)]
    await purging
    assert set(await asyncio.gather(*reads)) <= {"whole", "nothing"}
    assert await _read(ward, citizen, row) == "nothing"


async def _read(ward: Ward, ask: Any, row: UUID) -> str:
    try:
        version = await ward.world.store.read(ask, "Observation", row)
    except Unknown:
        return "nothing"
    return "whole" if version.version == 3 and ward.marker.encode() in version.body else "torn"


async def test_a_connection_that_is_lost_before_the_end_leaves_everything(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    lost = await connect(ward.world.target.owner)
    await lost.execute("begin")
    assert await _approved(lost, ward, proposal) is None
    await ward.world.owner.execute("select pg_terminate_backend($1)", lost.get_server_pid())
    with pytest.raises(LOST):
        await lost.execute("commit")
    assert await _is_whole(ward, row)
    await ward.staff.approve(proposal)
    assert await ward.found() == set()


@pytest.mark.parametrize("step", ["forget_facts(uuid[])", "forget_samples(text[])", "log_tombstone(fhir.ask, uuid)"])
async def test_a_step_that_fails_leaves_everything(ward: Ward, another: Connection, step: str) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    name, _, types = step.partition("(")
    before = await another.fetchval("select pg_get_functiondef($1::text::regprocedure)", f"fhir.{step}")
    names = ", ".join(one for one in before.partition("(")[2].partition(")")[0].split(", "))
    assert types
    await another.execute(
        f"create or replace function fhir.{name}({names}) returns void language plpgsql as $$ begin raise exception 'broken'; end $$"
    )
    try:
        with pytest.raises(asyncpg.RaiseError):
            await ward.staff.approve(proposal)
    finally:
        await another.execute(before)
    assert await _is_whole(ward, row)
