"""An answer has a size beyond which it is refused in plain words, whatever it is put together from; the look is logged."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from helhed.fhir.query import parse_search
from helhed.fhir.store.plan import as_wish
from helhed.fhir.store.searching import RecordSearch
from helhed.foundation.database import Target
from helhed.foundation.errors import TooCostly
from helhed.foundation.settings import Settings
from tests.support.door import Door, ids
from tests.support.world import World
from tests.unit.store.scene import Scene, entry

MOST = 20_000
OK, TOO_LARGE = 200, 413
LONG: dict[str, Any] = {"note": [{"text": "x" * 5_000}]}


@pytest.fixture
async def small(target: Target, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene in a network that gives small answers; the citizen has eight results too many for one."""
    world = await World.open(target, Settings(data_dir=tmp_path, demo=True, max_answer_bytes=MOST))
    scene = await Scene(world).set()
    for _ in range(8):
        await world.observation(scene.patient, scene.hospital, **LONG)
    yield scene
    await world.close()


def searches(scene: Scene) -> list[str]:
    """Searches whose answers would be too large, each for its own reason."""
    return [
        f"Observation?patient=Patient/{scene.patient}",
        f"Observation?patient=Patient/{scene.patient}&_sort=date",
        f"Patient?_id={scene.patient}&_revinclude=Observation:subject",
    ]


def told(answer: Any) -> tuple[str, str]:
    """Code and sentence of an OperationOutcome."""
    return answer["issue"][0]["code"], answer["issue"][0]["diagnostics"]


async def looks(scene: Scene) -> int:
    """How often the doctor has looked at the citizen."""
    return sum(row["actor"] == scene.doctor.actor for row in await scene.world.log(scene.patient))


async def test_a_search_whose_answer_is_too_large_says_ask_for_fewer_and_is_logged(small: Scene) -> None:
    door = Door(small.world, small.doctor)
    for url in searches(small):
        before = await looks(small)
        status, answer = await door.get(f"/fhir/{url}")
        code, sentence = told(answer)
        assert (status, code) == (TOO_LARGE, "too-costly"), url
        assert "ask for fewer (_count" in sentence
        assert await looks(small) == before + 1


async def test_fewer_of_the_same_are_answered_to_the_end(small: Scene) -> None:
    door = Door(small.world, small.doctor)
    status, answer = await door.get(f"/fhir/Observation?patient=Patient/{small.patient}&_count=2")
    found = ids(answer)
    while following := [one["url"] for one in answer["link"] if one["relation"] == "next"]:
        status, answer = await door.get(following[0])
        found += ids(answer)
    assert (status, len(set(found))) == (OK, 9)


async def test_a_large_search_does_not_spoil_the_small_one_beside_it(small: Scene) -> None:
    world, other = small.world, await small.world.patient(small.hospital, "Lille")
    await world.contact(other, small.ward)
    result = await world.observation(other, small.hospital)
    asked = [as_wish(parse_search("Observation", [("patient", f"Patient/{one}")])) for one in (small.patient, other)]
    searches = [RecordSearch(small.doctor, "Observation", wish) for wish in asked if wish]
    refused, answered = await world.store.record_searches._run(searches)
    assert isinstance(refused, TooCostly)
    assert not isinstance(answered, Exception)
    assert [one.id for one in answered[0]] == [result]


async def test_a_history_that_is_too_large_is_refused_and_fewer_versions_are_not(small: Scene) -> None:
    for _ in range(5):
        await small.world.change(small.custodian, small.observation, small.result(small.observation, **LONG))
    door, path = Door(small.world, small.doctor), f"/fhir/Observation/{small.observation}/_history"
    status, answer = await door.get(path)
    assert (status, told(answer)[0]) == (TOO_LARGE, "too-costly")
    assert (await door.get(f"{path}?_count=2"))[0] == OK


async def test_a_batch_gives_what_fits_and_says_of_the_rest_that_it_does_not(small: Scene) -> None:
    pages = [entry("GET", f"Observation?patient=Patient/{small.patient}&_count=2") for _ in range(4)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": pages}
    status, answer = await Door(small.world, small.doctor).post("/fhir", bundle)
    assert status == OK
    assert [one["response"]["status"] for one in answer["entry"]] == ["200", "413", "413", "413"]
    assert told(answer["entry"][-1]["response"]["outcome"])[0] == "too-costly"


async def test_a_transaction_that_reads_too_much_is_undone_and_its_looks_stand(small: Scene) -> None:
    pages = [entry("GET", f"Observation?patient=Patient/{small.patient}&_count=2") for _ in range(4)]
    before = await looks(small)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": pages}
    status, answer = await Door(small.world, small.doctor).post("/fhir", bundle)
    assert (status, told(answer)[0]) == (TOO_LARGE, "too-costly")
    assert await looks(small) > before
