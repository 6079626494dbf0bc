"""Paging through the door: a search by CPR number goes on to its end, and no address on the way holds the number."""

from uuid import uuid4

import orjson

from helhed.registries.identifiers import CPR
from tests.support.door import Door, ids, link
from tests.unit.store.scene import Scene

NUMBER = "1403581235"
OK, BAD_REQUEST = 200, 400
BY_NUMBER = {"subject:Patient.identifier": f"{CPR}|{NUMBER}", "_count": "2", "_sort": "-date"}


async def five_results(scene: Scene) -> list[str]:
    """Results of a citizen who has a CPR number, and is treated by the doctor."""
    patient = await scene.world.patient(scene.hospital, "Holm", identifier=[{"system": CPR, "value": NUMBER}])
    await scene.world.contact(patient, scene.ward)
    return [str(await scene.world.observation(patient, scene.hospital)) for _ in range(5)]


async def test_a_search_by_cpr_number_is_paged_to_its_end_without_the_number_in_an_address(scene: Scene) -> None:
    wanted = await five_results(scene)
    door = Door(scene.world, scene.doctor)
    status, bundle = await door.search("Observation", BY_NUMBER)
    found = ids(bundle)
    while following := link(bundle, "next"):
        assert status == OK
        assert NUMBER not in orjson.dumps(bundle["link"]).decode()
        assert following.partition("?")[2].startswith("_cursor=")
        assert "&" not in following
        status, bundle = await door.get(following)
        found += ids(bundle)
    assert sorted(found) == sorted(wanted)


async def test_names_asked_for_in_a_body_come_into_no_page_link(scene: Scene) -> None:
    for _ in range(2):
        await scene.world.contact(await scene.world.patient(scene.hospital, "Bolettesen"), scene.ward)
    _, bundle = await Door(scene.world, scene.doctor).search("Patient", {"family": "bolettesen", "_count": "1"})
    assert link(bundle, "next")
    assert "bolettesen" not in link(bundle, "next").lower()


async def test_each_page_of_a_link_is_a_look_at_the_citizen_that_its_search_names(scene: Scene) -> None:
    await five_results(scene)
    door = Door(scene.world, scene.doctor)
    _, bundle = await door.search("Observation", BY_NUMBER)
    statement = "select count(*) from foundation.access_log where actor = $1 and citizen is not null and permitted"
    before = await scene.world.owner.fetchval(statement, scene.doctor.actor)
    await door.get(link(bundle, "next"))
    assert await scene.world.owner.fetchval(statement, scene.doctor.actor) > before


async def test_a_page_link_is_of_no_use_to_a_colleague(scene: Scene) -> None:
    await five_results(scene)
    _, bundle = await Door(scene.world, scene.doctor).search("Observation", BY_NUMBER)
    colleague = scene.world.professional(await scene.world.employee(scene.ward), scene.ward)
    status, told = await Door(scene.world, colleague).get(link(bundle, "next"))
    assert (status, told["issue"][0]["code"]) == (BAD_REQUEST, "invalid")


async def test_a_batch_goes_on_with_a_page_link(scene: Scene) -> None:
    wanted = await five_results(scene)
    door = Door(scene.world, scene.doctor)
    _, first = await door.search("Observation", BY_NUMBER)
    url = link(first, "next").rpartition("/")[2]
    for kind in ("batch", "transaction"):
        entry = {"request": {"method": "GET", "url": url}}
        _, answer = await door.post("/fhir", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
        assert set(ids(answer["entry"][0]["resource"])) < set(wanted) - set(ids(first))


async def test_every_page_of_a_lenient_search_says_what_was_left_out(scene: Scene) -> None:
    wanted = await five_results(scene)
    door, found = Door(scene.world, scene.doctor), list[str]()
    _, bundle = await door.search("Observation", {**BY_NUMBER, "nosuch": "1"}, prefer="handling=lenient")
    while True:
        *matches, told = bundle["entry"]
        assert "nosuch" in told["resource"]["issue"][0]["diagnostics"]
        found += [entry["resource"]["id"] for entry in matches]
        if not (following := link(bundle, "next")):
            break
        _, bundle = await door.get(following)
    assert sorted(found) == sorted(wanted)


async def test_a_search_too_long_for_a_link_says_so_instead_of_ending_early(scene: Scene) -> None:
    await five_results(scene)
    door = Door(scene.world, scene.doctor)
    pairs = {"subject:Patient.identifier": f"{CPR}|{NUMBER}", "_count": "1"}
    for name, enough, said in (("code:not", OK, "Bundle"), ("status:not", BAD_REQUEST, "OperationOutcome")):
        pairs[name] = ",".join(f"{uuid4()}{uuid4()}" for _ in range(100))
        status, told = await door.search("Observation", pairs)
        assert (status, told["resourceType"]) == (enough, said)
    assert "ask for fewer values" in told["issue"][0]["diagnostics"]
