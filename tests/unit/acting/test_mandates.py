"""Mandates on the citizen's own page: given by number and name, accepted, used within their parts, and taken back."""

from datetime import timedelta

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/borger/fuldmagter"


@pytest_asyncio.fixture(loop_scope="module")
async def friends(doors: Doors):
    clinic = await doors.world.organisation("Klinikken")
    giver = await doors.person(clinic, "Grete Test Giver", "1950-01-01")
    friend = await doors.person(clinic, "Viggo Test Ven", "1960-02-02")
    await doors.world.observation(giver, clinic, valueString="Prøve 8867-4")
    await doors.world.contact(giver, clinic, status="finished", type=[{"text": "Konsultation nr. 7"}])
    return giver, friend


async def _offer(doors, giver, number, *, name="viggo ven", til="2026-12-24", **fields):
    browser = await doors.citizen(giver)
    await browser.get(PAGE)
    return await browser.post(PAGE, cpr=number, navn=name, til=til, **({"del__results": "ja"} | fields))


async def _offers(doors, giver):
    return await doors.world.owner.fetchval(
        "select count(*) from trust.mandate_offer where citizen = $1", key_of(giver)
    )


async def _accepted(doors, giver, friend, **fields):
    await _offer(doors, giver, doors.numbers[friend], **fields)
    browser = await doors.citizen(friend)
    await browser.get(PAGE)
    await browser.post(f"{PAGE}/ja", fuldmagt=browser.value("fuldmagt"))
    return browser


async def test_a_mandate_holds_once_the_other_has_said_yes_and_opens_its_parts_only(doors, friends):
    giver, friend = friends
    shown = await _offer(doors, giver, doors.numbers[friend])
    assert "Fuldmagten er sendt" in shown.text
    assert "venter på svar" in shown.text
    assert not await doors.world.owner.fetchval("select count(*) from trust.acting where citizen = $1", key_of(giver))
    browser = await doors.citizen(friend)
    await browser.get(PAGE)
    assert "Grete Test Giver" in browser.text
    await browser.post(f"{PAGE}/ja", fuldmagt=browser.value("fuldmagt"))
    assert "Du har sagt ja" in browser.text
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(giver))
    assert "Prøve 8867-4" in browser.text
    assert "Konsultation nr. 7" not in browser.text
    assert "Du kan se: svar på prøver og målinger." in browser.text
    assert ("afleveret om Grete Test Giver" in browser.text, "/borger/apps" in browser.page) == (True, False)
    looks = [one for one in await doors.log_of(giver) if one["actor"] == key_of(friend)]
    assert {one["action"] for one in looks} == {Action.ANSWER_MANDATE, Action.OVERVIEW}


async def test_a_mandate_that_is_taken_back_is_over_at_the_next_request(doors, friends):
    giver, friend = friends
    browser = await _accepted(doors, giver, friend)
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(giver))
    own = await doors.citizen(giver)
    await own.get(PAGE)
    await own.post(f"{PAGE}/slut", fuldmagt=own.value("fuldmagt"))
    assert "Den gælder ikke længere" in own.text
    assert "Du afsluttede den" in own.text
    await browser.get("/borger")
    assert browser.address == "/borger/hvem"
    assert "Prøve 8867-4" not in browser.text


async def test_whoever_acts_can_give_the_mandate_back_and_the_giver_sees_it(doors, friends):
    giver, friend = friends
    browser = await _accepted(doors, giver, friend)
    await browser.get(PAGE)
    await browser.post(f"{PAGE}/slut", fuldmagt=browser.value("fuldmagt"))
    own = await doors.citizen(giver)
    await own.get(PAGE)
    assert "Den blev afsluttet" in own.text
    assert "Ingen kan handle for dig lige nu" in own.text


async def test_a_mandate_ends_by_itself_at_midnight_after_its_last_day(doors, friends):
    giver, friend = friends
    browser = await _accepted(doors, giver, friend, til="2026-11-23")
    await browser.get("/borger/hvem")
    assert "Grete" in browser.text
    doors.now += timedelta(hours=15)  # midnight in Denmark
    again = await doors.citizen(friend)
    await again.get("/borger/hvem")
    assert "Grete" not in again.text


