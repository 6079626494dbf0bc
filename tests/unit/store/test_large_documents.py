"""Large documents: what they may weigh, and that others are served while one is worked on."""

import asyncio
import threading
from typing import Any

import pytest

from helhed.api import interactions
from helhed.fhir import transaction
from helhed.fhir.store import writing
from helhed.foundation.aside import LARGE
from tests.support.door import Door
from tests.unit.store.scene import Scene, entry

MOST = 200
CREATED, OK, TOO_LARGE = 201, 200, 413
NOT_LONGER_THAN = 20  #: seconds, when the test fails


def components(many: int) -> dict[str, Any]:
    """Something that is checked and indexed piece by piece."""
    return {"component": [{"code": {"text": "x"}} for _ in range(many)]}


async def test_a_resource_of_too_many_elements_is_refused_before_it_is_parsed(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(interactions, "parse_json", lambda *_, **__: pytest.fail("parsed"))
    door = Door(scene.world, scene.custodian, max_resource_elements=MOST)
    status, told = await door.post("/fhir/Observation", scene.result(**components(MOST)))
    assert (status, told["issue"][0]["code"]) == (TOO_LARGE, "too-costly")
    assert "send it as several" in told["issue"][0]["diagnostics"]


async def test_a_long_document_weighs_little_whatever_its_text_holds(scene: Scene) -> None:
    door = Door(scene.world, scene.custodian, max_resource_elements=MOST)
    text = scene.result(note=[{"text": 'a,{[",' * 50_000}])
    assert (await door.post("/fhir/Observation", text))[0] == CREATED


async def test_a_heavy_entry_is_refused_alone_in_a_batch_and_with_all_in_a_transaction(scene: Scene) -> None:
    door = Door(scene.world, scene.custodian, max_resource_elements=MOST)
    entries = [entry("POST", "Observation", scene.result(**more)) for more in (components(MOST), {})]
    status, answer = await door.post("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert (status, [one["response"]["status"] for one in answer["entry"]]) == (OK, ["413", "201"])
    status, told = await door.post("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert (status, told["issue"][0]["expression"]) == (TOO_LARGE, ["Bundle.entry[0].resource"])


@pytest.mark.parametrize(
    ("room", "step", "kind"),
    [
        (interactions, "parse_json", "resource"),
        (interactions, "check_storable", "resource"),
        (writing, "add_row", "resource"),
        (interactions, "parse_json", "transaction"),
        (transaction, "check_storable", "transaction"),
        (transaction, "items_of", "batch"),
        (transaction, "check_storable", "batch"),
    ],
)
async def test_others_are_served_while_a_large_document_is_worked_on(
    scene: Scene, monkeypatch: Any, room: Any, step: str, kind: str
) -> None:
    begun, served = threading.Event(), threading.Event()
    real = getattr(room, step)

    def slowly(*given: Any, **more: Any) -> Any:
        begun.set()
        assert served.wait(NOT_LONGER_THAN), "nobody was served meanwhile"
        return real(*given, **more)

    monkeypatch.setattr(room, step, slowly)
    resource = scene.result(note=[{"text": "x" * LARGE}])
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry("POST", "Observation", resource)]}
    large = Door(scene.world, scene.custodian)
    sending = asyncio.create_task(
        large.post(*(("/fhir/Observation", resource) if kind == "resource" else ("/fhir", bundle)))
    )
    while not begun.is_set():
        assert not sending.done(), f"{step} was not asked"
        await asyncio.sleep(0)
    status, _ = await Door(scene.world, scene.citizen).get(f"/fhir/Patient/{scene.patient}")
    served.set()
    assert status == OK
    assert (await sending)[0] in {OK, CREATED}
