"""Relatives as contacts, help for citizens without a screen, letters on paper, and what the keeper of the directory registers."""

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of
from helhed.trust.acting.relatives import Relatives
from tests.unit.acting.town import HELP, a_town

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN, REGISTER = "/borger/paaroerende", "/register"


@pytest_asyncio.fixture(loop_scope="module")
async def town(doors):
    return await a_town(doors)


async def _relative(town, **fields):
    browser = await town.doors.citizen(town.ane)
    await browser.get(OWN)
    return await browser.post(OWN, **({"navn": "Hanne Birk", "relation": "datter", "telefon": "20 00 00 24"} | fields))


async def test_staff_see_a_relative_beside_the_citizens_wish_and_a_call_stands_in_the_log(town):
    await _relative(town, ring="ja", besked__admission="ja")
    browser = await town.doors.professional(town.doctor, town.clinic)
    await browser.get("/hospital")
    await browser.post("/hospital/find", patient=town.doors.numbers[town.ane])
    page = browser.address
    await browser.get(f"{page}/indsigt")
    assert "Hanne Birk" in browser.text
    assert "at jeg er indlagt" in browser.text
    await browser.post(f"{page}/paaroerende", paaroerende=browser.value("paaroerende"))
    assert "Opringningen er skrevet ned" in browser.text
    calls = [one for one in await town.doors.log_of(town.ane) if one["action"] == Action.CALL_RELATIVE]
    assert [(one["permitted"], one["actor"]) for one in calls] == [(True, key_of(town.doctor))]


async def test_nobody_is_called_against_the_citizens_wish_or_without_a_basis(town):
    await _relative(town, ring="nej")
    relative = await town.doors.world.owner.fetchval(
        "select id from trust.relative where citizen = $1", key_of(town.ane)
    )
    relatives = Relatives(town.doors.world.store.pool)
    with pytest.raises(Forbidden):
        await relatives.called(town.doors.world.professional(town.doctor, town.clinic), relative)
    elsewhere = await town.doors.world.organisation("Et andet sted")
    stranger = town.doors.world.professional(await town.doors.world.employee(elsewhere), elsewhere)
    assert await relatives.of(stranger, key_of(town.ane)) == []
    denied = [one for one in await town.doors.log_of(town.ane) if not one["permitted"]]
    assert {one["action"] for one in denied} == {Action.CALL_RELATIVE, Action.READ}


async def test_a_relative_is_removed_and_says_a_name(town):
    browser = await _relative(town, navn="")
    assert browser.status == 422
    browser = await _relative(town, ring="ja", telefon="")
    assert browser.status == 422
    browser = await _relative(town, ring="nej")
    await browser.post(f"{OWN}/fjern", paaroerende=browser.value("paaroerende"))
    assert "Du har ikke skrevet nogen op" in browser.text


async def test_a_helped_citizen_sets_a_block_which_both_rows_of_the_log_and_a_letter_tell(town):
    browser, clerk, page = await town.helping()
    assert "Prøve 8867-4" not in browser.text
    await browser.post(f"{page}/spaer", hvem=str(key_of(town.clinic)))
    assert "Det er gjort" in browser.text
    doctor = await town.doors.professional(town.doctor, town.clinic)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient=town.doors.numbers[town.ane])
    assert "Prøve 8867-4" not in doctor.text
    rows = {one["action"]: one["actor"] for one in await town.doors.log_of(town.ane)}
    assert (rows[Action.SET_BLOCK], rows[Action.HELP]) == (key_of(town.ane), key_of(clerk))
    await browser.get(HELP)
    assert "spærring sat" in browser.text


async def test_the_log_on_paper_tells_who_and_where_and_never_what(town):
    doctor = await town.doors.professional(town.doctor, town.clinic)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient=town.doors.numbers[town.ane])
    browser, _, page = await town.helping()
    await browser.post(f"{page}/log")
    assert "Klinikken, læge" in browser.text
    assert "Prøve 8867-4" not in browser.text
    assert "Adressen hentes fra CPR" in browser.text


async def test_the_citizen_reads_of_the_help_and_contests_it(town):
    await town.helping()
    own = await town.doors.citizen(town.ane)
    await own.get("/borger/fuldmagter")
    assert "Borgerservice" in own.text
    await own.post("/borger/hjaelp/afvis", hjaelp=own.value("hjaelp"))
    assert "ikke kan genkende" in own.text


@pytest.mark.parametrize(
    ("name", "how", "asked"), [("Ane Fremmed", "pas", "ja"), ("Ane Birk", "", "ja"), ("Ane Birk", "pas", "")]
)
async def test_help_begins_with_the_right_name_an_identification_and_a_request(town, name, how, asked):
    browser, _ = await town.helper()
    await browser.post(HELP, navn=name, cpr=town.doors.numbers[town.ane], hvordan=how, bedt=asked)
    assert browser.status == 422
    assert not await town.doors.world.owner.fetchval(
        "select count(*) from trust.help where citizen = $1", key_of(town.ane)
    )


async def test_nobody_else_helps_or_goes_on_helping(town):
    _, _, page = await town.helping()
    other, _ = await town.helper()
    await other.get(page)
    assert other.status == 404
    doctor = await town.doors.professional(town.doctor, town.clinic)
    await doctor.get(HELP)
    assert doctor.status == 403


async def test_a_keeper_registers_a_guardian_who_acts_until_it_is_ended(town):
    place = await town.doors.world.organisation("Familieretshuset")
    await town.doors.world.owner.execute("insert into registries.keeper values ($1)", key_of(place))
    keeper = await town.doors.world.employee(place, "directory-keeper")
    browser = await town.doors.professional(keeper, place, "directory-keeper")
    await browser.get(REGISTER)
    wanted = {
        "navn": "Ane Birk", "cpr": town.doors.numbers[town.ane], "navn2": "Viggo Ven", "cpr2": town.doors.numbers[town.friend],
        "grundlag": "11", "afgoerelse": "Familieretshuset, sag 26-1234, 20.11.2026", "fra": "2026-11-20",
    }  # fmt: skip
    await browser.post(REGISTER, **(wanted | {"navn2": "Viggo Fremmed"}))
    assert browser.status == 422
    await browser.post(REGISTER, **wanted)
    assert "Viggo Test Ven for Ane Test Birk" in browser.text
    own = await town.doors.citizen(town.ane)
    await own.get("/borger/fuldmagter")
    assert "sag 26-1234" in own.text
    friend = await town.doors.citizen(town.friend)
    await friend.get("/borger/hvem")
    await friend.post("/borger/hvem", hvem=str(town.ane))
    assert "Prøve 8867-4" in friend.text
    await browser.post(f"{REGISTER}/slut", handler=browser.value("handler"))
    await friend.get("/borger")
    assert "Prøve 8867-4" not in friend.text


async def test_who_works_elsewhere_registers_nothing(town):
    place = await town.doors.world.organisation("Ikke en registerfører")
    clerk = await town.doors.world.employee(place, "directory-keeper")
    browser = await town.doors.professional(clerk, place, "directory-keeper")
    await browser.get(REGISTER)
    await browser.post(
        REGISTER, navn="Ane Birk", cpr=town.doors.numbers[town.ane], navn2="Viggo Ven", cpr2=town.doors.numbers[town.friend],
        grundlag="9", afgoerelse="sag 1", fra="2026-11-20",
    )  # fmt: skip
    assert "kan ikke registreres" in browser.text
