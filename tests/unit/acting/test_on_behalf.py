"""The citizen's pages on somebody else's behalf: chosen, shown, logged with both names, and over when the basis is."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from tests.support.world import NOW
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
TICK = timedelta(microseconds=1)
EVER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="module")
async def family(doors: Doors):
    clinic = await doors.world.organisation("Klinikken")
    mother = await doors.person(clinic, "Mona Test Moder", "1980-01-01")
    child = await doors.person(clinic, "Bo Test Barn", "2011-11-24")
    await doors.acting.let_act(await doors.keeper(), key_of(child), key_of(mother), "custody", NOW, EVER)
    row = await doors.world.observation(child, clinic, valueString="Prøve 8867-4")
    return clinic, mother, child, row


async def _as_child(doors, mother, child):
    browser = await doors.citizen(mother)
    await browser.get("/borger")
    return await browser.post("/borger/hvem", hvem=str(child))


async def test_whoever_acts_for_somebody_is_asked_on_whose_behalf_first(doors, family):
    _, mother, child, _ = family
    browser = await doors.citizen(mother)
    await browser.get("/borger")
    assert browser.address == "/borger/hvem"
    assert "Bo Test Barn" in browser.text
    assert "24.11.2026" in browser.text
    await browser.post("/borger/hvem", hvem="mig")
    assert browser.address == "/borger"
    assert "Du handler for" not in browser.text
    alone = await doors.citizen(child)
    await alone.get("/borger")
    assert alone.address == "/borger"


async def test_a_parent_sees_the_childs_record_under_a_banner_and_both_stand_in_the_childs_log(doors, family):
    _, mother, child, _ = family
    browser = await _as_child(doors, mother, child)
    assert "Du handler for Bo Test Barn." in browser.text
    assert "Bo Test Barns journal" in browser.text
    assert f"241111-{doors.numbers[child][6:]}" in browser.text
    await browser.get("/borger/medicin")
    assert "Du handler for Bo Test Barn." in browser.text
    looks = [one for one in await doors.log_of(child) if one["action"] == Action.OVERVIEW]
    assert {(one["actor"], one["citizen"], one["basis"]) for one in looks} == {(key_of(mother), key_of(child), 9)}


@pytest.mark.parametrize(
    ("born", "last"),
    [
        ("2011-11-24", datetime(2026, 11, 23, 23, tzinfo=UTC)),
        ("2012-02-29", datetime(2027, 2, 28, 23, tzinfo=UTC)),  # 1 March where there is no 29 February
        ("2012-03-29", datetime(2027, 3, 28, 22, tzinfo=UTC)),  # the night after clocks went forward
        ("2010-10-31", datetime(2025, 10, 30, 23, tzinfo=UTC)),
    ],
)
async def test_a_session_that_is_open_across_the_fifteenth_birthday_is_over_at_its_first_moment(doors, born, last):
    clinic = await doors.world.organisation("Klinikken")
    mother = await doors.person(clinic, "Mona Test Moder", "1980-01-01")
    child = await doors.person(clinic, "Bo Test Barn", born)
    begun = datetime(2024, 1, 1, tzinfo=UTC)
    await doors.acting.let_act(await doors.keeper(), key_of(child), key_of(mother), "custody", begun, EVER)
    doors.now = last - TICK
    browser = await _as_child(doors, mother, child)
    assert "Bo Test Barns journal" in browser.text
    doors.now = last
    await browser.get("/borger")
    assert browser.address == "/borger/hvem"
    assert "ikke længere adgang" in browser.text
    assert "Bo Test Barn" not in browser.text
    await browser.get("/borger/medicin")
    assert "Bo Test Barn" not in browser.text


async def test_custody_that_is_taken_away_is_gone_at_the_next_request(doors, family):
    _, mother, child, _ = family
    browser = await _as_child(doors, mother, child)
    acting = await doors.world.owner.fetchval("select id from trust.acting where citizen = $1", key_of(child))
    await doors.acting.end(await doors.keeper(), acting)
    await browser.get("/borger/medicin")
    assert browser.address == "/borger/hvem"
    assert "ikke længere adgang" in browser.text


async def test_nobody_opens_a_record_by_writing_somebody_elses_id(doors, family):
    clinic, mother, child, _ = family
    stranger = await doors.person(clinic, "Frida Test Fremmed", "1970-01-01")
    browser = await doors.citizen(mother)
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(stranger))
    assert browser.address == "/borger/hvem"
    assert "Frida" not in browser.text
    reverse = await doors.citizen(child)
    await reverse.get("/borger/hvem")
    await reverse.post("/borger/hvem", hvem=str(mother))
    assert reverse.address == "/borger/hvem"
    assert "Mona" not in reverse.text


@pytest.mark.parametrize("address", ["/borger/log", "/borger/fuldmagter"])
async def test_pages_of_ones_own_are_closed_on_somebody_elses_behalf(doors, family, address):
    _, mother, child, _ = family
    browser = await _as_child(doors, mother, child)
    await browser.get(address)
    assert browser.status == 403
    assert "kun for dig selv" in browser.text


async def test_a_row_that_was_hidden_is_on_no_page_of_the_one_who_acts(doors, family):
    clinic, mother, child, row = family
    doctor = doors.world.professional(await doors.world.employee(clinic), clinic)
    await doors.world.contact(child, clinic)
    browser = await _as_child(doors, mother, child)
    assert "8867-4" in browser.text
    await doors.acting.mask(doctor, "Observation", row)
    await browser.get("/borger")
    assert "8867-4" not in browser.text
    own = await doors.citizen(child)
    await own.get("/borger")
    assert "8867-4" in own.text


async def test_a_parent_reads_the_childs_log_without_what_was_hidden_and_not_from_the_birthday(doors, family):
    clinic, mother, child, row = family
    doctor = doors.world.professional(await doors.world.employee(clinic), clinic)
    await doors.world.contact(child, clinic)
    await doors.world.store.read(doctor, "Observation", row)
    browser = await _as_child(doors, mother, child)
    await browser.get("/borger/log-for")
    assert "Hvem har set Bo Test Barns oplysninger" in browser.text
    assert "Klinikken" in browser.text
    assert "Mona Test Moder" in browser.text
    await doors.acting.mask(doctor, "Observation", row)
    await browser.get("/borger/log-for")
    assert "skjulte en oplysning" not in browser.text
    assert "svar og målinger" not in browser.text
    birthday = datetime(2026, 11, 23, 23, tzinfo=UTC)
    doors.now = birthday - TICK
    browser = await _as_child(doors, mother, child)
    doors.now = birthday
    await browser.get("/borger/log-for")
    assert browser.address == "/borger/hvem"


async def test_a_mandate_for_results_does_not_open_the_log(doors, family):
    clinic, mother, _, _ = family
    giver = await doors.person(clinic, "Grete Test Giver", "1950-01-01")
    await doors.acting.let_act(
        doors.world.citizen(giver), key_of(giver), key_of(mother), "mandate", NOW, EVER, types=["Observation"]
    )
    await doors.world.owner.execute("update trust.acting set scopes = '{results}' where citizen = $1", key_of(giver))
    browser = await _as_child(doors, mother, giver)
    await browser.get("/borger/log-for")
    assert browser.status == 403
