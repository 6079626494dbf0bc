"""Numbers that belong to one citizen, and places that stand in one tree."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action
from helhed.foundation.errors import Conflict, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.registries import numbers
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR
from tests.support.door import Door
from tests.unit.store.scene import Scene, entry, transaction

A_NUMBER = [{"system": CPR, "value": "140358-1235"}]


async def numbers_of(scene: Scene, patient: UUID) -> list[tuple[str, str]]:
    body = orjson.loads((await scene.world.store.read(scene.world.citizen(patient), "Patient", patient)).body)
    return [(one["system"], one["value"]) for one in body["identifier"]]


# --- numbers --------------------------------------------------------------------------------------------------------------


async def test_a_patient_without_a_number_gets_a_replacement_number(scene: Scene) -> None:
    born = await scene.world.patient(scene.hospital, birthDate="1974-01-26", gender="male")
    ((system, number),) = await numbers_of(scene, born)
    assert system == REPLACEMENT_CPR
    assert re.fullmatch(r"2601741[A-HJ-NP-Z]{2}[13579]", number)
    found = await Directory(scene.world.store.pool).find_by_number(scene.doctor, f"{number[:6]}-{number[6:].lower()}")
    assert found is not None
    assert (found.patient, found.replacement) == (born, True)


async def test_a_patient_with_a_number_of_another_country_gets_one_beside_it(scene: Scene) -> None:
    foreign = [{"system": "urn:oid:2.16.840.1.113883.4.1", "value": "999-99-9999"}]
    patient = await scene.world.patient(scene.hospital, identifier=foreign)
    assert [system for system, _ in await numbers_of(scene, patient)] == [foreign[0]["system"], REPLACEMENT_CPR]


async def test_a_patient_with_a_number_keeps_it_and_gets_no_other(scene: Scene) -> None:
    patient = await scene.world.patient(scene.hospital, identifier=A_NUMBER)
    assert await numbers_of(scene, patient) == [(CPR, "140358-1235")]


async def test_replacement_numbers_are_never_handed_out_twice(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody draws from the same three numbers at the same time: three get one, and nobody gets another's."""
    pool = iter(["2601741AA1", "2601741AA3", "2601741AA5"] * 100)
    monkeypatch.setattr(numbers, "replacement_cpr", lambda born, sex: next(pool))
    patients = await asyncio.gather(*(scene.world.patient(scene.hospital) for _ in range(3)))
    given = [(await numbers_of(scene, patient))[0][1] for patient in patients]
    assert sorted(given) == ["2601741AA1", "2601741AA3", "2601741AA5"]


async def test_a_day_without_free_numbers_lends_from_the_days_after_it(scene: Scene) -> None:
    """Everybody whose birth date is unknown shares a day."""
    await scene.world.owner.execute(
        "insert into registries.replacement_cpr select '0101007' || a || b || d"
        " from unnest(string_to_array('A,B,C,D,E,F,G,H,J,K,L,M,N,P,Q,R,S,T,U,V,W,X,Y,Z', ',')) a,"
        " unnest(string_to_array('A,B,C,D,E,F,G,H,J,K,L,M,N,P,Q,R,S,T,U,V,W,X,Y,Z', ',')) b, generate_series(0, 9) d"
    )
    patient = await scene.world.patient(scene.hospital)
    number = (await numbers_of(scene, patient))[0][1]
    assert re.fullmatch(r"(?:0[2-9]|[12]\d|3[01])01007[A-Z]{2}\d", number)


async def test_the_same_cpr_number_twice_is_a_conflict(scene: Scene) -> None:
    await scene.world.patient(scene.hospital, identifier=A_NUMBER)
    before = await scene.world.owner.fetchval("select count(*) from fhir.resource")
    with pytest.raises(Conflict):
        await scene.world.patient(scene.clinic, identifier=[{"system": CPR, "value": "1403581235"}])
    assert await scene.world.owner.fetchval("select count(*) from fhir.resource") == before


