"""The broken glass at the real doors: two clicks, an hour, a notice, a review, and what the citizen reads of it."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.foundation.ask import Action, Ask
from helhed.foundation.ids import key_of
from helhed.portals.sessions import Opened, key_of_cookie
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.projections import ROLE_SYSTEM
from helhed.trust.roles import put_roles
from tests.support.pages import Clicker, Pages
from tests.support.world import NOW, World

HANDLE, PATH = "h1", "/hospital/patient/h1"
GLASS = f"{PATH}/vaerdispring"
SUGAR = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "penicillin"},
}


@dataclass
class Ward:
    """A hospital with a ward and a reviewer, and a citizen who has blocked everything for everybody."""

    world: World
    pages: Pages
    hospital: UUID
    ward: UUID
    elsewhere: UUID
    patient: UUID
    number: str

    async def somebody(self, role: str, place: UUID) -> Ask:
        """At work there."""
        return self.world.professional(await self.world.employee(place, role), place, role)

    async def at(self, ask: Ask) -> Clicker:
        """Somebody in front of the patient's page."""
        person = await self.pages.person(ask)
        key = key_of_cookie(person._cookie)
        session = await self.pages.ports.sessions.get(key)
        assert session is not None
        opened = Opened(key_of(self.patient), self.patient, "Ane Test", self.number, False, None, "female", True)
        await self.pages.ports.sessions.put(key, replace(session, opened={HANDLE: opened}))
        return person

    async def breaks(self, ask: Ask, reason: str = "danger", **more: str) -> Clicker:
        """Two clicks: the reason, the confirmation."""
        person = await self.at(ask)
        await person.get(f"{GLASS}?grund={reason}")
        if "billet" in person.page:
            more = {"billet": person.field("billet"), **more}
        await person.post(GLASS, grund=reason, **more)
        return person

    async def actions(self) -> list[tuple[int, bool]]:
        """What stands in the citizen's log about tickets."""
        wanted = (Action.BREAK_GLASS, Action.END_TICKET, Action.REVIEW_TICKET, Action.REVIEWS)
        return [
            (row["action"], row["permitted"]) for row in await self.world.log(self.patient) if row["action"] in wanted
        ]

    async def notices(self) -> list[str]:
        rows = await self.world.owner.fetch(
            "select kind from trust.notice where citizen = $1 order by at, kind", key_of(self.patient)
        )
        return [row["kind"] for row in rows]

    async def tickets(self) -> int:
        return int(await self.world.owner.fetchval("select count(*) from trust.opening where basis = 8"))

    @property
    def citizen(self) -> Ask:
        return self.world.citizen(self.patient)


