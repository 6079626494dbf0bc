"""The keeper of the directory links two registrations on a page, parts them again, and tells the units that acted on both."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ids import key_of
from helhed.work.tasks import whose_move
from tests.unit.acting.doors import Browser, Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/register/samme"


async def a_keeper(doors: Doors) -> Browser:
    await doors.keeper()
    place = doors.keeper_place
    assert place is not None
    who = await doors.world.employee(place, "directory-keeper")
    return await (await doors.professional(who, place, "directory-keeper")).get(PATH)


async def two(doors: Doors) -> tuple[UUID, UUID, UUID]:
    """A ward that looked at both of two citizens of about the same name."""
    ward = await doors.world.organisation("Medicinsk Afdeling")
    one = await doors.person(ward, "Karl Test Vind", "1950-01-02")
    other = await doors.person(ward, "Carl Test Vind", "1950-01-02")
    return ward, one, other


async def linked(doors: Doors, keeper: Browser, one: UUID, other: UUID) -> str:
    await keeper.post(f"{PATH}/find", fra=doors.numbers[one], til=doors.numbers[other])
    assert keeper.status == 200, keeper.text
    await keeper.post(PATH, fra=str(one), til=str(other), hvorfor="Samme pas")
    assert "De to er nu én borger" in keeper.text
    link = await doors.world.owner.fetchval(
        "select id from registries.citizen_link where replaced = $1 and unlinked_at is null", key_of(one)
    )
    return f"{PATH}/{link}"


async def test_both_are_shown_beside_each_other_before_they_are_linked_and_it_is_in_both_logs(doors: Doors) -> None:
    _, one, other = await two(doors)
    keeper = await a_keeper(doors)
    await keeper.post(f"{PATH}/find", fra=doors.numbers[one], til=doors.numbers[other])
    assert "Karl Test Vind" in keeper.text
    assert "fødselsdag: det samme" in keeper.text
    await linked(doors, keeper, one, other)
    for citizen in (one, other):
        assert {8, 23, 171} <= {row["action"] for row in await doors.log_of(citizen)}
    patient = await doors.world.owner.fetchval("select body from fhir.resource where id = $1", other)
    assert orjson.loads(patient)["link"] == [{"other": {"reference": f"Patient/{one}"}, "type": "replaces"}]


async def test_a_wrong_link_is_parted_and_each_unit_that_acted_is_given_one_piece_of_work_a_citizen(
    doors: Doors,
) -> None:
    ward, one, other = await two(doors)
    keeper = await a_keeper(doors)
    page = await linked(doors, keeper, one, other)
    await doors.world.contact(one, ward)
    doctor = await doors.world.employee(ward)
    ask = doors.world.professional(doctor, ward)
    await doors.world.observation(one, ward)
    for citizen in (one, other):
        await doors.world.search(ask, f"Observation?patient=Patient/{citizen}")
    await keeper.get(page)
    assert "Medicinsk Afdeling" in keeper.text
    rows = keeper.page.split("<tbody>")[1].split("</tbody>")[0]
    told = '>CPR</td><td class="hh-num">1 / 1<'
    assert told in rows, "looking both up is a look; looking at the link is none"
    await keeper.post(f"{page}/besked")
    assert "De to er skilt" not in keeper.text
    assert await tasks(doors, ward) == [], "while the link stands nobody is told that it was wrong"
    await keeper.post(f"{page}/skil", hvorfor="To brødre")
    assert "De to er skilt ad igen" in keeper.text
    for _ in range(2):
        await keeper.post(f"{page}/besked")
    made = await tasks(doors, ward)
    assert {one["for"]["reference"] for one in made} == {f"Patient/{one}", f"Patient/{other}"}
    assert len(made) == 2
    assert doors.keeper_place is not None
    assert await tasks(doors, doors.keeper_place) == []
    assert whose_move(made[0]).asked == f"Organization/{ward}"
    assert 172 in {row["action"] for row in await doors.log_of(one)}


async def tasks(doors: Doors, ward: UUID) -> list[Any]:
    rows = await doors.world.owner.fetch("select body from fhir.resource where type = 141 and not deleted")
    return [
        one
        for one in (orjson.loads(row["body"]) for row in rows)
        if one.get("owner", {}).get("reference") == f"Organization/{ward}"
    ]


async def test_a_registrar_elsewhere_and_other_roles_link_nobody(doors: Doors) -> None:
    ward, one, other = await two(doors)
    for role in ("directory-keeper", "doctor"):
        stranger = await doors.professional(await doors.world.employee(ward, role), ward, role)
        await stranger.get("/register" if role == "directory-keeper" else "/hospital")
        await stranger.post(f"{PATH}/find", fra=doors.numbers[one], til=doors.numbers[other])
        assert stranger.status in {403, 404}
        assert "Karl Test Vind" not in stranger.text
        await stranger.post(PATH, fra=str(one), til=str(other), hvorfor="x")
        assert stranger.status in {403, 409}
    assert not await doors.world.owner.fetchval(
        "select count(*) from registries.citizen_link where replaced = $1", key_of(one)
    )
    assert {row["permitted"] for row in await doors.log_of(one) if row["action"] in {8, 23}} == {False}


async def test_a_link_without_a_reason_or_to_oneself_is_refused(doors: Doors) -> None:
    _, one, other = await two(doors)
    keeper = await a_keeper(doors)
    await keeper.post(f"{PATH}/find", fra=doors.numbers[one], til=doors.numbers[one])
    assert keeper.status == 422
    await keeper.post(f"{PATH}/find", fra=doors.numbers[one], til="0101019999")
    assert keeper.status == 404
    await keeper.get(PATH)
    await keeper.post(PATH, fra=str(one), til=str(other), hvorfor=" ")
    assert keeper.status == 409
