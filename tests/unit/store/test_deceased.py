"""Patient.deceased is a question that every patient answers: who is not said to be dead is not deceased."""

from typing import Any

import pytest

from tests.support.door import Door, ids
from tests.unit.store.scene import Scene


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("deceased=true", "boolean moment"),
        ("deceased=false", "silent denied"),
        ("deceased:not=true", "silent denied"),
        ("deceased:not=false", "boolean moment"),
        ("deceased=true,false", "boolean moment silent denied"),
    ],
)
async def test_who_is_not_said_to_be_dead_is_not_deceased(scene: Scene, asked: str, found: str) -> None:
    told: dict[str, dict[str, Any]] = {
        "boolean": {"deceasedBoolean": True},
        "moment": {"deceasedDateTime": "2026-01-02"},
        "silent": {},
        "denied": {"deceasedBoolean": False},
    }
    people = {name: await scene.world.patient(scene.hospital, name, **more) for name, more in told.items()}
    for patient in people.values():
        await scene.world.contact(patient, scene.ward)
    names = {str(patient): name for name, patient in people.items()}
    status, answer = await Door(scene.world, scene.doctor).get(f"/fhir/Patient?{asked}&_count=200")
    assert status == 200
    assert sorted(names[one] for one in ids(answer) if one in names) == sorted(found.split())


async def test_it_is_true_or_false(scene: Scene) -> None:
    status, answer = await Door(scene.world, scene.doctor).get("/fhir/Patient?deceased=perhaps")
    assert (status, "deceased" in answer["issue"][0]["diagnostics"]) == (400, True)
