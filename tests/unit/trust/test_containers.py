"""Bundles, binaries and what is contained: each belongs to a citizen, and carries the labels of what it holds."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.fhir.changes import Change
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.trust.blocks.shapes import Blocks, Shape
from tests.support.world import World


@pytest.fixture
async def scene(world: World) -> Any:
    ward, clinic = await world.organisation("Ward"), await world.organisation("Clinic")
    patient = await world.patient(ward)
    await world.contact(patient, clinic)
    gp = world.professional(await world.employee(clinic), clinic)
    author = await world.employee(ward)
    return world, ward, patient, gp, author


def observation(patient: UUID, author: UUID | None = None) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Puls"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    return resource if author is None else {**resource, "performer": [{"reference": f"Practitioner/{author}"}]}  # fmt: skip


def document(patient: UUID, *inside: dict[str, Any]) -> dict[str, Any]:
    note = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "Epikrise"},
        "date": "2026-11-20",
        "title": "Epikrise",
        "subject": {"reference": f"Patient/{patient}"},
        "author": [{"display": "Læge Test"}],
    }
    entries = [{"fullUrl": f"urn:uuid:{new_id()}", "resource": one} for one in (note, *inside)]
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:x", "value": "1"},
        "timestamp": "2026-11-20T10:00:00Z",
        "entry": entries,
    }


async def sees(world: World, ask: Any, type_name: str, row: UUID) -> bool:
    try:
        await world.store.read(ask, type_name, row)
    except Unknown:
        return False
    return True


async def test_a_document_belongs_to_the_citizen_of_its_composition(scene):
    world, ward, patient, gp, _ = scene
    row = await world.put(world.system(ward), document(patient))
    assert await sees(world, gp, "Bundle", row)
    assert await sees(world, world.citizen(patient), "Bundle", row)
    other = await world.patient(ward)
    assert not await sees(world, world.citizen(other), "Bundle", row)
    assert [one["action"] for one in await world.log(patient) if one["actor"] == gp.actor] == [1]


async def test_a_document_is_hidden_with_what_it_holds(scene):
    world, ward, patient, gp, author = scene
    blocks = Blocks(world.store._pool)
    row = await world.put(world.system(ward), document(patient, observation(patient, author)))
    assert await sees(world, gp, "Bundle", row)
    await blocks.put(world.citizen(patient), Shape(what_author=key_of(author)))
    assert not await sees(world, gp, "Bundle", row)


async def test_a_document_is_hidden_with_the_stored_row_that_it_shows_again(scene):
    world, ward, patient, gp, author = scene
    stored = await world.put(world.system(ward), observation(patient, author))
    bundle = document(patient, {**observation(patient), "id": str(stored)})
    bundle["entry"][1]["fullUrl"] = f"urn:uuid:{stored}"
    row = await world.put(world.system(ward), bundle)
    await Blocks(world.store._pool).put(world.citizen(patient), Shape(what_document=stored))
    assert not await sees(world, gp, "Bundle", row)


async def test_a_document_that_names_another_citizen_needs_no_block_by_that_one(scene):
    world, ward, patient, gp, _ = scene
    other = await world.patient(ward)
    row = await world.put(world.system(ward), document(patient, observation(other)))
    assert await sees(world, gp, "Bundle", row)
    await Blocks(world.store._pool).put(world.citizen(other), Shape())
    assert not await sees(world, gp, "Bundle", row)


async def test_what_is_contained_carries_its_author_out(scene):
    world, ward, patient, gp, author = scene
    request = {"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": {"text": "x"}}
    inner = {**observation(patient, author), "id": "o"}
    row = await world.put(
        world.system(ward),
        {
            **request,
            "subject": {"reference": f"Patient/{patient}"},
            "reasonReference": [{"reference": "#o"}],
            "contained": [inner],
        },
    )
    assert await sees(world, gp, "MedicationStatement", row)
    await Blocks(world.store._pool).put(world.citizen(patient), Shape(what_author=key_of(author)))
    assert not await sees(world, gp, "MedicationStatement", row)


async def test_a_picture_belongs_to_the_citizen_it_names_and_is_hidden_with_the_document_that_shows_it(scene):
    world, ward, patient, gp, _ = scene
    picture = {
        "resourceType": "Binary",
        "contentType": "image/png",
        "securityContext": {"reference": f"Patient/{patient}"},
        "data": "iVBORw0KGgo=",
    }
    row = await world.put(world.system(ward), picture)
    note = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "image/png", "url": f"Binary/{row}"}}],
    }
    shown = await world.put(world.system(ward), note)
    assert await sees(world, gp, "Binary", row)
    await Blocks(world.store._pool).put(world.citizen(patient), Shape(what_document=shown))
    assert not await sees(world, gp, "Binary", row)
    assert not await sees(world, gp, "DocumentReference", shown)
    assert await sees(world, world.citizen(patient), "Binary", row)


@pytest.mark.parametrize("type_name", ["Binary", "Bundle"])
async def test_nobody_s_picture_and_nobody_s_document_are_refused(scene, type_name):
    world, ward, _, _, _ = scene
    resource: dict[str, Any] = {"resourceType": type_name}
    resource |= {"contentType": "image/png"} if type_name == "Binary" else {"type": "collection"}
    change = Change("POST", type_name, resource, orjson.dumps(resource), new_id())
    with pytest.raises(Unprocessable):
        await world.store.commit(world.system(ward), [change])
