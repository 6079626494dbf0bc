"""The pages of work, over the real rooms."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helhed.foundation.errors import HelhedError
from tests.support.pages import Pages
from tests.unit.work.conftest import Desk


async def test_a_clinic_accepts_begins_and_completes_and_the_citizen_reads_along(desk: Desk) -> None:
    pages = Pages(desk.world)
    task = await desk.ask_for(description="Kontrollér kalium")
    gp, doctor, citizen = [await pages.person(one) for one in (desk.scene.gp, desk.scene.doctor, desk.scene.citizen)]
    assert "Kontrollér kalium" in await gp.get("/opgaver")
    assert "Indtil da har Afdeling opgaven" in gp.page
    await gp.post(f"/opgaver/{task}", version="1", hvad="accept", til="/opgaver")
    assert gp.address.endswith("/opgaver")
    assert "Taget imod" in gp.page
    await gp.post(f"/opgaver/{task}", version="2", hvad="done")
    assert "Lægehus har gjort det" in gp.page
    assert "Lægehus tog imod" in await doctor.get(f"/opgaver/{task}")
    assert "Kontrollér kalium" in await doctor.get("/opgaver?vis=slut")
    page = await citizen.get("/borger/hvis-tur")
    assert "Opfølgning hos egen læge" in page
    assert "Gjort" in page


async def test_declining_takes_a_reason_and_the_sender_reads_it(desk: Desk) -> None:
    pages = Pages(desk.world)
    task = await desk.ask_for()
    gp, doctor = await pages.person(desk.scene.gp), await pages.person(desk.scene.doctor)
    await gp.post(f"/opgaver/{task}", version="1", hvad="decline", grund=" ")
    assert (gp.status, "Skriv hvorfor" in gp.page) == (422, True)
    await gp.post(f"/opgaver/{task}", version="1", hvad="decline", grund="Ikke vores patient")
    page = await doctor.get(f"/opgaver/{task}")
    assert "Ikke vores patient" in page
    assert "Tag den selv" in page


async def test_handing_on_finds_the_unit_by_name_or_asks_which(desk: Desk) -> None:
    pages = Pages(desk.world)
    pages.now = datetime.now(UTC) + timedelta(days=1)  # the register has units from the day they were written on
    task = await desk.ask_for()
    await desk.move(desk.scene.gp, task, status="accepted")
    gp = await pages.person(desk.scene.gp)
    await gp.post(f"/opgaver/{task}", version="2", hvad="hand-on", enhed="Findes ikke")
    assert (gp.status, "ingen enhed med det navn" in gp.page) == (422, True)
    await gp.post(f"/opgaver/{task}", version="2", hvad="hand-on", enhed="an")
    assert (gp.status, "Hvilken af dem?" in gp.page) == (422, True)
    await gp.post(f"/opgaver/{task}", version="2", hvad="hand-on", enhed="Andet")
    assert "Indtil da har Lægehus opgaven" in gp.page


async def test_a_piece_that_somebody_moved_meanwhile_is_not_moved_over(desk: Desk) -> None:
    pages = Pages(desk.world)
    task = await desk.ask_for()
    gp = await pages.person(desk.scene.gp)
    await desk.move(desk.scene.doctor, task, status="cancelled")
    await gp.post(f"/opgaver/{task}", version="1", hvad="accept")
    assert (gp.status, "En anden har flyttet" in gp.page) == (409, True)
    assert (await desk.piece(task))["status"] == "cancelled"


async def test_a_move_against_the_rules_is_told_in_words(desk: Desk) -> None:
    pages = Pages(desk.world)
    task = await desk.ask_for()
    doctor = await pages.person(desk.scene.doctor)
    await doctor.post(f"/opgaver/{task}", version="1", hvad="done")
    assert (doctor.status, "kan ikke gøres med opgaven" in doctor.page) == (422, True)


async def test_a_stranger_sees_no_piece_and_a_full_queue_goes_on(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr("helhed.portals.routes.work._PAGE", 2)
    pages = Pages(desk.world)
    tasks = {await desk.ask_for() for _ in range(3)}
    gp = await pages.person(desk.scene.gp)
    first = await gp.get("/opgaver?slags=follow-up-after-discharge")
    onward = re.search(r'href="(/opgaver\?[^"]*efter[^"]*)"', first)
    assert onward
    second = await gp.get(onward[1].replace("&amp;", "&"))
    assert {str(one) for one in tasks} == set(re.findall(r"/opgaver/([0-9a-f-]{36})\"", first + second))
    stranger = await pages.person(desk.world.professional(await desk.world.employee(desk.scene.hospital), desk.scene.hospital))  # fmt: skip
    await stranger.get(f"/opgaver/{next(iter(tasks))}")
    assert stranger.status == 404


@pytest.mark.parametrize("said", [
    {"authoredOn": "9999-12-31"}, {"authoredOn": "0001-01-01"}, {"restriction": {"period": {"end": "9999-12-31T23:59:59Z"}}},
    {"restriction": {"period": {"end": "0001-01-01T00:00:00Z"}}}, {"authoredOn": "9999-12-31T23:59:59-14:00"},
])  # fmt: skip
async def test_no_moment_at_the_ends_of_time_closes_a_queue_for_everybody_else(
    desk: Desk, said: dict[str, Any]
) -> None:
    pages = Pages(desk.world)
    await desk.ask_for(description="Kontrollér kalium")
    body = {name: one for name, one in desk.body(description="Ved verdens ende").items() if name not in {"authoredOn", "restriction"}}  # fmt: skip
    with suppress(HelhedError):  # refused, or taken; never in the way
        await desk.world.put(desk.scene.doctor, body | said)
    gp, doctor, citizen = [await pages.person(one) for one in (desk.scene.gp, desk.scene.doctor, desk.scene.citizen)]
    for person, path in ((gp, "/opgaver"), (doctor, "/opgaver?vis=andres"), (citizen, "/borger/hvis-tur")):
        assert "kalium" in await person.get(path) or person is citizen
        assert person.status == 200