@pytest.mark.parametrize(
    "fields",
    [{"name": "viggo fremmed"}, {"number": "0202601111"}, {"name": "vig ve"}],
)
async def test_only_the_right_name_with_the_right_number_finds_somebody(doors, friends, fields):
    giver, friend = friends
    wrong_number = "number" in fields
    shown = await _offer(doors, giver, **{"number": doors.numbers[friend], **fields})
    assert shown.status == 422
    assert "ingen, hvor navn og CPR-nummer passer sammen" in shown.text
    assert not await _offers(doors, giver)
    tried = [one for one in await doors.log_of(friend) if one["action"] == Action.OFFER_MANDATE]
    assert [one["permitted"] for one in tried] == ([] if wrong_number else [False])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"del__results": ""}, "Vælg mindst én del"),
        ({"til": "2026-11-22"}, "Vælg en dag fra i dag"),
        ({"til": "2040-01-01"}, "Vælg en dag fra i dag"),
        ({"til": "i morgen"}, "Vælg en dag fra i dag"),
        ({"number": "12"}, "ti tegn"),
        ({"name": "viggo"}, "både fornavn og efternavn"),
        ({"name": "grete giver"}, "dig selv"),
    ],
)
async def test_a_form_that_cannot_be_right_says_what_and_changes_nothing(doors, friends, fields, said):
    giver, friend = friends
    if fields.get("name") == "grete giver":
        fields = {**fields, "number": doors.numbers[giver]}
    shown = await _offer(doors, giver, **{"number": doors.numbers[friend], **fields})
    assert shown.status == 422
    assert said in shown.text
    assert not await _offers(doors, giver)


async def test_children_give_no_mandates_and_get_none(doors, friends):
    giver, friend = friends
    clinic = await doors.world.organisation("Et andet sted")
    child = await doors.person(clinic, "Bo Test Barn", "2011-11-24")
    shown = await _offer(doors, child, doors.numbers[friend])
    assert "fra du fylder 15 år" in shown.text
    shown = await _offer(doors, giver, doors.numbers[child], name="Bo Barn")
    assert "fyldt 18 år" in shown.text


async def test_nobody_answers_or_ends_a_mandate_between_others(doors, friends):
    giver, friend = friends
    clinic = await doors.world.organisation("Et andet sted")
    stranger = await doors.person(clinic, "Frida Test Fremmed", "1970-01-01")
    await _offer(doors, giver, doors.numbers[friend])
    offer = await doors.world.owner.fetchval("select id from trust.mandate_offer where citizen = $1", key_of(giver))
    browser = await doors.citizen(stranger)
    await browser.get(PAGE)
    for address in ("ja", "nej", "fortryd", "slut"):
        await browser.post(f"{PAGE}/{address}", fuldmagt=str(offer))
        assert "Der er ikke ændret noget" in browser.text
    assert await doors.world.owner.fetchval("select answer from trust.mandate_offer where id = $1", offer) is None


async def test_there_are_no_mandates_out_of_mandates(doors, friends):
    giver, friend = friends
    browser = await _accepted(doors, giver, friend, del__all="ja")
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(giver))
    await browser.post(PAGE, cpr="0101709990", navn="Frida Fremmed", til="2026-12-24", del__all="ja")
    assert browser.status == 403
    assert not await _offers(doors, friend)


async def test_giving_a_mandate_takes_somebody_who_lately_proved_who_they_are(doors, friends):
    giver, friend = friends
    browser = await doors.citizen(giver)
    doors.now += timedelta(minutes=20)
    await browser.get(PAGE)
    await browser.post(PAGE, cpr=doors.numbers[friend], navn="Viggo Ven", til="2026-12-24", del__all="ja")
    assert browser.address != PAGE
    assert not await _offers(doors, giver)
