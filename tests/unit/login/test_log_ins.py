"""Who somebody that was vouched for is here: one living citizen, or a professional with work where the provider may speak."""

from datetime import timedelta

import msgspec
import pytest

from helhed.registries.identifiers import AUTHORISATION, CPR, SOR
from helhed.trust.identity.log_ins import LogIns
from helhed.trust.identity.upstream.flow import Vouched
from helhed.trust.identity.upstream.providers import Whom
from helhed.trust.projections import ROLE_SYSTEM
from tests.support.world import NOW
from tests.unit.login.provider import Scene

NUMBER = "0101019999"


def vouched(*identifiers, whom=Whom.STAFF, **changes) -> Vouched:
    provider = msgspec.structs.replace(Scene(whom=whom).described, **changes)
    return Vouched(provider, "s", identifiers, "substantial", (), NOW, "", "")


@pytest.fixture
async def hospital(world):
    """A hospital with a SOR number, a ward, and another hospital."""
    top = await world.organisation("Sygehus")
    resource = {
        "resourceType": "Organization",
        "id": str(top),
        "name": "Sygehus",
        "identifier": [{"system": SOR, "value": "100"}],
    }
    await world.change(world.system(top), top, resource)
    return top, await world.organisation("Afdeling", top), await world.organisation("Andet sygehus")


async def doctor(world, place, number="AB123", **job):
    custodian = world.system(place)
    who = await world.put(
        custodian,
        {
            "resourceType": "Practitioner",
            "name": [{"family": "Dahl"}],
            "identifier": [{"system": AUTHORISATION, "value": number}],
        },
    )
    await world.put(custodian, {
        "resourceType": "PractitionerRole", "practitioner": {"reference": f"Practitioner/{who}"},
        "organization": {"reference": f"Organization/{place}"}, "code": [{"coding": [{"system": ROLE_SYSTEM, "code": "doctor"}]}], **job,
    })  # fmt: skip
    return who


async def test_a_provider_vouches_for_those_who_work_beneath_its_organisations_and_for_nobody_else(world, hospital):
    _, ward, elsewhere = hospital
    await doctor(world, ward)
    await doctor(world, elsewhere, "CD456")
    log_ins = LogIns(world.store.pool)
    known = vouched((AUTHORISATION, "AB123"))
    assert [(job.place, job.role) for job in await log_ins.jobs(known, NOW)] == [("Afdeling", "doctor")]
    assert await log_ins.jobs(vouched((AUTHORISATION, "CD456")), NOW) == []
    assert (
        await log_ins.jobs(vouched((AUTHORISATION, "CD456"), organisations=(), organisations_of_kind=("prov",)), NOW)
        == []
    )
    assert await log_ins.jobs(vouched((AUTHORISATION, "nobody")), NOW) == []


async def test_a_job_that_has_ended_or_not_begun_lets_nobody_in(world, hospital):
    _, ward, _ = hospital
    await doctor(world, ward, "AB123", period={"start": "2020-01-01", "end": "2026-11-01"})
    await doctor(world, ward, "CD456", period={"start": "2030-01-01"})
    log_ins = LogIns(world.store.pool)
    for number in ("AB123", "CD456"):
        assert await log_ins.jobs(vouched((AUTHORISATION, number)), NOW) == []


async def test_an_identifier_that_was_taken_back_is_none(world, hospital):
    _, ward, _ = hospital
    who = await doctor(world, ward)
    await world.change(
        world.system(ward), who, {"resourceType": "Practitioner", "id": str(who), "name": [{"family": "Dahl"}]}
    )
    assert await LogIns(world.store.pool).jobs(vouched((AUTHORISATION, "AB123")), NOW) == []


async def test_work_is_asked_for_at_each_moment(world, hospital):
    from helhed.foundation.ids import key_of

    _, ward, _ = hospital
    who = await doctor(world, ward, period={"start": "2020-01-01", "end": "2026-12-01"})
    works = LogIns(world.store.pool).works
    assert await works(key_of(who), key_of(ward), "doctor", NOW)
    assert not await works(key_of(who), key_of(ward), "nurse", NOW)
    assert not await works(key_of(who), key_of(ward), "doctor", NOW + timedelta(days=30))


async def test_a_citizen_is_known_by_the_number_however_it_is_written(world, hospital):
    from helhed.foundation.ids import key_of

    patient = await world.patient(hospital[0], identifier=[{"system": CPR, "value": NUMBER}])
    log_ins = LogIns(world.store.pool)
    for written in (NUMBER, "010101-9999", " 010101 9999 "):
        assert await log_ins.citizen(vouched((CPR, written), whom=Whom.CITIZENS)) == key_of(patient)
    assert await log_ins.citizen(vouched((CPR, "0202029999"), whom=Whom.CITIZENS)) is None


async def test_a_number_of_somebody_dead_logs_nobody_in(world, hospital):
    top, _, _ = hospital
    await world.patient(top, identifier=[{"system": CPR, "value": NUMBER}], deceasedBoolean=True)
    log_ins = LogIns(world.store.pool)
    assert await log_ins.citizen(vouched((CPR, NUMBER), whom=Whom.CITIZENS)) is None


async def test_one_sees_ones_own_log_ins_and_the_log_has_a_row_of_each_that_names_no_citizen(world, hospital):
    patient, other = await world.patient(hospital[0]), await world.patient(hospital[0])
    log_ins, ask = LogIns(world.store.pool), world.citizen(patient)
    await log_ins.note(ask, "broker", "pwd", "Firefox, Mac", "")
    await log_ins.note(ask, "broker", "pwd", "", "another")
    own = await log_ins.own(ask, 10)
    assert {(one.device, one.refused) for one in own} == {("Firefox, Mac", ""), ("", "another")}
    assert await log_ins.own(world.citizen(other), 10) == []
    rows = await world.owner.fetch("select permitted, citizen from foundation.access_log where action = 64")
    assert sorted((row["permitted"], row["citizen"]) for row in rows) == [(False, None), (True, None)]
