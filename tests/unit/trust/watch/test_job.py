"""The job takes every look in once, whatever the order in which rows become visible, and opens a case once."""

from datetime import timedelta

import pytest

from helhed.foundation.database import connect
from helhed.foundation.ids import key_of
from tests.support.world import NOW
from tests.unit.trust.watch.conftest import ADMITTED, DECLARE, GLASS, LOOKUP, OVERVIEW, Watched

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def looks_taken_in(watched: Watched) -> int:
    return int(await watched.world.owner.fetchval("select coalesce(sum(looks), 0) from trust.watch_look"))


async def test_a_snooper_is_a_case_with_reasons_before_anybody_complains(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    assert (case.kind, case.state, case.owner) == ("person", "new", None)
    assert {one.signal for one in case.reasons} >= {"drip"}
    assert case.first_seen == NOW
    assert case.due_at > case.opened_at


async def test_whoever_treats_the_patient_is_no_case(watched: Watched):
    for n in range(200):
        await watched.looks(watched.snooper, watched.patient, NOW + timedelta(hours=n), basis=ADMITTED)
    await watched.run(NOW + timedelta(days=30))
    assert await watched.seen_by(watched.officer) == []


async def test_a_relation_that_is_registered_in_time_explains_a_declared_look(watched: Watched):
    for week in range(4):
        await watched.looks(watched.snooper, watched.patient, NOW + timedelta(days=7 * week), DECLARE)
        await watched.looks(watched.snooper, watched.patient, NOW + timedelta(days=7 * week, minutes=1))
    await watched.world.contact(watched.patient, watched.ward, period={"start": "2026-11-24", "end": "2027-01-24"})
    await watched.run(NOW + timedelta(days=40))
    assert await watched.seen_by(watched.officer) == []


async def test_a_row_that_becomes_visible_after_younger_ones_is_taken_in(watched: Watched):
    late = await connect(watched.world.target.owner)
    slow = late.transaction()
    await slow.start()
    await late.execute(
        "insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, "
        "versions, trace) values ($1, 2, $2, $3, 'doctor', 'test', 1, 9, true, 4, $4, '{}', '{}', gen_random_uuid())",
        NOW, watched.snooper.actor, watched.snooper.organisation, key_of(watched.patient),
    )  # fmt: skip
    await watched.looks(watched.snooper, watched.patient, NOW + timedelta(minutes=5))
    await watched.run(NOW + timedelta(minutes=10))
    assert await looks_taken_in(watched) == 1
    await slow.commit()
    await late.close()
    await watched.run(NOW + timedelta(minutes=12))
    assert await looks_taken_in(watched) == 2
    await watched.run(NOW + timedelta(hours=12))
    assert await looks_taken_in(watched) == 2


async def test_a_job_that_runs_again_and_again_counts_nothing_twice_and_opens_nothing_twice(watched: Watched):
    await watched.snoops()
    before = await looks_taken_in(watched)
    for minutes in range(0, 60, 20):
        await watched.run(NOW + timedelta(days=22, minutes=minutes))
    assert await looks_taken_in(watched) == before
    assert len(await watched.seen_by(watched.officer)) == 1


async def test_another_worker_leaves_the_log_to_the_one_that_has_it(watched: Watched):
    await watched.looks(watched.snooper, watched.patient, NOW)
    other = await connect(watched.world.target.owner)
    async with other.transaction():
        await other.execute("select pg_advisory_xact_lock(hashtext('trust.watch_take_in'))")
        done = await watched.job.run(NOW + timedelta(hours=1))
        assert (done.rows, done.until) == (0, None)
    await other.close()
    await watched.run(NOW + timedelta(hours=1))
    assert await looks_taken_in(watched) == 1


async def test_a_quiet_time_is_passed_over_in_one_step(watched: Watched):
    await watched.looks(watched.snooper, watched.patient, NOW)
    await watched.looks(watched.snooper, watched.patient, NOW + timedelta(days=60))
    done = await watched.job.run(NOW + timedelta(days=60, hours=1))
    assert done.until == NOW + timedelta(days=60, hours=1)
    assert await looks_taken_in(watched) == 2


async def test_who_breaks_the_glass_again_and_again_is_a_case(watched: Watched):
    for n in range(8):
        patient = await watched.world.patient(watched.hospital, f"Nr{n}")
        await watched.looks(watched.snooper, patient, NOW + timedelta(days=n), GLASS, 8)
        await watched.looks(watched.snooper, patient, NOW + timedelta(days=n, minutes=1), OVERVIEW, 8)
    await watched.run(NOW + timedelta(days=8))
    (case,) = await watched.seen_by(watched.officer)
    assert "break-glass" in {one.signal for one in case.reasons}


async def test_who_tries_numbers_is_a_case_the_same_day(watched: Watched):
    for n in range(60):
        await watched.looks(watched.snooper, None, NOW + timedelta(seconds=40 * n), LOOKUP, None)
    await watched.run(NOW + timedelta(hours=2))
    (case,) = await watched.seen_by(watched.officer)
    assert [one.signal for one in case.reasons] == ["enumeration"]


async def test_a_client_that_falls_silent_is_a_case(watched: Watched):
    rows = [(hour, NOW + timedelta(hours=24 * (hour // 120), seconds=hour % 120)) for hour in range(24 * 120)]
    await watched.world.owner.executemany(
        "insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, citizen, resources, versions, "
        "trace) values ($1, 3, 1, $2, 'system', 'epj', 3, 5, true, null, '{}', '{}', gen_random_uuid())",
        [(at, watched.snooper.organisation) for _, at in rows],
    )  # fmt: skip
    await watched.run(NOW + timedelta(days=24, hours=1))
    (case,) = await watched.seen_by(watched.officer)
    assert (case.kind, case.what, case.reasons[0].signal) == ("traffic", "epj", "traffic-silence")
