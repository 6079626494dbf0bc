"""Rows become leaves once each, in whatever order they are committed and whoever is killed."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

import orjson
import pytest

from helhed.commands.auditing import audit
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, connect
from helhed.trust.evidence import sequencing
from helhed.trust.evidence.sequencing import KeyWithoutConsent, NotTheOnlyOne, Sequencer
from helhed.trust.verifier import Trusted, verify
from helhed.trust.verifier.heads import check_head, check_keys
from tests.support.provable import KEY, TRUSTED, ProvableLog

ROW = """
insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, citizen, resources, versions, trace)
select now(), 3, 7, 'system', 'test', 3, 1, true, $1 + n % 5, '{}', '{}', gen_random_uuid() from generate_series(1, $2) n returning id"""


async def written(connection: Connection, rows: int = 1, citizen: int = 1) -> list[int]:
    return [row[0] for row in await connection.fetch(ROW, citizen, rows)]


async def sequenced(log: ProvableLog) -> list[int]:
    found = await log.world.owner.fetch("select events from foundation.log_rows order by tile")
    return [event for row in found for event in row["events"]]


async def rows(log: ProvableLog) -> list[int]:
    return [row[0] for row in await log.world.owner.fetch("select id from foundation.access_log order by id")]


async def test_a_row_that_is_committed_late_is_sequenced_late_and_holds_nobody_up(log: ProvableLog) -> None:
    late = await connect(log.world.target.owner)
    transaction = late.transaction()
    await transaction.start()
    first = await written(late)
    others = await written(log.world.owner, 3)
    await log.catch_up()
    assert await sequenced(log) == others
    await transaction.commit()
    await late.close()
    await log.catch_up()
    assert await sequenced(log) == [*others, *first]


async def test_a_row_of_a_savepoint_and_of_many_open_transactions_is_sequenced_once(log: ProvableLog) -> None:
    connections = [await connect(log.world.target.owner) for _ in range(6)]
    transactions = [connection.transaction() for connection in connections]
    for connection, transaction in zip(connections, transactions, strict=True):
        await transaction.start()
        async with connection.transaction():
            await written(connection, 2)
        await log.catch_up()
    for transaction in reversed(transactions):
        await transaction.commit()
        await log.catch_up()
    for connection in connections:
        await connection.close()
    assert sorted(await sequenced(log)) == await rows(log)


async def test_a_row_that_is_taken_back_is_no_leaf(log: ProvableLog) -> None:
    async with log.world.owner.transaction():
        await written(log.world.owner)
        await log.catch_up()
        raise_later = log.world.owner.transaction()
        await raise_later.start()
        await written(log.world.owner)
        await raise_later.rollback()
    await log.catch_up()
    assert await sequenced(log) == await rows(log)


async def test_nothing_new_makes_no_head(log: ProvableLog) -> None:
    await written(log.world.owner)
    await log.catch_up()
    await log.catch_up()
    assert await log.world.owner.fetchval("select count(*) from foundation.log_head") == 1


@pytest.mark.parametrize("many", [2, 1000])
async def test_rows_from_before_are_caught_up_with(
    log: ProvableLog, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Those that an earlier release wrote have no transaction; new ones come meanwhile, also with lower numbers."""
    monkeypatch.setattr(sequencing, "CATCH_UP", many)
    late = await connect(log.world.target.owner)
    transaction = late.transaction()
    await transaction.start()
    lower = await written(late, 2)
    await log.world.owner.execute("select nextval('foundation.access_log_id_seq') from generate_series(1, 200)")
    assert min(await written(log.world.owner, 7)) > max(lower)
    await log.world.owner.execute("update foundation.access_log set transaction = null")
    await log.sequencer.round()
    await transaction.commit()
    await late.close()
    await written(log.world.owner, 4)
    await log.catch_up()
    await written(log.world.owner, 2)
    await log.catch_up()
    assert sorted(await sequenced(log)) == await rows(log)
    assert await log.sequencer.round() == 0


