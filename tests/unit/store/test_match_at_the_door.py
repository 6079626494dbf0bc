"""Patient/$match: who is meant, scored and explained, from the identity minimum and nothing else."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from helhed.registries.identifiers import CPR
from tests.support.door import Door
from tests.unit.store.scene import Scene

OK, BAD_REQUEST, FORBIDDEN, NOT_ALLOWED, TOO_MANY = 200, 400, 403, 405, 429
NUMBER = "1403581234"
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


async def people(scene: Scene) -> str:
    """Søren, who is looked for, among others; he is a stranger to everybody who looks."""
    world = scene.world
    own = await world.put(world.system(scene.elsewhere), {
        "resourceType": "Patient", "identifier": [{"system": CPR, "value": NUMBER}], "gender": "male",
        "birthDate": "1958-03-14", "name": [{"family": "Åkjær", "given": ["Søren", "Bo"]}], "address": [{"city": "Skive"}],
    })  # fmt: skip
    for family, given, born in (
        ("Åkjær", "Sanne", "1990-01-01"),
        ("Holm", "Søren", "1958-03-14"),
        ("Lund", "Ida", "2001-12-24"),
    ):
        name = [{"family": family, "given": [given]}]
        await world.put(world.system(scene.elsewhere), {"resourceType": "Patient", "name": name, "birthDate": born})
    return str(own)


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


async def match(scene: Scene, asker: Any, resource: Any, **more: Any) -> tuple[int, Any]:
    values = {bool: "valueBoolean", int: "valueInteger"}
    parameters = [{"name": name, values[type(value)]: value} for name, value in more.items()]
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}, *parameters]}
    return await Door(scene.world, asker).post("/fhir/Patient/$match", body)


def graded(bundle: Any) -> list[tuple[str, str]]:
    return [(one["resource"]["id"], one["search"]["extension"][0]["valueCode"]) for one in bundle.get("entry", ())]


def name(family: str, *given: str) -> list[dict[str, Any]]:
    return [{"family": family, "given": list(given)}]


@pytest.mark.parametrize(
    ("known", "grade"),
    [
        ({"identifier": [{"system": CPR, "value": NUMBER}]}, "certain"),
        ({"identifier": [{"system": CPR, "value": "140358-1234"}], "birthDate": "1958-03-14"}, "certain"),
        ({"name": name("Åkjær", "Søren"), "birthDate": "1958-03-14"}, "probable"),
        ({"name": name("Aakjaer", "Soeren"), "birthDate": "1958-03-14", "gender": "male"}, "probable"),
        ({"name": name("Åkjær", "Søren", "Bo")}, "possible"),
        ({"name": name("Åkjer", "Søren"), "birthDate": "1958-03-14"}, "probable"),
        ({"name": name("Åkjær", "Søren"), "birthDate": "1958-03-15"}, "possible"),
        ({"identifier": [{"system": CPR, "value": NUMBER}], "name": name("Xu", "Qi"), "birthDate": "1999-09-09"}, "possible"),
    ],
)  # fmt: skip
async def test_the_right_person_comes_first_with_how_sure_it_is(scene: Scene, known: Any, grade: str) -> None:
    own = await people(scene)
    status, bundle = await match(scene, scene.doctor, patient(**known))
    assert status == OK
    if grade == "possible" and "Xu" in str(known):  # the number says one person, everything else another
        assert graded(bundle) in ([(own, "possible")], [])
        return
    assert graded(bundle)[0] == (own, grade)
    first = bundle["entry"][0]["search"]
    assert 0 < first["score"] <= 1
    assert {one["url"] for one in first["extension"][1]["extension"]} <= {"identifier", "name", "birthDate", "gender"}


async def test_what_comes_is_the_identity_minimum_and_says_so(scene: Scene) -> None:
    await people(scene)
    _, bundle = await match(scene, scene.doctor, patient(identifier=[{"system": CPR, "value": NUMBER}]))
    (found,) = (one["resource"] for one in bundle["entry"])
    assert set(found) == {"resourceType", "id", "meta", "identifier", "name", "gender", "birthDate"}
    assert found["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_only_certain_matches_are_one_or_none(scene: Scene) -> None:
    own = await people(scene)
    certain, likely = patient(identifier=[{"system": CPR, "value": NUMBER}]), patient(name=name("Åkjær", "Søren"), birthDate="1958-03-14")  # fmt: skip
    assert graded((await match(scene, scene.doctor, certain, onlyCertainMatches=True))[1]) == [(own, "certain")]
    assert graded((await match(scene, scene.doctor, likely, onlyCertainMatches=True))[1]) == []
    assert len(graded((await match(scene, scene.doctor, patient(birthDate="1958-03-14", name=name("Holm", "Søren")), count=1))[1])) == 1  # fmt: skip


async def test_each_person_found_has_it_in_the_log_and_nobody_found_is_an_attempt(scene: Scene) -> None:
    own = await people(scene)
    await match(scene, scene.doctor, patient(identifier=[{"system": CPR, "value": NUMBER}]))
    rows = await scene.world.owner.fetch("select * from foundation.access_log where $1 = any(resources) and actor = $2", own, scene.doctor.actor)  # fmt: skip
    assert [(row["action"], row["permitted"], row["basis"], row["purpose"]) for row in rows] == [(8, True, 8, 4)]
    count = "select count(*) from foundation.access_log where actor = $1 and action = 8"
    before = await scene.world.owner.fetchval(count, scene.doctor.actor)
    await match(scene, scene.doctor, patient(identifier=[{"system": CPR, "value": "0101010101"}]))
    assert await scene.world.owner.fetchval(count, scene.doctor.actor) == before + 1


async def test_systems_and_narrow_tokens_do_not_look_people_up_and_citizens_find_themselves(scene: Scene) -> None:
    await people(scene)
    known, nobody = (patient(identifier=[{"system": CPR, "value": one}]) for one in (NUMBER, "0101010101"))
    answers = [await match(scene, scene.custodian, one) for one in (known, nobody)]
    assert [status for status, _ in answers] == [FORBIDDEN] * 2
    assert orjson.dumps(answers[0][1]) == orjson.dumps(answers[1][1])
    assert (await match(scene, replace(scene.doctor, read_types=frozenset({"Observation"})), known))[0] == FORBIDDEN
    answers = [await match(scene, scene.citizen, one) for one in (known, nobody)]
    assert answers[0] == answers[1] == (OK, {"resourceType": "Bundle", "type": "searchset", "total": 0})
    _, own = await match(scene, scene.citizen, patient(name=name("Ånæs", "Ane"), birthDate="1958-03-14"))
    assert [one for one, _ in graded(own)] == [str(scene.patient)]
    no_job = scene.world.professional(scene.patient, scene.ward)
    assert (await match(scene, no_job, known))[1]["total"] == 0


async def test_who_matches_many_people_is_refused(scene: Scene) -> None:
    async def no_pause(seconds: float) -> None:
        """The pause is tested elsewhere."""

    door = Door(scene.world, scene.doctor, pause=no_pause)
    done = []
    for n in range(45):
        body = patient(identifier=[{"system": CPR, "value": f"01010100{n:02}"}])
        done.append((await door.post("/fhir/Patient/$match", body))[0])
    assert (done[0], done[-1]) == (OK, TOO_MANY)


@pytest.mark.parametrize(
    ("resource", "more"),
    [
        (patient(), {}),
        (patient(name=name("Søren")), {}),
        (patient(birthDate="1958-03-14"), {}),
        (patient(birthDate="1958-02-30", name=name("Søren")), {}),
        ({"resourceType": "Practitioner"}, {}),
        (patient(nosuch=1), {}),
        (patient(name=name("Åkjær", "Søren")), {"count": 0}),
        (patient(name=name("Åkjær", "Søren")), {"nosuch": True}),
    ],
)
async def test_too_little_or_too_strange_is_refused(scene: Scene, resource: Any, more: Any) -> None:
    assert (await match(scene, scene.doctor, resource, **more))[0] == BAD_REQUEST


async def test_who_is_looked_for_never_stands_in_an_address(scene: Scene) -> None:
    assert (await Door(scene.world, scene.doctor).get("/fhir/Patient/$match"))[0] == NOT_ALLOWED
