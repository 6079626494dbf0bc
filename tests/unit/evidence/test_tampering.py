"""Whoever owns the database takes a row out, or changes one: both verifiers say so, and so does the audit."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.commands.auditing import NotWhole, audit
from helhed.commands.retaining import retain
from helhed.foundation.ids import key_of
from helhed.trust.verifier import Faulty, Trusted, verify
from tests.support.provable import TRUSTED, ProvableLog
from tests.unit.evidence.verifiers import browser_says, word_of

pytestmark = pytest.mark.usefixtures("log")


async def a_citizen(log: ProvableLog) -> tuple[UUID, UUID]:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    for _ in range(3):
        await log.world.observation(patient, clinic)
    await log.catch_up()
    return patient, clinic


async def both_say(export: Any, tmp_path: Path, earlier: bytes | None = None) -> str:
    """The word of both verifiers, which must be one."""
    trusted = {
        "witnesses": [key.hex() for key in TRUSTED],
        "log": export["log"],
        "citizens": [],
        "earlier": earlier.decode() if earlier else None,
    }
    python = word_of(export, trusted)
    assert browser_says(tmp_path, export, trusted) == python
    return python


ONE = "(select id from foundation.access_log where citizen = $1 and action = 5 order by id limit 1)"


async def test_a_deleted_row_is_missed(log: ProvableLog, tmp_path: Path) -> None:
    patient, _ = await a_citizen(log)
    assert await both_say(await log.export(patient), tmp_path) == "whole"
    await log.world.owner.execute(f"delete from foundation.access_log where id = {ONE}", key_of(patient))
    assert await both_say(await log.export(patient), tmp_path) == "missing"
    with pytest.raises(NotWhole, match="gone"):
        await audit(log.world.owner, [])


CHANGES = (
    ["actor = actor + 1", "at = at - interval '1 hour'", "permitted = not permitted", "resources = '{}'", "purpose = 2",
     "role = 'doctor'", "organisation = 1", "concerned = array[5]", "trace = gen_random_uuid()", "basis = null", "type = 1"]
)  # fmt: skip


async def test_a_change_of_any_column_is_noticed(log: ProvableLog) -> None:
    patient, _ = await a_citizen(log)
    for change in CHANGES:
        undone = log.world.owner.transaction()
        await undone.start()
        await log.world.owner.execute(f"update foundation.access_log set {change} where id = {ONE}", key_of(patient))
        with pytest.raises(NotWhole, match="changed"):
            await audit(log.world.owner, [])
        await undone.rollback()
    assert await audit(log.world.owner, [])


async def test_an_edited_row_is_noticed_by_the_browser_too(log: ProvableLog, tmp_path: Path) -> None:
    patient, _ = await a_citizen(log)
    await log.world.owner.execute(f"update foundation.access_log set actor = 5 where id = {ONE}", key_of(patient))
    assert await both_say(await log.export(patient), tmp_path) == "inclusion"


async def test_a_row_taken_out_of_the_chain_as_well_is_missed(log: ProvableLog, tmp_path: Path) -> None:
    """The row and its place in the chain: the map has another chain."""
    patient, _ = await a_citizen(log)
    await log.world.owner.execute(
        "update foundation.log_entry set positions = positions[2:], events = events[2:] where citizen = $1 and array_length(events, 1) > 1",
        key_of(patient),
    )
    assert await both_say(await log.export(patient), tmp_path) == "map"


async def test_a_row_moved_to_somebody_else_is_missed(log: ProvableLog, tmp_path: Path) -> None:
    patient, clinic = await a_citizen(log)
    other = await log.world.patient(clinic)
    await log.catch_up()
    await log.world.owner.execute(
        f"update foundation.access_log set citizen = $2 where id = {ONE}", key_of(patient), key_of(other)
    )
    assert await both_say(await log.export(patient), tmp_path) == "missing"


async def test_a_chain_rewritten_from_its_beginning_is_a_rollback_to_who_kept_an_export(
    log: ProvableLog, tmp_path: Path
) -> None:
    """Whoever runs the log can sign a shorter chain: who took their log out before can prove it."""
    patient, _ = await a_citizen(log)
    kept = orjson.dumps(await log.export(patient))
    for table in ("log_entry", "log_chain"):
        await log.world.owner.execute(f"delete from foundation.{table} where citizen = $1", key_of(patient))
    export = await log.export(patient)
    assert await both_say(export, tmp_path) == "whole"
    assert await both_say(export, tmp_path, kept) == "rollback"


async def test_rows_let_go_by_age_are_told_apart_from_rows_that_were_taken(log: ProvableLog, tmp_path: Path) -> None:
    patient, _ = await a_citizen(log)
    await log.cosign()
    had = len(await log.world.log(patient))
    log.now += timedelta(days=5 * 366)
    await retain(log.world.owner, log.now, dry=False)
    assert await log.world.log(patient) == []
    assert await log.world.owner.fetchval("select count(*) from foundation.log_secret") == 0
    export = await log.export(patient)
    assert await both_say(export, tmp_path) == "whole"
    found = verify(orjson.dumps(export), Trusted(TRUSTED))
    assert (found.events, found.gone) == (had + 1, had)
    await log.world.owner.execute("delete from foundation.access_log where citizen = $1", key_of(patient))
    assert await both_say(await log.export(patient), tmp_path) == "missing"


async def test_without_a_witness_of_then_nothing_is_gone_by_its_age(log: ProvableLog, tmp_path: Path) -> None:
    patient, _ = await a_citizen(log)
    log.now += timedelta(days=5 * 366)
    await retain(log.world.owner, log.now, dry=False)
    assert await both_say(await log.export(patient), tmp_path) == "missing"


async def test_an_export_of_nobody_is_no_export(log: ProvableLog) -> None:
    with pytest.raises(Faulty):
        verify(b"{}")
