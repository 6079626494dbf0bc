"""$everything: all of a patient, or around an encounter, that the asker may see, with what it refers to."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.door import Door, link
from tests.support.world import NOW, at
from tests.unit.store.scene import Scene

OK, BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, GONE, TOO_LARGE, NOT_SUPPORTED = 200, 400, 404, 405, 410, 413, 501


def everything(place: Any, asked: str = "") -> str:
    return f"/fhir/{place}/$everything{asked}"


def found(bundle: Any, mode: str = "") -> set[str]:
    """Type/id of what came, or of the matches or included ones alone."""
    return {
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in bundle.get("entry", ())
        if mode in {"", one["search"]["mode"]}
    }


async def whole(scene: Scene, asker: Any, asked: str = "") -> Any:
    status, bundle = await Door(scene.world, asker).get(everything(f"Patient/{scene.patient}", asked))
    assert status == OK
    return bundle


async def with_people(scene: Scene) -> tuple[str, str, str]:
    """A result measured with a device, by somebody in a role; the role, and who has it, are a step away."""
    world = scene.world
    practitioner = await world.put(scene.custodian, {"resourceType": "Practitioner", "name": [{"family": "Trin"}]})
    role = await world.put(scene.custodian, {"resourceType": "PractitionerRole", "practitioner": {"reference": f"Practitioner/{practitioner}"}})  # fmt: skip
    performer = [{"reference": f"PractitionerRole/{role}"}]
    result = await world.put(scene.custodian, scene.result(performer=performer))
    return f"Observation/{result}", f"PractitionerRole/{role}", f"Practitioner/{practitioner}"


async def test_all_of_the_record_comes_with_what_it_refers_to(scene: Scene) -> None:
    result, role, person = await with_people(scene)
    for asker in (scene.citizen, scene.doctor, scene.gp):
        bundle = await whole(scene, asker)
        own = {f"Patient/{scene.patient}", f"Encounter/{scene.contact}", f"Observation/{scene.observation}", result}
        assert found(bundle, "match") == own
        assert found(bundle, "include") >= {role, person, f"Organization/{scene.ward}", f"Organization/{scene.clinic}"}
        assert bundle["entry"][0]["resource"]["id"] == str(scene.patient)
        assert len(bundle["entry"]) == len(found(bundle)), "nothing comes twice"


async def test_what_is_of_another_citizen_or_hidden_does_not_come(scene: Scene) -> None:
    world = scene.world
    other = await world.patient(scene.hospital, "Anden")
    theirs = await world.observation(other, scene.hospital)
    await world.put(scene.custodian, scene.result(derivedFrom=[{"reference": f"Observation/{theirs}"}]))
    await world.contact(other, scene.ward)
    assert f"Observation/{theirs}" not in found(await whole(scene, scene.doctor))
    kept = await world.put(world.system(scene.elsewhere), scene.result())
    await world.block(scene.patient, what=scene.hospital)
    status, _ = await Door(world, scene.doctor).get(everything(f"Patient/{scene.patient}"))
    assert status == NOT_FOUND, "the patient was recorded by the hospital"
    assert f"Observation/{kept}" in found(await whole(scene, scene.citizen))


async def test_around_an_encounter_comes_nothing_of_another_citizen(scene: Scene) -> None:
    world = scene.world
    other = await world.patient(scene.hospital, "Anden")
    await world.contact(other, scene.ward)
    theirs = {"resourceType": "Condition", "subject": {"reference": f"Patient/{other}"}, "code": {"text": "x"}}
    condition = await world.put(scene.custodian, theirs)
    mixed_up = [{"condition": {"reference": f"Condition/{condition}"}}]
    visit = await world.contact(scene.patient, scene.ward, diagnosis=mixed_up)
    _, bundle = await Door(world, scene.doctor).get(everything(f"Encounter/{visit}"))
    assert f"Encounter/{visit}" in found(bundle)
    assert f"Condition/{condition}" not in found(bundle)


async def test_of_a_list_of_another_place_nothing_is_told(scene: Scene) -> None:
    device = await scene.world.put(scene.world.system(scene.elsewhere), {"resourceType": "Device"})
    await scene.world.put(scene.custodian, scene.result(device={"reference": f"Device/{device}"}))
    assert f"Device/{device}" not in found(await whole(scene, scene.doctor))


@pytest.mark.parametrize("asked", ["", "?_count=1", "?_type=Observation"])
async def test_hidden_missing_and_malformed_are_one_answer(scene: Scene, asked: str) -> None:
    door = Door(scene.world, scene.stranger)
    for type_name, own in (("Patient", scene.patient), ("Encounter", scene.contact)):
        places = [own, uuid4(), "x", scene.observation]
        answers = [await door.get(everything(f"{type_name}/{place}", asked)) for place in places]
        assert [status for status, _ in answers] == [NOT_FOUND] * 4
        assert all(told == answers[0][1] for _, told in answers)
    assert (await Door(scene.world, scene.custodian).get(everything(f"Patient/{scene.patient}")))[0] == NOT_FOUND


async def test_pages_give_each_resource_once(scene: Scene) -> None:
    for _ in range(5):
        await scene.world.observation(scene.patient, scene.hospital)
    complete = found(await whole(scene, scene.doctor), "match")
    url, pages, door = everything(f"Patient/{scene.patient}", "?_count=3"), [], Door(scene.world, scene.doctor)
    while url:
        status, bundle = await door.get(url)
        assert status == OK
        pages.append(found(bundle, "match"))
        url = link(bundle, "next")
    assert [len(page) for page in pages] == [3, 3, 2]
    assert set().union(*pages) == complete
    assert (await Door(scene.world, scene.gp).get(link(await whole(scene, scene.doctor, "?_count=3"), "next")))[
        0
    ] == BAD_REQUEST


async def test_it_may_be_of_types_of_a_time_or_of_what_is_new(scene: Scene) -> None:
    world = scene.world
    old = await world.observation(scene.patient, scene.hospital, effectiveDateTime="2020-01-05")
    undated = await world.put(at(scene.custodian, NOW + timedelta(hours=1)), scene.result())
    observations = {f"Observation/{one}" for one in (scene.observation, old, undated)}
    assert found(await whole(scene, scene.doctor, "?_type=Observation")) == observations
    bundle = await whole(scene, scene.doctor, "?start=2020-01-01&end=2020-12-31")
    assert found(bundle) & observations == {f"Observation/{old}", f"Observation/{undated}"}
    assert f"Patient/{scene.patient}" in found(bundle)
    assert found(await whole(scene, scene.doctor, "?end=2019-12-31&_type=Observation")) == {f"Observation/{undated}"}
    assert found(await whole(scene, scene.doctor, "?_since=2026-11-23T08:30:00Z"), "match") == {
        f"Observation/{undated}"
    }


async def test_around_an_encounter_comes_what_belongs_to_it(scene: Scene) -> None:
    inside = await scene.world.put(scene.custodian, scene.result(encounter={"reference": f"Encounter/{scene.contact}"}))
    cause = {"resourceType": "Condition", "subject": {"reference": f"Patient/{scene.patient}"}, "code": {"text": "x"}}
    condition = await scene.world.put(scene.custodian, cause)
    visit = await scene.world.contact(scene.patient, scene.ward, diagnosis=[{"condition": {"reference": f"Condition/{condition}"}}])  # fmt: skip
    door = Door(scene.world, scene.doctor)
    _, bundle = await door.get(everything(f"Encounter/{scene.contact}"))
    assert found(bundle, "match") == {f"Encounter/{scene.contact}", f"Observation/{inside}", f"Patient/{scene.patient}"}
    _, bundle = await door.get(everything(f"Encounter/{visit}"))
    assert found(bundle, "include") >= {f"Condition/{condition}", f"Organization/{scene.ward}"}


async def test_it_is_one_look_that_names_what_came(scene: Scene) -> None:
    before = len(await scene.world.log(scene.patient))
    bundle = await whole(scene, scene.doctor)
    await Door(scene.world, scene.stranger).get(everything(f"Patient/{scene.patient}"))
    rows = (await scene.world.log(scene.patient))[before:]
    assert [(row["actor"], row["permitted"]) for row in rows] == [
        (scene.doctor.actor, True),
        (scene.stranger.actor, False),
    ]
    assert {str(one) for one in rows[0]["resources"]} == {one.rsplit("/", 1)[1] for one in found(bundle, "match")}
    assert [str(one) for one in rows[1]["resources"]] == [str(scene.patient)]


async def test_a_deleted_patient_is_gone(scene: Scene) -> None:
    own = await scene.world.patient(scene.hospital)
    await scene.world.delete(scene.custodian, "Patient", own)
    assert (await Door(scene.world, scene.world.citizen(own)).get(everything(f"Patient/{own}")))[0] == GONE


async def test_parameters_may_come_in_the_body(scene: Scene) -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Encounter"}, {"name": "_count", "valueInteger": 1}]}  # fmt: skip
    status, bundle = await Door(scene.world, scene.doctor).post(everything(f"Patient/{scene.patient}"), parameters)
    assert (status, found(bundle)) == (OK, {f"Encounter/{scene.contact}"})


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "Patient/{patient}/$everything?_count=0", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?_count=x", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?_type=Nosuch", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?start=soon", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?nosuch=1", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?_cursor=x", BAD_REQUEST),
        ("GET", "Patient/{patient}/$everything?_since=2026&_since=2025", BAD_REQUEST),
        ("POST", "Patient/{patient}/$everything", BAD_REQUEST),
        ("PUT", "Patient/{patient}/$everything", NOT_ALLOWED),
        ("GET", "Patient/$everything", NOT_SUPPORTED),
        ("GET", "Observation/{patient}/$everything", NOT_SUPPORTED),
    ],
)
async def test_what_it_does_not_understand_it_refuses(scene: Scene, method: str, url: str, status: int) -> None:
    door = Door(scene.world, scene.doctor)
    got, _, told = await door.do(
        method, "/fhir/" + url.format(patient=scene.patient), b"[" if method == "POST" else b""
    )
    assert (got, told["resourceType"]) == (status, "OperationOutcome")


async def test_an_answer_that_would_be_too_large_is_asked_for_in_pages(scene: Scene) -> None:
    for _ in range(3):
        await scene.world.put(scene.custodian, scene.result(note=[{"text": "x" * 3000}]))
    scene.world.store.most_bytes = 9000
    door = Door(scene.world, scene.doctor)
    assert (await door.get(everything(f"Patient/{scene.patient}")))[0] == TOO_LARGE
    assert (await door.get(everything(f"Patient/{scene.patient}", "?_count=2&_type=Observation")))[0] == OK
