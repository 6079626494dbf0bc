"""The purge operations of the FHIR door: two custodians, each with a token of their own."""

from typing import Any

import pytest

from helhed.foundation.ids import new_id
from tests.support.door import Door
from tests.unit.store.purging import Ward

pytestmark = pytest.mark.asyncio(loop_scope="module")


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource of texts; several of one name as a list."""
    pairs = [
        (name.replace("_", "-"), one)
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": name, "valueString": value} for name, value in pairs]}


def told(answer: dict[str, Any]) -> dict[str, list[Any]]:
    """What an answer says, by name."""
    found: dict[str, list[Any]] = {}
    for one in answer.get("parameter", ()):
        found.setdefault(one["name"], []).append(
            next((v for n, v in one.items() if n.startswith("value")), one.get("part"))
        )
    return found


async def test_two_custodians_purge_and_the_answers_hold_no_content(ward: Ward) -> None:
    row = await ward.planted()
    one, other = Door(ward.world, ward.staff.one), Door(ward.world, ward.staff.other)
    asked = parameters(
        row=f"Observation/{row}", ground="wrong-patient", case_number="2026-118", rightful=f"Patient/{ward.right}"
    )
    status, proposed = await one.post("/fhir/$purge-propose", asked)
    assert status == 200
    status, waiting = await other.get("/fhir/$purge-proposals")
    assert [part for part in told(waiting)["proposal"] if part == proposed["parameter"]] == [proposed["parameter"]]
    proposal = told(proposed)
    approval = parameters(proposal=proposal["proposal"][0], seal=proposal["seal"][0])
    status, done = await other.post("/fhir/$purge-approve", approval)
    assert (status, told(done)) == (200, {"rows": [1], "versions": [3]})
    assert ward.marker not in repr((proposed, waiting, done))
    assert await ward.found() == set()
    assert (await Door(ward.world, ward.world.citizen(ward.wrong)).get(f"/fhir/Observation/{row}"))[0] == 404


async def test_the_same_hand_is_refused_and_so_is_another_seal(ward: Ward) -> None:
    row = await ward.planted()
    one, other = Door(ward.world, ward.staff.one), Door(ward.world, ward.staff.other)
    asked = parameters(row=f"Observation/{row}", ground="wrong-patient", case_number="2026-118")
    proposal = told((await one.post("/fhir/$purge-propose", asked))[1])
    name, seal = proposal["proposal"][0], proposal["seal"][0]
    assert (await one.post("/fhir/$purge-approve", parameters(proposal=name, seal=seal)))[0] == 403
    assert (await other.post("/fhir/$purge-approve", parameters(proposal=name, seal="00")))[0] == 409
    assert (await other.post("/fhir/$purge-approve", parameters(proposal=name, seal="zz")))[0] == 400
    assert (await other.post("/fhir/$purge-withdraw", parameters(proposal=name)))[0] == 204
    assert (await other.post("/fhir/$purge-approve", parameters(proposal=name, seal=seal)))[0] == 404


async def test_a_row_of_others_and_one_that_never_was_get_the_same_answer(ward: Ward) -> None:
    clinic = await ward.world.organisation("Klinik")
    theirs = await ward.world.observation(ward.wrong, clinic)
    door = Door(ward.world, ward.staff.one)
    answers = [
        await door.post(
            "/fhir/$purge-propose", parameters(row=f"Observation/{one}", ground="wrong-patient", case_number="7-26")
        )
        for one in (theirs, new_id(), "nonsense")
    ]
    bare = [(status, {**answer, "id": ""}) for status, answer in answers]
    assert [status for status, _ in bare] == [404] * 3
    assert bare[0] == bare[1] == bare[2]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"ground": "because"},
        {"case_number": "Hans skrev forkert"},
        {"case_number": "010190-1234"},
        {"case_number": ""},
        {"row": "Observation"},
        {"row": []},
        {"row": "Nothing/1"},
        {"rightful": "Observation/1"},
        {"more": "1"},
    ],
)
async def test_what_cannot_be_understood_is_refused_and_changes_nothing(ward: Ward, spoilt: dict[str, Any]) -> None:
    row = await ward.planted()
    asked = {"row": f"Observation/{row}", "ground": "wrong-patient", "case_number": "2026-118", **spoilt}
    status, _ = await Door(ward.world, ward.staff.one).post("/fhir/$purge-propose", parameters(**asked))
    assert status == 400
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 3


async def test_purging_is_never_done_by_get(ward: Ward) -> None:
    for name in ("propose", "approve", "withdraw"):
        assert (await Door(ward.world, ward.staff.one).get(f"/fhir/$purge-{name}"))[0] == 405


async def test_after_a_purge_every_address_answers_as_before_the_row_was_written(ward: Ward) -> None:
    await ward.world.contact(ward.wrong, ward.hospital)
    await ward.world.observation(ward.wrong, ward.hospital)
    doctor = Door(ward.world, ward.world.professional(await ward.world.employee(ward.hospital), ward.hospital))
    citizen = Door(ward.world, ward.world.citizen(ward.wrong))
    before = [await _everywhere(door, ward) for door in (doctor, citizen)]
    row = await ward.planted()
    assert [await _everywhere(door, ward) for door in (doctor, citizen)] != before
    await ward.staff.purge(("Observation", row))
    assert [await _everywhere(door, ward) for door in (doctor, citizen)] == before


async def _everywhere(door: Door, ward: Ward) -> list[Any]:
    """What many addresses say about the wrong citizen, without the ids of the answers."""
    subject = f"Patient/{ward.wrong}"
    asked = [
        f"/fhir/Observation?subject={subject}&_total=accurate",
        f"/fhir/Observation?patient={subject}&code=8867-4&_sort=-date",
        f"/fhir/Observation?subject={subject}&value-string={ward.marker}",
        f"/fhir/Observation?patient={subject}&_text={ward.marker}",
        f"/fhir/Observation?patient={subject}&_summary=count",
        f"/fhir/Patient/{ward.wrong}/$everything",
        f"/fhir/Patient?_id={ward.wrong}&_revinclude=Observation:subject",
        f"/fhir/Patient/{ward.wrong}/Observation",
        "/fhir/Observation/_history",
        "/fhir/_history?_count=100",
    ]
    return [_bare(await door.get(url)) for url in asked]


def _bare(answer: tuple[int, Any]) -> Any:
    status, told = answer
    entries = [(one.get("fullUrl"), one.get("resource")) for one in told.get("entry", ())]
    return status, told.get("total"), entries
