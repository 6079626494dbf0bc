"""Generated: whoever acts stays within the citizen and the birthday (12, 16), and taking a base away never widens (11); at the doors."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings, strategies as st

from helhed.fhir.definitions import TYPE_NAMES
from helhed.foundation.ids import key_of
from helhed.trust.acting.policy import acting_policy
from helhed.trust.reference.acting import birthday
from helhed.trust.relation.declared import TreatmentRelations
from tests.support.world import NOW, at

pytestmark = pytest.mark.asyncio(loop_scope="module")
TICK = timedelta(microseconds=1)
EVER = datetime(2199, 1, 1, tzinfo=UTC)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
TYPES = ("Observation", "Condition", "Encounter", "Appointment", "MedicationRequest", "AllergyIntolerance")
SCOPES = sorted(acting_policy().scopes)


class Town:
    """A clinic and a mother; each example brings a child or a giver of its own."""

    def __init__(self, doors, clinic, mother):
        self.doors, self.clinic, self.mother = doors, clinic, mother

    async def seen(self, ask, patient):
        rows = await self.doors.world.store.citizen_rows(ask, key_of(patient), TYPES, 100)
        return {(row.version.type_name, row.version.id) for row in rows}

    async def record(self, patient):
        """One row of each type, recorded by the clinic."""
        world, subject = self.doors.world, {"reference": f"Patient/{patient}"}
        about = {"subject": subject}
        concept = {"text": "noget"}
        bare: list[dict[str, Any]] = [
            {"resourceType": "Observation", "status": "final", "code": concept, **about},
            {"resourceType": "Condition", "code": concept, **about},
            {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}, **about},
            {"resourceType": "Appointment", "status": "proposed", "participant": [{"actor": subject, "status": "accepted"}]},
            {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": concept, **about},
            {"resourceType": "AllergyIntolerance", "patient": subject, "code": concept},
        ]  # fmt: skip
        return [(one["resourceType"], await world.put(world.system(self.clinic), one)) for one in bare]


@pytest_asyncio.fixture(loop_scope="module")
async def town(doors):
    clinic = await doors.world.organisation("Klinikken")
    return Town(doors, clinic, await doors.person(clinic, "Mona Test Moder", "1980-01-01"))


@FEW
@example(date(2012, 2, 29))
@example(date(2012, 3, 28))  # turns 15 on the day clocks go forward, and the day after
@example(date(2012, 3, 29))
@example(date(2011, 10, 25))  # and on the day after they went back
@given(st.dates(date(2005, 1, 1), date(2030, 12, 31)))
async def test_a_parent_loses_the_record_at_the_first_moment_of_the_fifteenth_birthday(town, born):
    doors, child = town.doors, await town.doors.world.patient(town.clinic, birthDate=born.isoformat())
    begun = datetime(1990, 1, 1, tzinfo=UTC)
    await doors.acting.let_act(await doors.keeper(), key_of(child), key_of(town.mother), "custody", begun, EVER)
    over = birthday(born, 15).astimezone(UTC)
    doors.now = over - TICK
    browser = await doors.citizen(town.mother)
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(child))
    assert "Du handler for" in browser.text
    doors.now = over
    await browser.get("/borger")
    assert browser.address == "/borger/hvem"


@FEW
@given(
    scopes=st.sets(st.sampled_from(SCOPES), min_size=1),
    hidden=st.sets(st.integers(0, len(TYPES) - 1)),
    obeys=st.booleans(),
    blocked=st.booleans(),
)
async def test_who_has_a_mandate_sees_no_more_than_its_parts_and_than_the_giver(town, scopes, hidden, obeys, blocked):
    world, acting = town.doors.world, town.doors.acting
    giver = await world.patient(town.clinic)
    rows = await town.record(giver)
    await world.contact(giver, town.clinic)
    doctor = world.professional(await world.employee(town.clinic), town.clinic)
    for number in hidden:
        await acting.mask(doctor, *rows[number], from_citizen=number % 2 == 0)
    types = acting_policy().types_of(scopes)
    names = None if types is None else [TYPE_NAMES[number] for number in types]
    await acting.let_act(
        world.citizen(giver), key_of(giver), key_of(town.mother), "mandate", NOW, EVER, types=names, obeys_blocks=obeys
    )
    if blocked:
        await world.block(giver)
    own, theirs = await town.seen(world.citizen(giver), giver), await town.seen(world.citizen(town.mother), giver)
    assert theirs <= own
    assert not theirs & {rows[number] for number in hidden}
    assert names is None or {name for name, _ in theirs} <= set(names)
    assert not (obeys and blocked and theirs)


BASES = ("contact", "appointment", "visitation", "declaration")


@FEW
@given(st.permutations(BASES), st.integers(0, 20))
async def test_taking_bases_away_one_by_one_never_widens(town, order, days):
    world = town.doors.world
    place, moment = await world.organisation("Stedet"), NOW + timedelta(days=days)
    patient = await world.patient(town.clinic)
    await town.record(patient)
    doctor, system = world.professional(await world.employee(place), place), world.system(place)
    subject = {"reference": f"Patient/{patient}"}
    made = {
        "contact": ("Encounter", await world.contact(patient, place)),
        "appointment": ("Appointment", await world.put(system, {
            "resourceType": "Appointment", "status": "booked", "start": "2026-12-01T08:00:00Z", "end": "2026-12-01T09:00:00Z",
            "participant": [{"actor": subject, "status": "accepted"}]})),
        "visitation": ("EpisodeOfCare", await world.put(system, {
            "resourceType": "EpisodeOfCare", "status": "active", "patient": subject, "period": {"start": "2026-11-01"}})),
    }  # fmt: skip
    await TreatmentRelations(world.store.pool).declare(doctor, key_of(patient), "vagt")
    before = await town.seen(at(doctor, moment), patient)
    assert before
    for base in order:
        if base == "declaration":
            await world.owner.execute(
                "update trust.relation set valid_to = $2 where citizen = $1 and class = 4", key_of(patient), NOW
            )
        else:
            await world.delete(system, *made[base])
        now_seen = await town.seen(at(doctor, moment), patient)
        assert now_seen <= before
        before = now_seen
    assert not before