@pytest.fixture
async def ward(world: World) -> Ward:
    await put_roles(world.owner)
    hospital = await world.organisation("Sygehus")
    unit = await world.organisation("Afdeling", hospital)
    elsewhere = await world.organisation("Andet sted")
    number = "1111110000"
    patient = await world.patient(unit, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": number}])
    await world.put(world.system(unit), SUGAR | {"patient": {"reference": f"Patient/{patient}"}})
    await Blocks(world.store.pool).put(world.citizen(patient), Shape())
    return Ward(world, Pages(world), hospital, unit, elsewhere, patient, number)


async def test_two_clicks_open_what_is_blocked_and_the_citizen_is_told_at_once(ward):
    doctor = await ward.at(await ward.somebody("doctor", ward.ward))
    await doctor.get(PATH)
    assert "penicillin" not in doctor.text
    (first,) = re.findall(r'href="([^"]*grund=danger)"', doctor.page)
    await doctor.get(first)
    assert "Fare for liv eller førlighed" in doctor.text
    await doctor.post(GLASS, grund="danger", billet=doctor.field("billet"))
    assert "penicillin" in doctor.text
    assert "Glasset er brudt." in doctor.text
    assert "60 minutter endnu" in doctor.text
    assert await ward.actions() == [(Action.BREAK_GLASS, True)]
    assert await ward.notices() == ["glass-broken"]


@pytest.mark.parametrize(("minutes", "open_"), [(59, True), (60, False)])
async def test_it_holds_for_an_hour_and_the_minutes_are_shown(ward, minutes, open_):
    doctor = await ward.breaks(await ward.somebody("doctor", ward.ward))
    ward.pages.now += timedelta(minutes=20)  # a session that idles would end
    await doctor.get(PATH)
    ward.pages.now += timedelta(minutes=20)
    await doctor.get(PATH)
    assert "20 minutter endnu" in doctor.text
    ward.pages.now = NOW + timedelta(minutes=minutes)
    await doctor.get(PATH)
    assert ("penicillin" in doctor.text) is open_


async def test_it_is_closed_before_its_hour(ward):
    doctor = await ward.breaks(await ward.somebody("doctor", ward.ward))
    await doctor.post(f"{GLASS}/slut", billet=doctor.field("billet"))
    assert "penicillin" not in doctor.text
    assert "Glasset er brudt." not in doctor.text
    assert await ward.actions() == [(Action.BREAK_GLASS, True), (Action.END_TICKET, True)]


async def test_sent_twice_it_is_broken_once(ward):
    doctor = await ward.at(await ward.somebody("doctor", ward.ward))
    for _ in range(2):
        await doctor.post(GLASS, grund="consents", billet=str(UUID(int=5)))
    assert (await ward.tickets(), await ward.notices()) == (1, ["glass-broken"])


@pytest.mark.parametrize(
    "role", ["social-care-assistant", "secretary", "assistant", "physiotherapist", "reviewer", "records-custodian"]
)
async def test_roles_that_may_not_are_refused_and_the_attempt_is_logged(ward, role):
    person = await ward.breaks(await ward.somebody(role, ward.ward))
    assert person.status == 403
    assert await ward.actions() == [(Action.BREAK_GLASS, False)]
    assert (await ward.tickets(), await ward.notices()) == (0, [])


async def test_a_ticket_from_one_role_place_or_person_opens_nothing_for_another(ward):
    doctor = await ward.somebody("doctor", ward.ward)
    await ward.breaks(doctor)
    colleague = await ward.somebody("doctor", ward.ward)
    who = await ward.world.owner.fetchval("select id from registries.professional where key = $1", doctor.actor)
    job: dict[str, Any] = {
        "resourceType": "PractitionerRole",
        "organization": {"reference": f"Organization/{ward.ward}"},
        "practitioner": {"reference": f"Practitioner/{who}"},
        "code": [{"coding": [{"system": ROLE_SYSTEM, "code": "nurse"}]}],
    }
    await ward.world.put(ward.world.system(ward.ward), job)
    for other in (colleague, replace(doctor, role="nurse"), replace(doctor, organisation=key_of(ward.elsewhere))):
        person = await ward.at(other)
        await person.get(PATH)
        assert "penicillin" not in person.text, other
    person = await ward.at(doctor)
    await person.get(PATH)
    assert "penicillin" in person.text


async def test_without_a_reason_of_the_list_nothing_is_broken(ward):
    person = await ward.breaks(await ward.somebody("doctor", ward.ward), "nosy")
    assert person.status == 422
    assert "Vælg en grund." in person.text
    assert await ward.tickets() == 0


async def test_a_screen_that_was_left_asks_who_one_is_unless_seconds_count(ward):
    for role, breaks in (("doctor", False), ("paramedic", True)):
        person = await ward.at(await ward.somebody(role, ward.ward))
        ward.pages.now += timedelta(minutes=6)
        await person.post(GLASS, grund="danger")
        assert (await ward.tickets() == 1) is breaks


async def test_in_an_acute_ward_nobody_proves_again_who_they_are(ward):
    ward.pages.now += timedelta(minutes=1)
    acute = replace(ward.pages.ports, acute_places=(key_of(ward.elsewhere), key_of(ward.ward)))
    ward.pages.app.state.portal = replace(ward.pages.app.state.portal, ports=acute)
    person = await ward.at(await ward.somebody("doctor", ward.ward))
    ward.pages.now += timedelta(minutes=25)
    await person.post(GLASS, grund="danger")
    assert await ward.tickets() == 1


async def test_the_line_about_what_may_be_withheld_says_the_same_of_everybody(ward):
    other = await ward.world.patient(ward.ward)
    await ward.world.contact(other, ward.ward)
    await ward.world.contact(ward.patient, ward.ward)
    doctor = await ward.somebody("doctor", ward.ward)
    said = []
    for patient in (ward.patient, other):
        person = await replace(ward, patient=patient, number="").at(doctor)
        await person.get(PATH)
        said.append(person.page.split('id="spaer"')[1].split("</section>")[0])
    assert said[0] == said[1]
    await Blocks(ward.world.store.pool).put(ward.citizen, Shape(shown=True))
    person = await ward.at(doctor)
    await person.get(PATH)
    assert "Patienten har spærret noget og lader dig vide det." in person.text


# --- the review ------------------------------------------------------------------------------------------------------------------


async def reviews(ward: Ward, ask: Ask) -> Clicker:
    person = await ward.pages.person(ask)
    await person.get("/hospital/gennemsyn")
    return person


async def test_the_reviewer_sees_who_why_and_what_but_no_content_and_the_citizen_reads_the_outcome(ward):
    await ward.breaks(await ward.somebody("doctor", ward.ward), "cannot-be-asked", tekst="Bevidstløs")
    reviewer = await reviews(ward, await ward.somebody("reviewer", ward.hospital))
    assert "Patienten kan ikke spørges: Bevidstløs" in reviewer.text
    assert "1 opslag, mens det var åbent" in reviewer.text
    assert "penicillin" not in reviewer.text
    await reviewer.post("/hospital/gennemsyn", billet=reviewer.field("billet"), dom="ja", tekst="Det hastede.")
    assert "Intet venter på dig." in reviewer.text
    assert await ward.notices() == ["glass-broken", "glass-reviewed"]
    citizen = await ward.pages.person(ward.citizen)
    await citizen.get("/borger/vaerdispring")
    for words in (
        "du kunne ikke spørges: Bevidstløs",
        "det var berettiget. Det hastede.",
        "åbnede overblikket",
        "stpk.dk",
    ):
        assert words in citizen.text


async def test_not_justified_needs_a_word_of_why_and_keeps_what_was_chosen(ward):
    await ward.breaks(await ward.somebody("doctor", ward.ward))
    reviewer = await reviews(ward, await ward.somebody("reviewer", ward.hospital))
    ticket = reviewer.field("billet")
    await reviewer.post("/hospital/gennemsyn", billet=ticket, dom="nej")
    assert reviewer.status == 422
    assert "Skriv hvorfor" in reviewer.text
    assert 'value="nej" checked' in reviewer.page
    await reviewer.post("/hospital/gennemsyn", billet=ticket, dom="nej", tekst="Der var tid til at spørge.")
    citizen = await ward.pages.person(ward.citizen)
    await citizen.get("/borger/vaerdispring")
    assert "det var ikke berettiget. Der var tid til at spørge." in citizen.text


async def test_a_ticket_is_reviewed_once(ward):
    await ward.breaks(await ward.somebody("doctor", ward.ward))
    reviewer = await reviews(ward, await ward.somebody("reviewer", ward.hospital))
    ticket = reviewer.field("billet")
    for verdict in ("ja", "nej"):
        await reviewer.post("/hospital/gennemsyn", billet=ticket, dom=verdict, tekst="x")
    assert reviewer.status == 422
    assert await ward.world.owner.fetchval("select justified from trust.ticket_review")


async def test_an_overdue_review_goes_up_and_then_to_who_runs_the_network(ward):
    await ward.breaks(await ward.somebody("doctor", ward.ward))
    near = await ward.somebody("reviewer", ward.ward)
    above = await ward.somebody("reviewer", ward.hospital)
    stranger = await ward.somebody("reviewer", ward.elsewhere)
    operator = await ward.somebody("operator", ward.elsewhere)
    for hours, who in ((0, {"near"}), (72, {"near", "above"}), (144, {"near", "above", "operator"})):
        ward.pages.now = NOW + timedelta(hours=hours, minutes=1)
        found = {
            name
            for name, ask in (("near", near), ("above", above), ("stranger", stranger), ("operator", operator))
            if "Var det berettiget?" in (await reviews(ward, ask)).text
        }
        assert found == who, hours


async def test_nobody_reviews_their_own_and_strangers_attempts_are_logged(ward):
    doctor = await ward.somebody("doctor", ward.ward)
    await ward.breaks(doctor)
    ticket = await ward.world.owner.fetchval("select ticket from trust.ticket_review")
    job = await ward.somebody("reviewer", ward.elsewhere)
    person = await ward.pages.person(job)
    await person.post("/hospital/gennemsyn", billet=str(ticket), dom="ja", tekst="x")
    assert person.status == 422
    assert (Action.REVIEW_TICKET, False) in await ward.actions()
    await ward.world.owner.execute(
        "insert into trust.employment (source, professional, organisation, role, valid_from, valid_to) "
        "values (gen_random_uuid(), $1, $2, 'reviewer', '-infinity', 'infinity')",
        doctor.actor, key_of(ward.ward),
    )  # fmt: skip
    own = await reviews(ward, replace(doctor, role="reviewer"))
    assert "Intet venter på dig." in own.text


async def test_a_consent_opens_the_page_for_whom_it_names(ward):
    doctor = await ward.somebody("doctor", ward.elsewhere)
    blocks = Blocks(ward.world.store.pool)
    (block,) = await blocks.of(ward.citizen)
    await blocks.consent(ward.citizen, NOW + timedelta(days=1), professional=doctor.actor)
    person = await ward.at(doctor)
    await person.get(PATH)
    assert "Borgeren har givet dig samtykke." in person.text
    assert "penicillin" not in person.text
    await blocks.consent(ward.citizen, NOW + timedelta(days=1), professional=doctor.actor, block=block.id)
    await person.get(PATH)
    assert "penicillin" in person.text
