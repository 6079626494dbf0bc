"""The terminology operations at the FHIR door."""

import pytest

from tests.support.door import Door
from tests.support.world import World
from tests.unit.terminology.test_core import CLINICAL, GENDER, value

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


@pytest.fixture
async def door(world: World) -> Door:
    """Somebody at work, who has looked at nobody."""
    hospital = await world.organisation("Hospital")
    return Door(world, world.professional(await world.employee(hospital), hospital))


async def test_a_code_is_looked_up_by_get_and_by_post(door: Door) -> None:
    by_get = await door.get(f"/fhir/CodeSystem/$lookup?system={CLINICAL}&code=active&_format=json")
    body = {"resourceType": "Parameters", "parameter": [{"name": "coding", "valueCoding": {"system": CLINICAL, "code": "active"}}]}  # fmt: skip
    by_post = await door.post("/fhir/CodeSystem/$lookup", body)
    assert by_get == by_post
    assert (by_get[0], value(by_get[1], "display")) == (200, "Active")


async def test_a_value_set_expands_and_validates(door: Door) -> None:
    status, found = await door.get(f"/fhir/ValueSet/$expand?url={GENDERS}&filter=male&count=1")
    assert (status, found["expansion"]["total"]) == (200, 2)
    assert [one["code"] for one in found["expansion"]["contains"]] == ["male"]
    status, told = await door.get(f"/fhir/ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=none")
    assert (status, value(told, "result")) == (200, False)


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("/fhir/CodeSystem/$lookup?system=http://snomed.info/sct&code=1", 404, "not-found"),
        (f"/fhir/CodeSystem/$lookup?system={GENDER}&code=none", 404, "not-found"),
        (f"/fhir/CodeSystem/$lookup?system={GENDER}", 400, "required"),
        (f"/fhir/CodeSystem/$lookup?system={GENDER}&code=male&sex=1", 400, "invalid"),
        (f"/fhir/ValueSet/$expand?url={GENDERS}&count=many", 400, "invalid"),
        ("/fhir/ValueSet/$expand?url=http://example.org/none", 404, "not-found"),
        ("/fhir/ConceptMap/$translate?system=a&code=b", 400, "invalid"),
        ("/fhir/Patient/$expand?url=a", 501, "not-supported"),
        ("/fhir/ValueSet/not-an-id/$expand", 404, "not-found"),
    ],
)
async def test_what_is_wrong_is_named(door: Door, url: str, status: int, code: str) -> None:
    answer = await door.get(url)
    assert (answer[0], answer[1]["issue"][0]["code"]) == (status, code)


async def test_a_value_set_that_is_sent_is_checked_first(door: Door) -> None:
    wrong: list[object] = [
        {"include": {}},
        {"include": [{"system": 1}]},
        {"include": [{"system": GENDER, "concept": ["male"]}]},
    ]
    for compose in wrong:
        value_set = {"resourceType": "ValueSet", "status": "active", "compose": compose}
        body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": value_set}]}
        assert (await door.post("/fhir/ValueSet/$expand", body))[0] == 400


async def test_a_stored_value_set_expands_where_it_stands(world: World, door: Door) -> None:
    hospital = await world.organisation("Publisher")
    value_set = {"resourceType": "ValueSet", "url": "urn:test:own", "status": "active", "compose": {"include": [{"system": GENDER, "concept": [{"code": "female"}]}]}}  # fmt: skip
    id = await world.put(world.system(hospital), value_set)
    status, found = await door.get(f"/fhir/ValueSet/{id}/$expand")
    assert (status, [one["code"] for one in found["expansion"]["contains"]]) == (200, ["female"])
    assert (await door.get(f"/fhir/ValueSet/{id}/$expand?url=urn:other"))[0] == 400


async def test_no_look_is_logged(world: World, door: Door) -> None:
    before = await world.owner.fetchval("select count(*) from foundation.access_log")
    await door.get(f"/fhir/ValueSet/$expand?url={GENDERS}")
    assert await world.owner.fetchval("select count(*) from foundation.access_log") == before


async def test_displays_come_in_the_language_of_the_reader(world: World, door: Door) -> None:
    await world.owner.execute(
        'update fhir.concept set designations = \'[["da", "", "Kvinde"]]\' where code = \'female\''
        " and system = (select key from fhir.code_system where url = $1)",
        GENDER,
    )
    url = f"/fhir/CodeSystem/$lookup?system={GENDER}&code=female"
    danish = await door.get(url, **{"accept-language": "de;q=0.2, da-DK, en;q=0.5"})
    english = await door.get(url)
    assert [value(one[1], "display") for one in (danish, english)] == ["Kvinde", "Female"]
