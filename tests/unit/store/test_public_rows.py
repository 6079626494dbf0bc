"""What everybody reads names nobody: which types are public, and what one of them may hold."""

from collections.abc import Iterator
from typing import Any

import pytest

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, facts, type_definition
from helhed.fhir.store.public import PERSONS
from helhed.foundation.errors import Unknown, Unprocessable
from tests.unit.store.scene import Scene

PUBLIC = sorted(name for name in TYPE_NUMBERS if type_definition(name).ownership is Ownership.PUBLIC)


def _references(type_name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The references of a type and of its nested elements; data types, which any type may use, are left out."""
    for name, element in facts.elements(type_name).items():
        if "Reference" in element.types:
            yield f"{type_name}.{name}", element.targets
        for kind in element.types:
            if kind.startswith(f"{type_name}."):
                yield from _references(kind)


@pytest.mark.parametrize("type_name", PUBLIC)
def test_no_public_type_has_an_element_for_a_person(type_name: str) -> None:
    named = [(path, PERSONS.intersection(targets)) for path, targets in _references(type_name)]
    assert [(path, sorted(found)) for path, found in named if found] == []


def _naming(patient: str) -> list[dict[str, Any]]:
    """Public resources that name somebody where R4 lets them."""
    somebody = {"reference": patient}
    coded = {"resourceType": "Medication", "code": {"text": "x"}}
    return [
        {"resourceType": "DeviceDefinition", "note": [{"authorReference": somebody, "text": "x"}]},
        {**coded, "extension": [{"url": "urn:x", "valueReference": somebody}]},
        {**coded, "contained": [{"resourceType": "RelatedPerson", "id": "a", "patient": {"display": "Ane"}}]},
        {**coded, "contained": [{"resourceType": "Patient", "id": "a", "name": [{"family": "Ane"}]}]},
        {**coded, "manufacturer": {"reference": f"https://elsewhere.example/fhir/{patient}"}},
    ]


async def test_a_public_resource_that_names_somebody_is_refused_when_created_and_when_changed(scene: Scene) -> None:
    world, custodian = scene.world, scene.custodian
    for wrong in _naming(f"Patient/{scene.patient}"):
        with pytest.raises(Unprocessable, match="may not name a patient"):
            await world.put(custodian, wrong)
    plain = {"resourceType": "Medication", "code": {"text": "x"}}
    stored = await world.put(custodian, plain)
    with pytest.raises(Unprocessable, match="may not name a patient"):
        await world.change(custodian, stored, {**_naming(f"Patient/{scene.patient}")[1], "id": str(stored)})
    assert (await world.store.read(scene.stranger, "Medication", stored)).version == 1


async def test_a_product_from_a_donor_is_read_where_it_was_recorded_only(scene: Scene) -> None:
    donor = {"source": {"reference": f"Patient/{scene.patient}"}}
    stored = await scene.world.put(scene.custodian, {"resourceType": "BiologicallyDerivedProduct", "collection": donor})
    for stranger in (scene.stranger, scene.world.citizen(await scene.world.patient(scene.clinic))):
        with pytest.raises(Unknown):
            await scene.world.store.read(stranger, "BiologicallyDerivedProduct", stored)
        assert await scene.world.found(stranger, "BiologicallyDerivedProduct?_lastUpdated=gt2020") == []
    assert (await scene.world.store.read(scene.doctor, "BiologicallyDerivedProduct", stored)).version == 1
