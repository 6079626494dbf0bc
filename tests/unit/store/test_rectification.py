"""A correction leaves the original readable for those who may see it: who wrote what, and when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.foundation.errors import Gone, Unknown
from tests.unit.store.scene import Scene


async def _corrected(scene: Scene, **more: Any) -> UUID:
    """A result that the hospital has corrected a day later."""
    wrong = scene.result(note=[{"text": "højre hånd"}])
    row = await scene.world.put(scene.custodian, wrong)
    later = replace(scene.custodian, at=scene.custodian.at + timedelta(days=1))
    right = scene.result(row, note=[{"text": "venstre hånd"}], **{"status": "corrected", **more})
    await scene.world.change(later, row, right)
    return row


async def test_the_citizen_and_who_treats_them_read_the_correction_and_the_original(scene: Scene) -> None:
    row = await _corrected(scene)
    for ask in (scene.citizen, scene.doctor):
        now = await scene.world.store.read(ask, "Observation", row)
        before = await scene.world.store.vread(ask, "Observation", row, 1)
        assert orjson.loads(now.body)["note"] == [{"text": "venstre hånd"}]
        assert orjson.loads(before.body)["note"] == [{"text": "højre hånd"}]
        assert now.updated - before.updated == timedelta(days=1)
        history = await scene.world.store.history(ask, "Observation", row, count=10)
        assert [one.version for one in history.matches] == [2, 1]


async def test_the_original_is_hidden_from_whom_the_row_is_hidden(scene: Scene) -> None:
    row = await _corrected(scene)
    with pytest.raises(Unknown):
        await scene.world.store.vread(scene.stranger, "Observation", row, 1)
    await scene.world.block(scene.patient)
    with pytest.raises(Unknown):
        await scene.world.store.vread(scene.doctor, "Observation", row, 1)


async def test_what_should_never_have_been_written_is_marked_and_its_original_stays(scene: Scene) -> None:
    row = await _corrected(scene, status="entered-in-error")
    assert (
        orjson.loads((await scene.world.store.read(scene.doctor, "Observation", row)).body)["status"]
        == "entered-in-error"
    )
    assert orjson.loads((await scene.world.store.vread(scene.citizen, "Observation", row, 1)).body)["status"] == "final"


async def test_deleting_is_no_way_to_make_the_past_unreadable(scene: Scene) -> None:
    row = await _corrected(scene)
    await scene.world.delete(scene.custodian, "Observation", row)
    with pytest.raises(Gone):
        await scene.world.store.read(scene.citizen, "Observation", row)
    before = await scene.world.store.vread(scene.citizen, "Observation", row, 1)
    assert orjson.loads(before.body)["note"] == [{"text": "højre hånd"}]


async def test_only_the_organisation_that_wrote_it_corrects_it(scene: Scene) -> None:
    row = await _corrected(scene)
    other = scene.world.system(scene.clinic)
    with pytest.raises(Exception, match="cannot be done here"):
        await scene.world.change(other, row, scene.result(row))
    assert (await scene.world.store.read(scene.citizen, "Observation", row)).version == 2
