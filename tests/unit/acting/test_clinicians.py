"""What clinicians decide on pages: rows hidden from those who act, parents of a youth, and assistants with what is delegated."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
import pytest_asyncio

from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.trust.acting.rights import Masking
from tests.support.world import NOW, at

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVER = datetime(2099, 1, 1, tzinfo=UTC)
ASSISTANTS = "/hospital/medhjaelpere"


class Ward:
    """A ward with a doctor at work, a child in contact there, and the child's mother."""

    def __init__(self, doors, ward, doctor, mother, child, row):
        self.doors, self.ward, self.doctor, self.mother, self.child, self.row = doors, ward, doctor, mother, child, row

    async def opened(self, who=None, role="doctor"):
        browser = await self.doors.professional(who or self.doctor, self.ward, role)
        await browser.get("/hospital")
        await browser.post("/hospital/find", patient=self.doors.numbers[self.child])
        return browser, browser.address + "/indsigt"

    async def mothers_view(self):
        browser = await self.doors.citizen(self.mother)
        await browser.get("/borger/hvem")
        await browser.post("/borger/hvem", hvem=str(self.child))
        return browser.text

    async def childs_view(self):
        return (await (await self.doors.citizen(self.child)).get("/borger")).text

    async def seen_of(self, element, row):
        """Whether the mother, and the child, see an element of an observation."""
        world, seen = self.doors.world, []
        for who in (self.mother, self.child):
            version = await world.store.read(world.citizen(who), "Observation", row)
            seen.append(element in orjson.loads(version.body))
        return tuple(seen)

    async def sees(self, who, role, moment=NOW):
        ask = at(self.doors.world.professional(who, self.ward, role), moment)
        try:
            await self.doors.world.store.read(ask, "Observation", self.row)
        except Unknown:
            return False
        return True


@pytest_asyncio.fixture(loop_scope="module")
async def ward(doors):
    place = await doors.world.organisation("Børneafdelingen")
    doctor = await doors.world.employee(place)
    mother = await doors.person(place, "Mona Test Moder", "1980-01-01")
    child = await doors.person(place, "Bo Test Barn", "2011-11-24")
    await doors.world.contact(child, place)
    await doors.acting.let_act(await doors.keeper(), key_of(child), key_of(mother), "custody", NOW, EVER)
    row = await doors.world.observation(child, place, valueString="Prøve 8867-4")
    return Ward(doors, place, doctor, mother, child, row)


async def test_what_a_clinician_hides_is_gone_for_the_mother_at_once_and_there_for_the_child(ward):
    browser, page = await ward.opened()
    await browser.get(page)
    assert "Mona Test Moder" in browser.text
    assert "Prøve 8867-4" in await ward.mothers_view()
    await browser.post(f"{page}/skjul", raekke=f"Observation/{ward.row}", hvorfor="Barnet har bedt om det")
    assert "Oplysningen er skjult nu" in browser.text
    assert "Barnet har bedt om det" in browser.text
    assert "Prøve 8867-4" not in await ward.mothers_view()
    assert "Prøve 8867-4" in await ward.childs_view()
    await browser.post(f"{page}/vis", skjult=browser.value("skjult"))
    assert "Oplysningen vises igen" in browser.text
    assert "Prøve 8867-4" in await ward.mothers_view()


async def test_hiding_from_the_patient_takes_a_reason_and_an_end_and_is_over_then(ward):
    browser, page = await ward.opened()
    await browser.get(page)
    for fields in ({"hvorfor": "Alvorligt"}, {"til": "2026-11-24"}, {"hvorfor": "Alvorligt", "til": "2026-11-01"}):
        await browser.post(f"{page}/skjul", raekke=f"Observation/{ward.row}", ogsaa="ja", **fields)
        assert browser.status == 422
    assert "Prøve 8867-4" in await ward.childs_view()
    await browser.post(
        f"{page}/skjul", raekke=f"Observation/{ward.row}", ogsaa="ja", hvorfor="Alvorligt", til="2026-11-23"
    )
    assert "Prøve 8867-4" not in await ward.childs_view()
    ward.doors.now = NOW + timedelta(hours=15)  # midnight in Denmark
    assert "Prøve 8867-4" in await ward.childs_view()


