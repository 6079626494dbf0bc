"""Searches that name codes by a value set or a hierarchy."""

from typing import Any
from uuid import UUID

import pytest

from helhed.foundation.errors import BadRequest
from tests.support.world import World

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


async def _some(world: World) -> tuple[UUID, dict[str, UUID]]:
    hospital = await world.organisation("Sygehus")
    system = world.system(hospital)
    patient = await world.put(
        system,
        {
            "resourceType": "Patient",
            "gender": "female",
            "identifier": [
                {
                    "system": "http://example.org/mrn",
                    "value": "17",
                    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                }
            ],
        },
    )
    put: dict[str, UUID] = {}
    for code in ("AMB", "IMP", "ACUTE", "x"):
        encounter: dict[str, Any] = {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": ACT if code != "x" else "http://example.org/own", "code": code},
            "subject": {"reference": f"Patient/{patient}"},
        }
        put[code] = await world.put(system, encounter)
    return patient, put


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", {"AMB", "IMP", "ACUTE"}),
        ("Encounter?class:not-in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", {"x"}),
        (f"Encounter?class:below={ACT}|IMP", {"IMP", "ACUTE"}),
        (f"Encounter?class:above={ACT}|ACUTE", {"IMP", "ACUTE"}),
        (f"Encounter?class:below={ACT}|AMB", {"AMB"}),
    ],
)
async def test_codes_are_found_by_value_set_and_hierarchy(world: World, search: str, found: set[str]) -> None:
    patient, put = await _some(world)
    got = await world.found(world.citizen(patient), search)
    assert set(got) == {put[code] for code in found}


async def test_plain_codes_are_found_by_the_value_set_they_are_bound_to(world: World) -> None:
    patient, _ = await _some(world)
    assert await world.found(world.citizen(patient), f"Patient?gender:in={GENDERS}") == [patient]
    assert await world.found(world.citizen(patient), f"Patient?gender:not-in={GENDERS}") == []
    assert len(await world.found(world.citizen(patient), f"Encounter?patient.gender:in={GENDERS}")) == 4


async def test_identifiers_are_found_by_their_type(world: World) -> None:
    patient, _ = await _some(world)
    kind = "http://terminology.hl7.org/CodeSystem/v2-0203"
    assert await world.found(world.citizen(patient), f"Patient?identifier:of-type={kind}|MR|17") == [patient]
    assert await world.found(world.citizen(patient), f"Patient?identifier:of-type={kind}|PPN|17") == []
    assert await world.found(world.citizen(patient), f"Patient?identifier:of-type={kind}|MR|18") == []


@pytest.mark.parametrize(
    "search",
    [
        "Encounter?class:in=http://example.org/ValueSet/unknown",
        "Encounter?class:below=http://example.org/unknown|x",
        f"Encounter?class:below={ACT}|nothing",
        "Encounter?class:below=IMP",
        "Patient?identifier:of-type=a|b",
        "Encounter?class:text=inpatient",
    ],
)
async def test_what_is_not_held_is_refused_and_never_matches(world: World, search: str) -> None:
    patient, _ = await _some(world)
    with pytest.raises(BadRequest):
        await world.found(world.citizen(patient), search)


async def test_codes_are_worked_out_inside_transactions_as_well(world: World) -> None:
    patient, _ = await _some(world)
    from helhed.fhir.query import parse_search

    query = parse_search("Patient", [("gender:in", GENDERS)])
    async with world.store.session(world.citizen(patient)) as session:
        page = await session.search(query)
    assert [one.id for one in page.matches] == [patient]