@pytest.mark.parametrize("method", ["POST", "PUT", "transaction"])
async def test_whose_number_it_was_reads_so_in_their_log(scene: Scene, method: str) -> None:
    """The answer says that somebody has it: whoever asks, that is a look at them."""
    owner, ours = await scene.world.patient(scene.hospital, identifier=A_NUMBER), scene.patient
    ask = replace(scene.world.system(scene.hospital), trace=uuid4())
    patient: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"system": CPR, "value": "140358-1235"}]}
    door = Door(scene.world, ask)
    if method == "PUT":
        status, _, _ = await door.do("PUT", f"/fhir/Patient/{ours}", {**patient, "id": str(ours)})
    elif method == "POST":
        status, _ = await door.post("/fhir/Patient", patient)
    else:
        entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
        status, _ = await door.post("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert status == 409
    rows = await scene.world.owner.fetch("select * from foundation.access_log where trace = $1", ask.trace)
    told = [
        (row["action"], row["permitted"], list(row["resources"])) for row in rows if row["citizen"] == key_of(owner)
    ]
    assert told == [(Action.UPDATE if method == "PUT" else Action.CREATE, False, [owner])]


async def test_of_two_at_once_with_the_same_cpr_number_one_is_stored(scene: Scene) -> None:
    outcomes = await asyncio.gather(
        *(scene.world.patient(scene.hospital, identifier=A_NUMBER) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict"] * 3 + ["UUID"]


async def test_whole_names_come_before_names_that_begin_like_them(scene: Scene) -> None:
    for given, family in (("Anna", "Jensen"), ("Bo", "Jensen"), ("Jens", "Holm")):
        await scene.world.patient(scene.hospital, name=[{"family": family, "given": [given]}])
    statement = "select name from registries.find_by_name($1::fhir.ask, array['jens'], 2)"
    found = [row["name"] for row in await scene.world.owner.fetch(statement, ask_row(scene.doctor))]
    assert found == ["Jens Holm", "Anna Jensen"]


# --- places -----------------------------------------------------------------------------------------------------------------


def place(name: str, above: UUID | str | None, own: UUID | None = None) -> dict[str, Any]:
    known: dict[str, Any] = {"resourceType": "Organization", "name": name}
    if above is not None:
        known["partOf"] = {"reference": above if isinstance(above, str) else f"Organization/{above}"}
    return known if own is None else {**known, "id": str(own)}


async def places(scene: Scene, organisation: UUID) -> list[int]:
    found = await scene.world.owner.fetchval(
        "select places from registries.organisation where key = $1", key_of(organisation)
    )
    return list(found)


async def test_what_stands_beneath_moves_with_its_place_and_so_do_its_bases(scene: Scene) -> None:
    world, custodian = scene.world, scene.custodian
    centre = await world.put(custodian, place("Center", scene.hospital))
    bed = await world.put(custodian, place("Sengeafsnit", scene.ward))
    nurse, _, _ = await scene.employed(bed, "nurse")
    assert await scene.reads(nurse), "a relation of the ward covers those who work beneath it"
    await world.change(custodian, bed, place("Sengeafsnit", centre, bed))
    assert await places(scene, bed) == [key_of(one) for one in (bed, centre, scene.hospital)]
    assert not await scene.reads(nurse)
    await world.change(custodian, centre, place("Center", scene.ward, centre))
    assert await places(scene, bed) == [key_of(one) for one in (bed, centre, scene.ward, scene.hospital)]
    assert await scene.reads(nurse), "it came back beneath the ward with the place it stands in"


async def test_a_block_on_the_hospital_reaches_places_that_moved_beneath_it(scene: Scene) -> None:
    world = scene.world
    bed = await world.put(scene.custodian, place("Sengeafsnit", scene.ward))
    nurse, _, _ = await scene.employed(bed, "nurse")
    await world.block(scene.patient, who=scene.hospital)
    assert not await scene.reads(nurse)


async def test_a_tree_never_becomes_a_circle(scene: Scene) -> None:
    world, custodian = scene.world, scene.custodian
    unit = await world.put(custodian, place("Afsnit", scene.ward))
    before = await places(scene, unit)
    for own, above in ((scene.ward, unit), (unit, unit), (scene.hospital, unit)):
        with pytest.raises(Unprocessable):
            await world.change(custodian, own, place("Runde", above, own))
    assert await places(scene, unit) == before


async def test_a_circle_within_one_transaction_is_refused(scene: Scene) -> None:
    one, other = "urn:uuid:6a0c2a38-1df5-4f3a-9a7c-2b4d8f8b8a01", "urn:uuid:6a0c2a38-1df5-4f3a-9a7c-2b4d8f8b8a02"
    with pytest.raises(Unprocessable):
        await transaction(
            scene.world,
            scene.custodian,
            entry("POST", "Organization", place("Et", other), fullUrl=one),
            entry("POST", "Organization", place("To", one), fullUrl=other),
        )


async def test_children_may_come_before_their_parents_in_one_transaction(scene: Scene) -> None:
    above = "urn:uuid:6a0c2a38-1df5-4f3a-9a7c-2b4d8f8b8a01"
    outcomes = await transaction(
        scene.world,
        scene.custodian,
        entry("POST", "Organization", place("Afsnit", above)),
        entry("POST", "Organization", place("Center", scene.hospital), fullUrl=above),
    )
    unit, centre = (one.written.id for one in outcomes if one.written is not None)
    assert await places(scene, unit) == [key_of(one) for one in (unit, centre, scene.hospital)]


async def test_a_strangers_unit_that_named_a_place_before_it_was_known_is_never_taken_in(scene: Scene) -> None:
    """Else the place's custodian could hand out jobs there and delete what the unit wrote."""
    world, above = scene.world, new_id()
    unit = await world.put(world.system(scene.elsewhere), place("Fremmed afsnit", above))
    await world.put(scene.custodian, place("Center", scene.hospital), above)
    await world.change(scene.custodian, above, place("Center for alt", scene.hospital, above))
    assert await places(scene, unit) == [key_of(unit)]