async def test_the_parts_of_a_row_are_told_in_words_and_not_as_machines_say_them(ward):
    other = await ward.doors.world.observation(ward.child, ward.ward)
    row = await ward.doors.world.observation(
        ward.child, ward.ward, derivedFrom=[{"reference": f"Observation/{other}"}], issued="2026-11-20T08:00:00Z",
        identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:194e724f-6ed8-5eec-98dc-cf65fa9f6717"}],
        extension=[{"url": "http://example.org/said", "valueString": "Sagt i enerum"}],
    )  # fmt: skip
    browser, page = await ward.opened()
    await browser.post(f"{page}/dele", raekke=f"Observation/{row}")
    assert "Øvrige felter Sagt i enerum" in browser.text
    assert "Frigivet 20.11.2026 kl. 09.00" in browser.text
    assert [one for one in ("urn:", "http://example.org", str(other)) if one in browser.text] == []


async def test_a_clinician_hides_a_part_of_a_row_and_the_mother_sees_the_rest_until_it_is_shown_again(ward):
    row = await ward.doors.world.observation(
        ward.child, ward.ward, valueString="Værdi 4711", note=[{"text": "Sagt i enerum"}]
    )
    browser, page = await ward.opened()
    await browser.get(page)
    await browser.post(f"{page}/dele", raekke=f"Observation/{row}", hvorfor="Barnets ønske")
    assert "Bemærkning Sagt i enerum" in browser.text
    chosen = {"raekke": f"Observation/{row}", "hvorfor": "Barnets ønske"}
    await browser.post(f"{page}/dele/skjul", **chosen)
    assert (browser.status, "Vælg mindst én del" in browser.text) == (422, True)
    await browser.post(f"{page}/dele/skjul", **chosen, del__status="ja")
    assert (browser.status, "Den del kan ikke skjules alene" in browser.text) == (422, True)
    await browser.post(f"{page}/dele/skjul", **chosen, del__note="ja", ogsaa="ja")
    assert (browser.status, "Vælg en slutdato" in browser.text) == (422, True)
    await browser.post(f"{page}/dele/skjul", **chosen, del__note="ja")
    assert "Skjulte dele: Bemærkning" in browser.text
    assert "Værdi 4711" in await ward.mothers_view()
    assert await ward.seen_of("note", row) == (False, True)
    await browser.post(f"{page}/dele", raekke=f"Observation/{row}")
    assert 'name="del-note" value="ja" checked' in browser.page
    await browser.post(f"{page}/dele/skjul", **chosen, del__value="ja")
    assert "Værdi 4711" not in await ward.mothers_view()
    assert await ward.seen_of("note", row) == (True, True)
    log = await ward.doors.citizen(ward.child)
    await log.get("/borger/log")
    assert "skjulte en del af en oplysning" in log.text
    await browser.get(page)
    await browser.post(f"{page}/vis", skjult=browser.value("skjult"))
    assert "Værdi 4711" in await ward.mothers_view()
    await log.get("/borger/log")
    assert "viste en skjult del af en oplysning igen" in log.text
    mother = await ward.doors.citizen(ward.mother)
    await mother.get("/borger/hvem")
    await mother.post("/borger/hvem", hvem=str(ward.child))
    await mother.get("/borger/log")
    assert "skjult" not in mother.text.casefold()


async def test_nothing_is_hidden_from_the_patient_for_ever_whatever_the_page_says(ward):
    doctor = ward.doors.world.professional(ward.doctor, ward.ward)
    for_ever = datetime.max.replace(tzinfo=UTC)
    with pytest.raises(Unknown):
        await ward.doors.acting.hide(doctor, Masking("Observation", ward.row, "x", for_ever, from_citizen=True))
    assert "Prøve 8867-4" in await ward.childs_view()


async def test_who_does_not_treat_the_patient_hides_and_shows_nothing(ward):
    world = ward.doors.world
    elsewhere = await world.organisation("Et andet sted")
    stranger = world.professional(await world.employee(elsewhere), elsewhere)
    with pytest.raises(Unknown):
        await ward.doors.acting.hide(stranger, Masking("Observation", ward.row, "x", EVER))
    assert await ward.doors.acting.masks_on(stranger, key_of(ward.child)) == []
    assert await ward.doors.acting.acting_on(stranger, key_of(ward.child)) == []
    unauthorised = world.professional(await world.employee(ward.ward, "secretary"), ward.ward, "secretary")
    with pytest.raises(Unknown):
        await ward.doors.acting.hide(unauthorised, Masking("Observation", ward.row, "x", EVER))