async def test_where_transactions_are_counted_anew_none_is_skipped_and_none_taken_twice(log: ProvableLog) -> None:
    """As in a copy that was restored into another cluster."""
    await written(log.world.owner, 5)
    await log.catch_up()
    await log.world.owner.execute(
        "update foundation.log_state set system_id = 1, snapshot = '9000000000:9000000000:'::pg_snapshot"
    )
    await written(log.world.owner, 5)
    await log.catch_up()
    await written(log.world.owner, 2)
    await log.catch_up()
    assert sorted(await sequenced(log)) == await rows(log)


async def test_a_round_that_is_ended_in_its_middle_never_was(log: ProvableLog) -> None:
    await written(log.world.owner, 300)
    pid = await log.connection.fetchval("select pg_backend_pid()")
    original = log.sequencer._sign

    async def dies() -> None:
        await log.world.owner.execute("select pg_terminate_backend($1)", pid)
        await original()

    log.sequencer._sign = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Exception, match=r"terminat|closed"):
        await log.sequencer.round()
    assert await sequenced(log) == []
    again = await ProvableLog.open(log.world)
    await again.catch_up()
    assert await sequenced(log) == await rows(log)
    await again.close()


_WORKER = """
import asyncio, sys
from helhed.foundation.clock import system_clock
from helhed.foundation.database import connect
from helhed.trust.evidence.sequencing import NotTheOnlyOne, Sequencer
async def main():
    connection = await connect({arguments!r})
    while True:
        try:
            sequencer = await Sequencer.open(connection, system_clock, [b"k" * 32])
            break
        except NotTheOnlyOne:
            pass
    print("begun", flush=True)
    while True:
        await sequencer.round()
        print("round", flush=True)
asyncio.run(main())
"""


async def test_whoever_sequences_may_be_killed_whenever(log: ProvableLog) -> None:
    await log.close()
    program = _WORKER.format(arguments=log.world.target.owner)
    for lives in (1, 2, 4):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(lives + 1):
            await asyncio.to_thread(process.stdout.readline)
            await written(log.world.owner, 200)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    while True:
        try:
            again = await ProvableLog.open(log.world)
            break
        except NotTheOnlyOne:
            await asyncio.sleep(0)
    await again.catch_up()
    assert sorted(await sequenced(log)) == await rows(log)
    assert await audit(log.world.owner, [])
    await again.close()


async def test_one_sequences_at_a_time(log: ProvableLog) -> None:
    connection = await connect(log.world.target.owner)
    with pytest.raises(NotTheOnlyOne):
        await Sequencer.open(connection, system_clock, [KEY])
    await connection.close()


async def test_the_sequencer_may_read_no_row(log: ProvableLog) -> None:
    """It is given leaves."""
    with pytest.raises(Exception, match="permission denied"):
        await log.connection.fetch("select * from foundation.access_log")


async def test_after_a_change_of_keys_old_heads_hold_and_new_ones_too(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    before = orjson.dumps(await log.export(patient))
    await log.close()
    again = await ProvableLog.open(log.world, [b"n" * 32, KEY])
    after = await again.export(patient)
    await again.close()
    assert [key["endorser"] for key in after["keys"]] == [0, 1]
    assert verify(orjson.dumps(after), Trusted(TRUSTED, earlier=before)).since
    keys = check_keys(bytes.fromhex(after["log"]), after["keys"])
    for row in await log.world.owner.fetch("select body, signature from foundation.log_head"):
        check_head(bytes.fromhex(after["log"]), keys, {"body": row["body"], "signature": row["signature"].hex()})


async def test_a_key_that_no_earlier_one_consents_to_signs_nothing(log: ProvableLog) -> None:
    await log.catch_up()
    await log.close()
    connection = await connect(log.world.target.owner)
    with pytest.raises(KeyWithoutConsent):
        await Sequencer.open(connection, system_clock, [b"n" * 32])
    await connection.close()


async def test_time_that_goes_back_makes_no_head_older_than_the_one_before(log: ProvableLog) -> None:
    await written(log.world.owner)
    await log.catch_up()
    log.now -= timedelta(hours=1)
    await written(log.world.owner)
    await log.catch_up()
    ats = [row[0] for row in await log.world.owner.fetch("select at from foundation.log_head order by number")]
    assert ats == sorted(ats)
