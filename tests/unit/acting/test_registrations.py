"""Relations from appointments and visitation: to the place that registered them, for as long as the policy says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.trust.policy import contact_holds, document
from helhed.trust.reference.registering import holds_until
from helhed.trust.relation.declared import TreatmentRelations
from helhed.trust.relation.registrations import registrations
from tests.support.world import NOW, at

pytestmark = pytest.mark.asyncio(loop_scope="module")
TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
STARTS, ENDS = datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)  # clocks go forward


class Place:
    """A clinic with a doctor, a unit beneath, and a citizen of somebody else."""

    def __init__(self, doors, clinic, unit, patient, row, doctor):
        self.doors, self.clinic, self.unit, self.patient, self.row = doors, clinic, unit, patient, row
        self.doctor = doors.world.professional(doctor, clinic)

    async def sees(self, moment=NOW, ask=None):
        try:
            await self.doors.world.store.read(at(ask or self.doctor, moment), "Observation", self.row)
        except Unknown:
            return False
        return True

    def appointment(self, **more):
        return {
            "resourceType": "Appointment",
            "status": "booked",
            "start": STARTS.isoformat(),
            "end": "2027-03-28T00:59:59.999999Z",
            "participant": [{"actor": {"reference": f"Patient/{self.patient}"}, "status": "accepted"}],
            **more,
        }

    def episode(self, **more):
        return {
            "resourceType": "EpisodeOfCare",
            "status": "active",
            "patient": {"reference": f"Patient/{self.patient}"},
            "period": {"start": "2026-11-01T00:00:00Z"},
            **more,
        }


@pytest_asyncio.fixture(loop_scope="module")
async def place(doors):
    world = doors.world
    clinic, register = await world.organisation("Kommunen"), await world.organisation("Registeret")
    unit = await world.organisation("Hjemmeplejen", clinic)
    patient = await world.patient(register)
    row = await world.observation(patient, register)
    return Place(doors, clinic, unit, patient, row, await world.employee(clinic))


async def test_an_appointment_opens_the_record_to_its_place_for_the_days_of_the_policy(place):
    rule = registrations()["Appointment"]
    await place.doors.world.put(place.doors.world.system(place.clinic), place.appointment())
    first, over = STARTS - rule.before, ENDS + rule.after
    seen = [await place.sees(moment) for moment in (first - TICK, first, over - TICK, over)]
    assert seen == [False, True, True, False]


@pytest.mark.parametrize("status", ["proposed", "pending", "cancelled", "noshow", "entered-in-error", "waitlist"])
async def test_an_appointment_that_does_not_stand_opens_nothing(place, status):
    await place.doors.world.put(place.doors.world.system(place.clinic), place.appointment(status=status))
    assert not await place.sees(STARTS)


async def test_an_appointment_that_is_cancelled_or_deleted_closes_the_record_again(place):
    world, system = place.doors.world, place.doors.world.system(place.clinic)
    booked = await world.put(system, place.appointment())
    assert await place.sees(STARTS)
    await world.change(system, booked, {**place.appointment(status="cancelled"), "id": str(booked)})
    assert not await place.sees(STARTS)
    other = await world.put(system, place.appointment())
    await world.delete(system, "Appointment", other)
    assert not await place.sees(STARTS)


@pytest.mark.parametrize(
    "ends", [{"end": "9999-12-31T23:59:59.999999Z"}, {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T01:00:00Z"}]
)
async def test_an_appointment_at_the_ends_of_time_is_stored_and_opens_nothing(place, ends):
    await place.doors.world.put(place.doors.world.system(place.clinic), place.appointment(**ends))
    assert not await place.sees()


async def test_a_visitation_lasts_until_its_end_and_without_one_for_a_year(place):
    world, system = place.doors.world, place.doors.world.system(place.clinic)
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    kept = await world.put(system, place.episode())
    lasts = registrations()["EpisodeOfCare"].open_ended
    assert lasts is not None
    year = begun + lasts
    assert [await place.sees(moment) for moment in (begun - TICK, begun, year - TICK, year)] == [
        False,
        True,
        True,
        False,
    ]
    ended = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-20T12:00:00.000000Z"}
    await world.change(system, kept, {**place.episode(period=ended), "id": str(kept)})
    assert not await place.sees(NOW)


async def test_a_visitation_to_a_unit_opens_the_record_to_that_unit_alone(place):
    world, system = place.doors.world, place.doors.world.system(place.clinic)
    await world.put(system, place.episode(managingOrganization={"reference": f"Organization/{place.unit}"}))
    nurse = world.professional(await world.employee(place.unit, "nurse"), place.unit, "nurse")
    assert await place.sees(ask=nurse)
    assert not await place.sees()


@pytest.mark.parametrize("make", ["appointment", "episode"])
async def test_nobody_registers_a_relation_for_somebody_else(place, make):
    world = place.doors.world
    elsewhere = await world.organisation("Et andet sted")
    more = {"managingOrganization": {"reference": f"Organization/{elsewhere}"}} if make == "episode" else {}
    await world.put(world.system(place.clinic), getattr(place, make)(**more))
    other = world.professional(await world.employee(elsewhere), elsewhere)
    assert not await place.sees(STARTS, other)


@pytest.mark.parametrize("make", ["appointment", "episode"])
async def test_a_declaration_is_not_stretched_by_what_is_booked_under_it(place, make):
    """Invariant 11's other side: a moment's access makes no lasting one."""
    await TreatmentRelations(place.doors.world.store.pool).declare(place.doctor, key_of(place.patient), "vagt")
    assert await place.sees()
    await place.doors.world.put(place.doctor, getattr(place, make)())
    assert not await place.sees(NOW + 2 * DAY)


async def test_a_block_goes_before_an_appointment(place):
    await place.doors.world.put(place.doors.world.system(place.clinic), place.appointment())
    await place.doors.world.block(place.patient, place.clinic)
    assert not await place.sees(STARTS)


async def test_who_is_employed_no_longer_has_nothing_of_an_appointment(place):
    world = place.doors.world
    await world.put(world.system(place.clinic), place.appointment())
    left = await world.employee(place.clinic, period={"end": "2026-11-30"})
    assert not await place.sees(STARTS, replace(world.professional(left, place.clinic)))


PLANNED = {
    "no end": None,
    "soon": datetime(2026, 12, 24, 12, tzinfo=UTC),
    "on the last day": NOW + timedelta(days=365) - TICK,
    "a day later": NOW + timedelta(days=366),
    "in a lifetime": datetime(2099, 1, 1, tzinfo=UTC),
    "at the end of time": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
}


def written(moment):
    return moment.isoformat(timespec="microseconds")


@pytest.mark.parametrize("planned", PLANNED.values(), ids=PLANNED)
async def test_an_open_contact_opens_the_record_until_its_end_and_never_for_longer_than_the_policy_says(place, planned):
    world = place.doors.world
    period = {"start": "2026-11-23T07:00:00Z"} | ({} if planned is None else {"end": written(planned)})
    contact = await world.contact(place.patient, place.clinic, period=period)
    (days,) = (one["holds_days"] for one in document("relation.json")["classes"] if one["class"] == "A")
    over = None if planned is None or planned.year == 9999 else planned + TICK  # the last moment of a period counts
    until = holds_until(NOW, over, days)
    assert [await place.sees(moment) for moment in (NOW, until - TICK, until)] == [True, True, False]
    later = NOW + timedelta(days=300)
    body = {"resourceType": "Encounter", "id": str(contact), "status": "in-progress", "class": {"code": "AMB"}, "period": period,
            "subject": {"reference": f"Patient/{place.patient}"}, "serviceProvider": {"reference": f"Organization/{place.clinic}"}}  # fmt: skip
    await world.change(at(world.system(place.clinic), later), contact, body)
    until = holds_until(later, over, days)
    assert [await place.sees(moment) for moment in (until - TICK, until)] == [True, False], (
        "each registration counts anew"
    )


@pytest.mark.parametrize("kind", ["appointment", "episode"])
async def test_what_a_place_registers_with_an_end_in_a_lifetime_opens_the_record_for_no_longer_than_a_year(place, kind):
    begins, lifetime = "2026-11-23T07:00:00Z", "2099-01-01T00:00:00Z"
    body = (
        place.appointment(start=begins, end=lifetime)
        if kind == "appointment"
        else place.episode(period={"start": begins, "end": lifetime})
    )
    await place.doors.world.put(place.doors.world.system(place.clinic), body)
    rule = registrations()[body["resourceType"]]
    until = NOW + (rule.open_ended or contact_holds()) + rule.after
    assert [await place.sees(moment) for moment in (NOW, until - TICK, until)] == [True, True, False]
