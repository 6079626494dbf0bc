"""What an organisation keeps and is about somebody: an implant, the list of one patient's problems. It is that citizen's; of what
names a citizen without being about one, a block holds too, and every look stands in the log of those whom it names.
"""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS, Ownership, type_definition
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.log.citizen_log import CitizenLog
from tests.support.door import Door
from tests.support.world import NOW
from tests.unit.store.scene import Scene


def _implant(patient: UUID) -> dict[str, Any]:
    return {"resourceType": "Device", "patient": {"reference": f"Patient/{patient}"}, "type": {"text": "hofteprotese"}}


def _problems(patient: UUID) -> dict[str, Any]:
    return {
        "resourceType": "List", "status": "current", "mode": "working", "title": "Problemer",
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip


def _named_on(patient: UUID) -> dict[str, Any]:
    """The ward's own list, on which one patient stands today."""
    entry = [{"item": {"reference": f"Patient/{patient}"}}]
    return {"resourceType": "List", "status": "current", "mode": "working", "title": "Stue 1", "entry": entry}


@pytest.fixture
async def colleague(scene: Scene) -> Ask:
    """Somebody at work in the ward."""
    return scene.world.professional(await scene.world.employee(scene.hospital), scene.hospital)


async def _found(scene: Scene, ask: Ask, url: str) -> bool:
    status, answer = await Door(scene.world, ask).get(url)
    return status == 200 and (answer["resourceType"] != "Bundle" or bool(answer.get("entry")))


def _transplant(patient: UUID) -> dict[str, Any]:
    return {
        "resourceType": "BiologicallyDerivedProduct",
        "collection": {"source": {"reference": f"Patient/{patient}"}},
        "productCategory": "organ",
    }


def _contract(patient: UUID) -> dict[str, Any]:
    people = [{"reference": f"Organization/{uuid4()}"}, {"reference": f"Patient/{patient}"}]
    return {"resourceType": "Contract", "status": "executed", "subject": people}


def _in_stock() -> dict[str, Any]:
    return {"resourceType": "Device", "type": {"text": "krykker"}}


_ABOUT_ONE = [_implant, _problems, _transplant, _contract]


def _urls(kind: str, row: UUID) -> list[str]:
    return [f"/fhir/{kind}/{row}", f"/fhir/{kind}?_id={row}", f"/fhir/{kind}/{row}/_history", f"/fhir/{kind}/_history"]


@pytest.mark.parametrize("make", _ABOUT_ONE)
async def test_what_is_about_one_citizen_takes_a_relation_and_yields_to_a_block(
    scene: Scene, colleague: Ask, make: Any
) -> None:
    kind, row = make(scene.patient)["resourceType"], await scene.world.put(scene.custodian, make(scene.patient))
    urls = _urls(kind, row)
    assert [await _found(scene, colleague, url) for url in urls] == [False] * len(urls)
    await scene.world.contact(scene.patient, scene.hospital)
    assert [await _found(scene, colleague, url) for url in urls] == [True] * len(urls)
    await scene.world.block(scene.patient, who=scene.hospital)
    assert [await _found(scene, colleague, url) for url in urls] == [False] * len(urls)


@pytest.mark.parametrize("make", _ABOUT_ONE)
async def test_the_citizen_reads_it_and_finds_it_in_the_whole_record(scene: Scene, make: Any) -> None:
    kind, row = make(scene.patient)["resourceType"], await scene.world.put(scene.custodian, make(scene.patient))
    assert [await _found(scene, scene.citizen, url) for url in _urls(kind, row)] == [True] * 4
    door = Door(scene.world, scene.citizen)
    _, whole = await door.get(f"/fhir/Patient/{scene.patient}/$everything")
    assert str(row) in {entry["resource"]["id"] for entry in whole["entry"]}
    stranger = scene.world.citizen(await scene.world.patient(scene.hospital))
    assert [await _found(scene, stranger, url) for url in _urls(kind, row)] == [False] * 4


async def test_what_is_in_stock_is_the_organisations_until_it_is_given_to_a_citizen(
    scene: Scene, colleague: Ask
) -> None:
    row = await scene.world.put(scene.custodian, _in_stock())
    assert await _found(scene, colleague, f"/fhir/Device/{row}")
    await scene.world.change(scene.custodian, row, _implant(scene.patient))
    assert [await _found(scene, colleague, url) for url in _urls("Device", row)] == [False] * 4
    assert await _found(scene, scene.citizen, f"/fhir/Device/{row}")


@pytest.mark.parametrize("other", ["nobody", "somebody"])
async def test_what_was_given_to_a_citizen_stays_theirs(scene: Scene, other: str) -> None:
    row = await scene.world.put(scene.custodian, _implant(scene.patient))
    another = _in_stock() if other == "nobody" else _implant(await scene.world.patient(scene.hospital))
    with pytest.raises(Unprocessable, match="stays with the citizen"):
        await scene.world.change(scene.custodian, row, another)


async def test_nobody_gives_to_a_citizen_whom_they_may_not_write_for(scene: Scene, colleague: Ask) -> None:
    row = await scene.world.put(scene.custodian, _in_stock())
    ask = replace(colleague, trace=uuid4())
    with pytest.raises(Unprocessable, match="no such patient"):
        await scene.world.change(ask, row, _implant(scene.patient), if_match=1)
    logged = "select permitted from foundation.access_log where trace = $1 and citizen = $2"
    assert [one["permitted"] for one in await scene.world.owner.fetch(logged, ask.trace, key_of(scene.patient))] == [
        False
    ]
    await scene.world.contact(scene.patient, scene.hospital)
    await scene.world.change(ask, row, _implant(scene.patient), if_match=1)


async def test_a_row_that_an_earlier_release_writes_becomes_the_citizens_as_it_is_written(scene: Scene) -> None:
    row = await scene.world.put(scene.custodian, _implant(scene.patient))
    as_before = "update fhir.resource set ownership = 2, citizen = null, concerns = array[$2::bigint] where id = $1"
    await scene.world.owner.execute(as_before, row, key_of(scene.patient))
    (stands,) = await scene.world.owner.fetch("select * from fhir.resource where id = $1", row)
    assert (stands["ownership"], stands["citizen"], stands["concerns"]) == (1, key_of(scene.patient), None)


async def test_the_database_and_the_program_know_the_same_types_that_may_be_about_a_citizen(scene: Scene) -> None:
    condition = "select pg_get_triggerdef(oid) from pg_trigger where tgname = 'resource_owner'"
    numbers = re.findall(r"\d+", (await scene.world.owner.fetchval(condition)).partition("ARRAY[")[2].partition("]")[0])
    told = {name for name in TYPE_NUMBERS if type_definition(name).ownership is Ownership.ORGANISATION and type_definition(name).patient_paths}  # fmt: skip
    assert (
        {TYPE_NAMES[number] for number in map(int, numbers)}
        == told
        == {make(scene.patient)["resourceType"] for make in _ABOUT_ONE}
    )


async def test_a_list_of_several_people_stays_whoever_of_them_blocks(scene: Scene, colleague: Ask) -> None:
    others = [scene.patient, await scene.world.patient(scene.hospital)]
    members = [{"entity": {"reference": f"Patient/{one}"}} for one in others]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": members}
    row = await scene.world.put(scene.custodian, group)
    await scene.world.block(scene.patient)
    assert await _found(scene, colleague, f"/fhir/Group/{row}")


@pytest.mark.parametrize("url", ["/fhir/List/{row}", "/fhir/List?_id={row}", "/fhir/List/_history"])
async def test_a_look_at_it_stands_in_the_log_of_the_citizen(scene: Scene, colleague: Ask, url: str) -> None:
    row = await scene.world.put(scene.custodian, _named_on(scene.patient))
    ask = replace(colleague, trace=uuid4())
    assert await _found(scene, ask, url.format(row=row))
    rows = await scene.world.owner.fetch("select * from foundation.access_log where trace = $1", ask.trace)
    assert [(one["citizen"], one["permitted"], list(one["concerned"])) for one in rows] == [
        (None, True, [key_of(scene.patient)])
    ]
    entries = await CitizenLog(scene.world.store.pool).entries(
        scene.citizen, NOW.replace(year=2020), NOW.replace(year=2030)
    )
    assert any(one.actor == ask.actor for one in entries)


async def test_what_a_record_refers_to_and_is_somebody_elses_does_not_come_along(scene: Scene) -> None:
    """A result that was measured by what is somebody else's."""
    other = await scene.world.patient(scene.hospital)
    row = await scene.world.put(scene.custodian, _implant(other))
    await scene.world.observation(scene.patient, scene.hospital, "measured", device={"reference": f"Device/{row}"})
    ask = replace(scene.world.professional(await scene.world.employee(scene.hospital), scene.hospital), trace=uuid4())
    await scene.world.contact(scene.patient, scene.hospital)
    _, whole = await Door(scene.world, ask).get(f"/fhir/Patient/{scene.patient}/$everything")
    assert str(row) not in {entry["resource"]["id"] for entry in whole["entry"]}