async def test_a_clinician_lets_a_parent_see_the_record_of_a_youth_for_a_time(ward):
    ward.doors.now = NOW + timedelta(days=1)  # the child has turned 15
    assert "Prøve 8867-4" not in await ward.mothers_view()
    browser, page = await ward.opened()
    await browser.get(page)
    assert "Adgangen sluttede, da den unge fyldte 15 år" in browser.text
    parent = browser.value("foraelder")
    await browser.post(f"{page}/foraelder", foraelder=parent, hvorfor="", til="2026-12-24")
    assert browser.status == 422
    await browser.post(f"{page}/foraelder", foraelder=parent, hvorfor="Kan ikke overskue det", til="2026-12-24")
    assert "Forælderen kan se journalen nu" in browser.text
    assert "Prøve 8867-4" in await ward.mothers_view()
    own = await ward.doors.citizen(ward.child)
    await own.get("/borger/fuldmagter")
    assert "Kan ikke overskue det" in own.text
    await browser.post(f"{page}/foraelder/slut", afgoerelse=browser.value("afgoerelse"))
    assert "Prøve 8867-4" not in await ward.mothers_view()


async def test_nobody_decides_so_for_a_child_or_for_somebody_of_age(ward):
    custody = await ward.doors.world.owner.fetchval(
        "select id from trust.acting where citizen = $1", key_of(ward.child)
    )
    doctor = ward.doors.world.professional(ward.doctor, ward.ward)
    for moment in (NOW, datetime(2029, 11, 24, tzinfo=UTC)):
        with pytest.raises(Exception, match="cannot decide"):
            await ward.doors.acting.decide_for_youth(at(doctor, moment), custody, why="x", until=EVER)


async def test_a_professional_takes_an_assistant_on_who_sees_what_they_see_until_let_go(ward):
    helper = await ward.doors.world.employee(ward.ward, "assistant")
    assert not await ward.sees(helper, "assistant")
    browser = await ward.doors.professional(ward.doctor, ward.ward)
    await browser.get(ASSISTANTS)
    await browser.post(ASSISTANTS, medhjaelp=str(key_of(helper)), til="2026-12-24", skriv__Observation="ja")
    assert "Du har nu ansvaret" in browser.text
    assert "Må registrere: målinger og svar." in browser.text
    assert await ward.sees(helper, "assistant")
    own = await ward.doors.professional(helper, ward.ward, "assistant")
    await own.get(ASSISTANTS)
    assert "Du arbejder under" in own.text
    assert "24.12.2026" in own.text or "25.12.2026" in own.text
    row = next(one for one in reversed(await ward.doors.log_of(ward.child)) if one["actor"] == key_of(helper))
    assert row["principal"] == key_of(ward.doctor)
    await browser.post(f"{ASSISTANTS}/slut", ansvar=browser.value("ansvar"))
    assert "Ansvaret er slut" in browser.text
    assert not await ward.sees(helper, "assistant")


async def test_an_assistant_under_nobody_is_told_why_no_patient_is_found_and_of_whom_to_ask(ward):
    helper = await ward.doors.world.employee(ward.ward, "assistant")
    browser, _ = await ward.opened(helper, "assistant")
    assert browser.status == 404
    assert "Du arbejder ikke under nogen ansvarlig nu" in browser.text
    doctor = await ward.doors.professional(ward.doctor, ward.ward)
    await doctor.get(ASSISTANTS)
    await doctor.post(ASSISTANTS, medhjaelp=str(key_of(helper)), til="2026-12-24")
    await browser.get("/hospital")
    await browser.post("/hospital/find", patient="9999999999")
    assert "Ingen patient fundet" in browser.text
    browser, page = await ward.opened(helper, "assistant")
    assert "/patient/" in page


async def test_an_assistant_is_taken_on_by_the_authorised_of_the_same_place_and_for_a_time(ward):
    helper = await ward.doors.world.employee(ward.ward, "assistant")
    secretary = await ward.doors.world.employee(ward.ward, "secretary")
    other = await ward.doors.professional(secretary, ward.ward, "secretary")
    await other.get(ASSISTANTS)
    assert "ikke selv autoriseret" in other.text
    await other.post(ASSISTANTS, medhjaelp=str(key_of(helper)), til="2026-12-24")
    assert other.status == 403
    browser = await ward.doors.professional(ward.doctor, ward.ward)
    await browser.get(ASSISTANTS)
    for wrong in ("", "2026-11-22", "2036-01-01"):
        await browser.post(ASSISTANTS, medhjaelp=str(key_of(helper)), til=wrong)
        assert browser.status == 422
    assert not await ward.sees(helper, "assistant")
