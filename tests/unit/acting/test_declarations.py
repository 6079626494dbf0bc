"""Declared relations: a registration confirms them in time, or somebody explains and the citizen is told."""

from datetime import timedelta

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.trust.policy import policy
from helhed.trust.relation.declarations import Declarations
from helhed.trust.relation.declared import TreatmentRelations
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/hospital/erklaeringer"
DUE = NOW + policy().declared_lasts


class Affair:
    """A doctor of a ward who has declared a relation to a citizen that nobody else knows of."""

    def __init__(self, doors, ward, doctor, patient):
        self.doors, self.ward, self.doctor, self.patient = doors, ward, doctor, patient
        self.ask = doors.world.professional(doctor, ward)
        self.declarations = Declarations(doors.world.store.pool)

    async def follow_up(self, moment):
        await self.declarations.follow_up(moment)
        return await self.review()

    async def review(self):
        return await self.doors.world.owner.fetchrow(
            "select * from trust.relation_review where citizen = $1", key_of(self.patient)
        )

    async def told(self):
        rows = await self.doors.world.owner.fetch(
            "select kind from trust.notice where citizen = $1 order by at", key_of(self.patient)
        )
        return [row["kind"] for row in rows]


@pytest_asyncio.fixture(loop_scope="module")
async def affair(doors):
    ward = await doors.world.organisation("Akutmodtagelsen")
    elsewhere = await doors.world.organisation("Personregisteret")
    doctor = await doors.world.employee(ward)
    patient = await doors.person(elsewhere, "Ane Test Akut", "1970-01-01")
    affair = Affair(doors, ward, doctor, patient)
    await TreatmentRelations(doors.world.store.pool).declare(affair.ask, key_of(patient), "modtager")
    return affair


async def test_a_declaration_without_a_registration_is_escalated_once_and_the_citizen_is_told(affair):
    assert (await affair.follow_up(DUE - timedelta(microseconds=1)))["escalated_at"] is None
    escalated = await affair.follow_up(DUE)
    assert (escalated["escalated_at"], escalated["confirmed_at"]) == (DUE, None)
    await affair.follow_up(DUE + timedelta(hours=1))
    assert (await affair.review())["escalated_at"] == DUE
    assert await affair.told() == ["relation-declared", "relation-unconfirmed"]


@pytest.mark.parametrize("status", ["in-progress", "finished"])
async def test_a_contact_at_the_place_confirms_it(affair, status):
    period = {"start": "2026-11-23T09:00:00Z", **({"end": "2026-11-23T12:00:00Z"} if status == "finished" else {})}
    contact = await affair.doors.world.contact(affair.patient, affair.ward, status, period=period)
    confirmed = await affair.follow_up(DUE)
    assert (confirmed["confirmed_by"], confirmed["escalated_at"]) == (contact, None)
    assert await affair.told() == ["relation-declared"]


async def test_an_admission_to_a_ward_beneath_confirms_what_the_hospital_declared(affair):
    beneath = await affair.doors.world.organisation("Sengeafsnittet", affair.ward)
    await affair.doors.world.contact(affair.patient, beneath, period={"start": "2026-11-23T09:00:00Z"})
    assert (await affair.follow_up(DUE))["confirmed_at"] == DUE


@pytest.mark.parametrize(("place", "start"), [("elsewhere", "2026-11-23T09:00:00Z"), ("ward", "2026-11-24T08:00:00Z")])
async def test_a_contact_elsewhere_or_too_late_confirms_nothing(affair, place, start):
    where = affair.ward if place == "ward" else await affair.doors.world.organisation("Et andet sygehus")
    await affair.doors.world.contact(affair.patient, where, period={"start": start})
    assert (await affair.follow_up(DUE))["escalated_at"] == DUE


async def test_a_registration_that_was_withdrawn_confirms_nothing(affair):
    contact = await affair.doors.world.contact(affair.patient, affair.ward, period={"start": "2026-11-23T09:00:00Z"})
    await affair.doors.world.delete(affair.doors.world.system(affair.ward), "Encounter", contact)
    assert (await affair.follow_up(DUE))["escalated_at"] == DUE


async def test_the_professional_explains_on_a_page_and_only_once(affair):
    await affair.follow_up(DUE)
    affair.doors.now = DUE + timedelta(hours=1)
    browser = await affair.doors.professional(affair.doctor, affair.ward)
    await browser.get(PAGE)
    assert "Ane Test Akut" in browser.text
    assert "mangler forklaring" in browser.text
    about = browser.value("erklaering")
    await browser.post(PAGE, erklaering=about, hvorfor="")
    assert browser.status == 422
    assert "Skriv en forklaring" in browser.text
    await browser.post(PAGE, erklaering=about, hvorfor="Forkert patient åbnet i travlhed", fejl="ja")
    assert "Forklaringen er gemt" in browser.text
    assert "erkendt" in browser.text
    await browser.post(PAGE, erklaering=about, hvorfor="Noget andet")
    assert browser.status == 404
    assert (await affair.review())["explanation"] == "Forkert patient åbnet i travlhed"
    assert (await affair.told())[-1] == "declaration-admitted"


async def test_whoever_answers_for_the_records_sees_those_of_the_organisation_and_leaves_a_row(affair):
    await affair.follow_up(DUE)
    affair.doors.now = DUE + timedelta(hours=1)
    keeper = await affair.doors.world.employee(affair.ward, "records-custodian")
    browser = await affair.doors.professional(keeper, affair.ward, "records-custodian")
    await browser.get(PAGE)
    assert "Ane Test Akut" in browser.text
    rows = [one for one in await affair.doors.log_of(affair.patient) if one["action"] == Action.SEE_DECLARATIONS]
    assert [one["actor"] for one in rows] == [key_of(keeper)]


@pytest.mark.parametrize("role", ["doctor", "records-custodian"])
async def test_nobody_else_sees_or_explains_it(affair, role):
    await affair.follow_up(DUE)
    affair.doors.now = DUE + timedelta(hours=1)
    place = affair.ward if role == "doctor" else await affair.doors.world.organisation("Et andet sygehus")
    other = await affair.doors.world.employee(place, role)
    browser = await affair.doors.professional(other, place, role)
    await browser.get(PAGE)
    assert "Ane Test Akut" not in browser.text
    await browser.post(PAGE, erklaering=str((await affair.review())["declaration"]), hvorfor="x")
    assert browser.status == 404
    assert (await affair.review())["explained_at"] is None


async def test_a_professional_sees_which_basis_they_have_from_what_and_until_when(affair):
    number = affair.doors.numbers[affair.patient]
    browser = await affair.doors.professional(affair.doctor, affair.ward)
    await browser.get("/hospital")
    await browser.post("/hospital/find", patient=number)
    handle = browser.address.rsplit("/", 1)[1]
    await browser.get(f"/hospital/patient/{handle}/hjemmel")
    assert "Din egen erklæring" in browser.text
    assert "24.11.2026 kl. 09.00" in browser.text
    await affair.doors.world.contact(affair.patient, affair.ward, period={"start": "2026-11-23T07:00:00Z"})
    await browser.get(f"/hospital/patient/{handle}/hjemmel")
    assert browser.text.index("En kontakt") < browser.text.index("Din egen erklæring")
    affair.doors.now = DUE + timedelta(days=400)
    stranger = await affair.doors.professional(affair.doctor, affair.ward)
    await stranger.get(f"/hospital/patient/{handle}/hjemmel")
    assert stranger.status == 404
