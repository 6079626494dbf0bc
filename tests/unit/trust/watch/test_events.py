"""Security events cost the door nothing, are counted together, and name no address, session or token."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import resources

import asyncpg
import pytest

from helhed.foundation.database import Connection, Target, connect, create_pool
from helhed.trust.watch.events import EventKind, SecurityEvents

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
async def owner(target: Target) -> AsyncIterator[Connection]:
    connection = await connect(target.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def events(target: Target) -> AsyncIterator[SecurityEvents]:
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        yield SecurityEvents(pool, b"0" * 32, lambda: NOW)


def test_each_kind_is_told_in_words():
    told = json.loads((resources.files("helhed.trust.policy") / "watch.json").read_text("utf-8"))["events"]
    assert {one["kind"] for one in told} == set(EventKind)
    assert all(one["da"] and one["en"] for one in told)


async def test_events_that_are_alike_are_one_row_with_their_number(events: SecurityEvents, owner: Connection):
    for _ in range(300):
        events.note(EventKind.TOKEN_REFUSED, place="192.0.2.7")
    events.note(EventKind.TOKEN_REFUSED, place="192.0.2.8")
    assert await events.write() == 2
    assert sorted(row["times"] for row in await owner.fetch("select times from trust.watch_event")) == [1, 300]


async def test_neither_an_address_nor_a_session_stands_in_the_table(events: SecurityEvents, owner: Connection):
    events.note(EventKind.TOKEN_USED, actor=7, client="a\x00pp\n", place="192.0.2.7", session="secret-token")
    await events.write()
    row = await owner.fetchrow("select e.*, e::text as whole from trust.watch_event e")
    assert row is not None
    assert (row["actor"], row["client"]) == (7, "app")
    assert "192.0.2.7" not in row["whole"]
    assert "secret-token" not in row["whole"]
    assert b"secret-token".hex() not in row["whole"]


async def test_a_flood_from_everywhere_takes_bounded_memory_and_is_still_counted(
    events: SecurityEvents, owner: Connection
):
    for n in range(6000):
        events.note(EventKind.LOGIN_REFUSED, place=f"place {n}")
    assert await events.write() < 4200
    assert await owner.fetchval("select sum(times) from trust.watch_event") == 6000


async def test_what_cannot_be_written_waits_for_the_next_time(target: Target, owner: Connection):
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        events = SecurityEvents(pool, b"0" * 32, lambda: NOW)
        right = (
            "execute on function trust.security_event(text, timestamptz, int, bigint, bigint, text, bytea, bytea, uuid)"
        )
        await owner.execute(f"revoke {right} from helhed_app")
        events.note(EventKind.REPLAY)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await events.write()
        await owner.execute(f"grant {right} to helhed_app")
        events.note(EventKind.REPLAY)
        await events.write()
    assert [row["times"] for row in await owner.fetch("select times from trust.watch_event")] == [2]
