"""Those who run the network see how the log stands, and are told when it falls behind."""

from datetime import timedelta

from helhed.api.log_watch import LATE, log_alarms, measure_log
from helhed.foundation import metrics
from helhed.foundation.clock import system_clock
from helhed.foundation.metrics import exposition
from helhed.trust.evidence.watching import log_state
from tests.support.provable import ProvableLog
from tests.unit.evidence.test_sequencing import written


async def test_a_row_that_waits_longer_than_a_minute_is_an_alarm(log: ProvableLog) -> None:
    await written(log.world.owner, 2)
    await log.catch_up()
    pool = log.world.store.pool
    assert await log_alarms(pool) == []
    await written(log.world.owner)
    assert await log_alarms(pool) == []
    assert await log_alarms(pool, lambda: system_clock() + timedelta(seconds=61)) == [LATE]
    await log.catch_up()
    assert await log_alarms(pool, lambda: system_clock() + timedelta(seconds=61)) == []


async def test_a_log_that_nobody_sequences_is_an_alarm(log: ProvableLog) -> None:
    await log.close()
    await log.world.owner.execute("delete from foundation.log_state")
    await written(log.world.owner)
    assert await log_alarms(log.world.store.pool, lambda: system_clock() + timedelta(seconds=61)) == [LATE]


async def test_the_numbers_say_how_far_the_log_and_its_slowest_witness_are(log: ProvableLog) -> None:
    for _ in range(3):
        await written(log.world.owner, 2)
        await log.catch_up()
        await log.cosign(
            ["region"]
            if await log.world.owner.fetchval("select max(number) > 1 from foundation.log_head")
            else ["region", "patients"]
        )
    state = await log_state(log.world.store.pool, log.now)
    assert (state.size, state.head, state.behind, state.waiting) == (6, 3, 2, 0.0)
    await measure_log(log.world.store.pool)
    told = exposition(metrics.NETWORK).decode()
    assert "helhed_log_leaves 6.0" in told
    assert "helhed_log_witnesses_behind 2.0" in told
