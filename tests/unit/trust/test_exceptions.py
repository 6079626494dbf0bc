"""What the page says a block cannot hide, and hides all the same, is what the decision does."""

from typing import Any

import pytest

from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.registries.directory import Directory
from helhed.trust.blocks.exceptions import exceptions
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.glass.tickets import Tickets
from tests.support.world import World

_SUBJECT = {"status": "active", "intent": "order", "medicationCodeableConcept": {"text": "x"}}
#: the least that each type needs
LEAST: dict[str, dict[str, Any]] = {
    "MedicationRequest": {**_SUBJECT, "subject": {}},
    "MedicationStatement": {"status": "active", "medicationCodeableConcept": {"text": "x"}, "subject": {}},
    "MedicationDispense": {"status": "completed", "medicationCodeableConcept": {"text": "x"}, "subject": {}},
    "MedicationAdministration": {"status": "completed", "medicationCodeableConcept": {"text": "x"}, "subject": {}, "effectiveDateTime": "2026-11-01"},
    "Immunization": {"status": "completed", "vaccineCode": {"text": "x"}, "patient": {}, "occurrenceDateTime": "2026-11-01"},
    "CarePlan": {"status": "active", "intent": "plan", "subject": {}},
    "Appointment": {"status": "booked", "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T10:20:00Z", "participant": [{"status": "accepted", "actor": {}}]},
    "RelatedPerson": {"patient": {}},
}  # fmt: skip
HIDDEN = [type_name for one in exceptions().all if one.hidden_here for type_name in one.types]


def about(value: Any, patient: str) -> Any:
    """With the patient in the empty places."""
    if isinstance(value, dict):
        return {"reference": patient} if not value else {name: about(one, patient) for name, one in value.items()}
    return [about(one, patient) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("type_name", HIDDEN)
async def test_what_is_said_to_be_hidden_here_is_hidden(world: World, type_name: str) -> None:
    ward = await world.organisation("Ward")
    patient = await world.patient(ward)
    await world.contact(patient, ward)
    doctor = world.professional(await world.employee(ward), ward)
    row = await world.put(
        world.system(ward), {"resourceType": type_name, **about(LEAST[type_name], f"Patient/{patient}")}
    )
    await world.store.read(doctor, type_name, row)
    await Blocks(world.store.pool).put(world.citizen(patient), Shape())
    with pytest.raises(Unknown):
        await world.store.read(doctor, type_name, row)


async def test_what_is_said_to_be_seen_all_the_same_is_seen(world: World) -> None:
    assert {one.name for one in exceptions().all if not one.hidden_here} == {
        "identity",
        "own-system",
        "break-glass",
        "yourself",
    }
    ward = await world.organisation("Ward")
    number = {"system": "urn:oid:1.2.208.176.1.2", "value": "1111110000"}
    patient = await world.patient(ward, identifier=[number])
    row = await world.observation(patient, ward)
    doctor = world.professional(await world.employee(ward), ward)
    await Blocks(world.store.pool).put(world.citizen(patient), Shape())
    assert (await Directory(world.store.pool).find_by_number(doctor, number["value"])).key == key_of(patient)  # type: ignore[union-attr]
    await world.delete(world.system(ward), "Observation", await world.observation(patient, ward))
    await world.store.read(world.citizen(patient), "Observation", row)
    await Tickets(world.store.pool).break_glass(doctor, key_of(patient), "danger")
    await world.store.read(doctor, "Observation", row)
