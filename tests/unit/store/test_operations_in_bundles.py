"""Operations as entries of batches and transactions: each is decided and logged as if it had been asked alone."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.door import Door
from tests.support.world import World

MISSING = "018f0000-0000-7000-8000-000000000000"
LOOKUP = "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male"
ORGANISATION = {"resourceType": "Organization", "name": "Ny"}


class Place:
    """A patient in contact with a ward, and the ward."""

    def __init__(self, world: World, ward: UUID, patient: UUID) -> None:
        self.world, self.ward, self.patient = world, ward, patient
        self.own = Door(world, world.citizen(patient))


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def asked(method: str, url: str, resource: Any = None) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}, **({} if resource is None else {"resource": resource})}


def statuses(told: Any) -> list[str]:
    return [one["response"]["status"] for one in told["entry"]]


@pytest.fixture
async def place(world: World) -> Place:
    ward = await world.organisation("Ward")
    patient = await world.patient(ward)
    await world.observation(patient, ward)
    return Place(world, ward, patient)


async def test_a_batch_answers_what_each_operation_answers_alone(place: Place) -> None:
    weight = {"resourceType": "Observation", "status": "nonsense"}
    urls = [f"Patient/{place.patient}/$everything?_count=5", LOOKUP]
    alone = [(await place.own.get(f"/fhir/{url}"))[1] for url in urls]
    alone.append((await place.own.post("/fhir/Observation/$validate", weight))[1])
    entries = [*(asked("GET", url) for url in urls), asked("POST", "Observation/$validate", weight)]
    status, told = await place.own.post("/fhir", bundle("batch", *entries))
    assert (status, statuses(told)) == (200, ["200", "200", "200"])
    assert [one["resource"] for one in told["entry"]] == alone
    assert alone[2]["issue"][0]["severity"] == "error"


async def test_each_entry_of_a_batch_is_logged_as_if_asked_alone(place: Place) -> None:
    before = len(await place.world.log(place.patient))
    url = f"Patient/{place.patient}/$everything"
    await place.own.get(f"/fhir/{url}")
    alone = len(await place.world.log(place.patient)) - before
    await place.own.post("/fhir", bundle("batch", asked("GET", url), asked("GET", url)))
    assert alone > 0
    assert len(await place.world.log(place.patient)) - before == 3 * alone


async def test_hidden_and_missing_are_the_same_in_a_batch_and_do_not_stop_the_others(place: Place) -> None:
    other = await place.world.organisation("Other")
    stranger = Door(place.world, place.world.professional(await place.world.employee(other), other))
    urls = [f"Patient/{place.patient}/$everything", f"Patient/{MISSING}/$everything", LOOKUP]
    _, told = await stranger.post("/fhir", bundle("batch", *(asked("GET", url) for url in urls)))
    assert statuses(told) == ["404", "404", "200"]
    assert told["entry"][0] == told["entry"][1]


async def test_a_block_holds_inside_a_batch_from_the_next_request_on(place: Place) -> None:
    doctor = await place.world.employee(place.ward)
    await place.world.contact(place.patient, place.ward)
    door = Door(place.world, place.world.professional(doctor, place.ward))
    asking = bundle("batch", asked("GET", f"Patient/{place.patient}/$everything"))
    assert statuses((await door.post("/fhir", asking))[1]) == ["200"]
    await place.world.block(place.patient)
    _, told = await door.post("/fhir", asking)
    kinds = [one["resource"]["resourceType"] for one in told["entry"][0].get("resource", {}).get("entry", ())]
    assert "Observation" not in kinds


async def test_a_transaction_does_what_looks_at_nobody_and_is_absent_when_more_is_asked(place: Place) -> None:
    system = Door(place.world, place.world.system(place.ward))
    fine = bundle("transaction", asked("POST", "Organization", ORGANISATION), asked("GET", LOOKUP))
    status, told = await system.post("/fhir", fine)
    assert (status, statuses(told)) == (200, ["201", "200"])
    assert told["entry"][1]["resource"]["resourceType"] == "Parameters"
    for url in (f"Patient/{place.patient}/$everything", f"Patient/{place.patient}/$validate"):
        status, told = await place.own.post("/fhir", bundle("transaction", asked("GET", url)))
        assert (status, "not in a transaction" in told["issue"][0]["diagnostics"]) == (501, True)
    number = {"system": "urn:example", "value": "9"}
    for refused in (f"Patient/{place.patient}/$everything", f"Patient/{place.patient}/$validate", LOOKUP + "-or-not"):
        entries = [asked("POST", "Organization", {**ORGANISATION, "identifier": [number]}), asked("GET", refused)]
        status, told = await system.post("/fhir", bundle("transaction", *entries))
        assert status >= 400
        _, found = await system.get("/fhir/Organization?identifier=urn:example|9&_total=accurate")
        assert found["total"] == 0


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (asked("GET", "Patient/$nothing"), "501"),
        (asked("GET", "Patient/$match"), "405"),
        (asked("GET", "Patient/a/b/$everything"), "404"),
        (asked("GET", "Patient//$everything"), "404"),
        (asked("GET", "CodeSystem/$lookup?nothing=1"), "400"),
        (asked("POST", "CodeSystem/$lookup", {"resourceType": "Parameters", "parameter": 7}), "400"),
        (asked("POST", "Patient/$match", {"resourceType": "Parameters"}), "400"),
    ],
)
async def test_an_operation_that_cannot_be_is_refused_in_its_place(place: Place, entry: Any, status: str) -> None:
    code, told = await place.own.post("/fhir", bundle("batch", entry, asked("GET", LOOKUP)))
    assert (code, statuses(told)) == (200, [status, "200"])
    assert told["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]


async def test_what_is_posted_to_more_than_a_type_is_never_created(place: Place) -> None:
    system = Door(place.world, place.world.system(place.ward))
    for url in ("Organization/$validate", "Organization/anything", "Organization/_search"):
        status, told = await system.post("/fhir", bundle("batch", asked("POST", url, ORGANISATION)))
        assert status == 400 or statuses(told) == ["200"]
        _, found = await system.get("/fhir/Organization?name=Ny&_total=accurate")
        assert found["total"] == 0


async def test_a_batch_has_room_for_so_many_operations(place: Place) -> None:
    status, told = await place.own.post("/fhir", bundle("batch", *[asked("GET", LOOKUP)] * 101))
    assert (status, "100" in told["issue"][0]["diagnostics"]) == (400, True)
