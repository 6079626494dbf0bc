"""Retention: what goes and what stays, batch by batch."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.commands.retaining import Outcome, hold, release, retain
from helhed.commands.retaining.kinds import PARTS
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of
from helhed.registries.linking import Linking
from helhed.trust.keeping.retention import retention_policy
from helhed.trust.log.citizen_log import CitizenLog
from tests.support.world import NOW, World

LATER = NOW.replace(year=NOW.year + 10) + timedelta(days=1)
RELEASED = "Rigsarkivet 26/1"


async def _run(world: World, now: datetime, **more: Any) -> dict[str, Outcome]:
    found = await retain(world.owner, now, **{"dry": False, "released": RELEASED, **more})
    return {one.kind.name: one for one in found}


async def _rows(world: World, patient: UUID) -> list[str]:
    """The types of a citizen's rows."""
    query = "select convert_from(body, 'UTF8')::jsonb ->> 'resourceType' from fhir.resource where citizen = $1 and not deleted order by 1"
    return [row[0] for row in await world.owner.fetch(query, key_of(patient))]


@pytest.fixture
async def record(world: World) -> tuple[World, UUID, UUID]:
    """A record of a citizen at a hospital, written now: a result in two versions and an allergy."""
    hospital = await world.organisation("Sygehus")
    patient = await world.patient(hospital)
    await world.observation(patient, hospital)
    allergy = {
        "resourceType": "AllergyIntolerance",
        "patient": {"reference": f"Patient/{patient}"},
        "code": {"text": "penicillin"},
    }
    await world.put(world.system(hospital), allergy)
    return world, hospital, patient


def test_every_kind_is_dated_has_a_period_a_beginning_and_a_paragraph() -> None:
    policy = retention_policy()
    assert policy.dated.year >= 2026
    for kind in policy.kinds.values():
        assert re.fullmatch(r"P\d+[YMD]", kind.keep)
        assert kind.since
        assert kind.law
    assert set(PARTS) | {"record"} == set(policy.kinds)
    assert (policy.kinds["record"].keep, policy.kinds["access-log"].keep) == ("P10Y", "P5Y")


async def test_a_dry_run_counts_and_changes_nothing(record: tuple[World, UUID, UUID]) -> None:
    world, _, patient = record
    found = await _run(world, LATER, dry=True)
    assert (found["record"].rows, found["record"].records) == (1, 1)
    assert found["access-log"].rows == await world.owner.fetchval("select count(*) from foundation.access_log")
    assert await _rows(world, patient) == ["AllergyIntolerance", "Observation", "Patient"]


async def test_a_record_goes_ten_years_after_its_last_entry_and_the_citizen_reads_so(
    record: tuple[World, UUID, UUID],
) -> None:
    world, _hospital, patient = record
    assert (await _run(world, LATER - timedelta(days=1)))["record"].rows == 0
    assert (await _run(world, LATER))["record"].rows == 1
    assert await _rows(world, patient) == ["AllergyIntolerance", "Patient"]
    entries = await CitizenLog(world.store.pool).entries(world.citizen(patient), NOW, LATER + timedelta(days=1))
    (told,) = [one for one in entries if one.action == 44]
    assert (told.type_name, told.organisation_name) == ("Observation", "Sygehus")
    assert (await _run(world, LATER))["record"].rows == 0


async def test_what_is_true_of_the_living_goes_with_the_record_of_the_dead(record: tuple[World, UUID, UUID]) -> None:
    world, _, patient = record
    await world.owner.execute("update registries.citizen set deceased = true where key = $1", key_of(patient))
    assert (await _run(world, LATER))["record"].rows == 2
    assert await _rows(world, patient) == ["Patient"]


async def test_one_late_entry_keeps_the_whole_record_of_that_organisation_and_no_other(
    record: tuple[World, UUID, UUID],
) -> None:
    world, _hospital, patient = record
    clinic = await world.organisation("Klinik")
    await world.observation(patient, clinic)
    await world.owner.execute(
        "update fhir.resource set updated = updated + interval '1 year' where origin = $1 and type <> 0", key_of(clinic)
    )
    assert (await _run(world, LATER))["record"].rows == 1
    assert await _rows(world, patient) == ["AllergyIntolerance", "Observation", "Patient"]


async def test_what_another_organisation_s_document_presents_stays(world: World) -> None:
    hospital, clinic = await world.organisation("Sygehus"), await world.organisation("Klinik")
    patient = await world.patient(hospital)
    shown, alone = await world.observation(patient, hospital), await world.observation(patient, hospital)
    report = {
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "svar"},
        "subject": {"reference": f"Patient/{patient}"}, "result": [{"reference": f"Observation/{shown}"}],
    }  # fmt: skip
    await world.put(world.system(clinic), report)
    await world.owner.execute(
        "update fhir.resource set updated = updated + interval '1 year' where origin = $1", key_of(clinic)
    )
    assert (await _run(world, LATER))["record"].rows == 1
    ids = {
        row["id"] for row in await world.owner.fetch("select id from fhir.resource where citizen = $1", key_of(patient))
    }
    assert shown in ids
    assert alone not in ids


async def test_records_are_only_counted_before_the_archive_has_released_them(record: tuple[World, UUID, UUID]) -> None:
    world, _, patient = record
    found = (await _run(world, LATER, released=""))["record"]
    assert (found.rows, found.waits) == (1, True)
    assert await _rows(world, patient) == ["AllergyIntolerance", "Observation", "Patient"]


async def test_nothing_of_a_held_record_goes_and_its_log_stays_too(record: tuple[World, UUID, UUID]) -> None:
    world, _, patient = record
    held = await hold(world.owner, NOW, f"Patient/{patient}", "klage 7")
    before = len(await world.log(patient))
    assert (await _run(world, LATER, dry=True))["record"].rows == 0
    assert (await _run(world, LATER))["record"].rows == 0
    assert len(await world.log(patient)) == before
    await release(world.owner, LATER, str(held))
    assert (await _run(world, LATER))["record"].rows == 1
    assert [row["action"] for row in await world.log(patient) if row["action"] in {45, 46}] == [46]


async def test_a_hold_of_one_organisation_s_record_holds_that_one(record: tuple[World, UUID, UUID]) -> None:
    world, _hospital, patient = record
    other = await world.organisation("Klinik")
    await hold(world.owner, NOW, f"Patient/{patient}", "klage 7", f"Organization/{other}")
    assert (await _run(world, LATER))["record"].rows == 1


async def _twice(world: World, hospital: UUID, patient: UUID) -> UUID:
    """The same person, registered by the hospital a second time and found to be one."""
    other = await world.patient(hospital)
    national = await world.organisation("Directory")
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(national))
    await Linking(world.store.pool).link(world.system(national), other, patient, "same fingerprints")
    return other


async def test_a_late_entry_under_the_other_key_keeps_the_record_of_somebody_registered_twice(
    record: tuple[World, UUID, UUID],
) -> None:
    world, hospital, patient = record
    late = await world.observation(await _twice(world, hospital, patient), hospital)
    await world.owner.execute("update fhir.resource set updated = updated + interval '1 year' where id = $1", late)
    assert (await _run(world, LATER, dry=True))["record"].rows == 0
    assert (await _run(world, LATER))["record"].rows == 0
    a_year_on = LATER.replace(year=LATER.year + 1)
    assert (await _run(world, a_year_on))["record"].rows == 2


async def test_a_record_that_was_due_and_is_written_to_under_the_other_key_stays(
    record: tuple[World, UUID, UUID],
) -> None:
    """Between the counting and the taking."""
    world, hospital, patient = record
    late = await world.observation(await _twice(world, hospital, patient), hospital)
    await world.owner.execute("update fhir.resource set updated = $2 where id = $1", late, LATER)
    retire = "select trust.retire_record($1, $2, $3, $4, $5::smallint, '{}', 'x')"
    before = LATER.replace(year=NOW.year + 1)
    gone = await world.owner.fetchval(retire, key_of(patient), key_of(hospital), LATER, before, TYPE_NUMBERS["Patient"])
    assert gone == 0
    assert await _rows(world, patient) == ["AllergyIntolerance", "Observation", "Patient"]


async def test_somebody_registered_twice_is_dead_when_the_one_they_are_known_by_is(
    record: tuple[World, UUID, UUID],
) -> None:
    world, hospital, patient = record
    other = await _twice(world, hospital, patient)
    die = "update registries.citizen set deceased = true where key = $1"
    await world.owner.execute(die, key_of(other))
    assert (await _run(world, LATER, dry=True))["record"].rows == 1, "the allergy stays with the living"
    allergy = {
        "resourceType": "AllergyIntolerance",
        "patient": {"reference": f"Patient/{other}"},
        "code": {"text": "æg"},
    }
    await world.put(world.system(hospital), allergy)
    await world.owner.execute("update registries.citizen set deceased = key = $1", key_of(patient))
    assert (await _run(world, LATER))["record"].rows == 3


async def test_a_hold_on_somebody_registered_twice_holds_both_records_and_both_logs(
    record: tuple[World, UUID, UUID],
) -> None:
    world, hospital, patient = record
    other = await _twice(world, hospital, patient)
    await hold(world.owner, NOW, f"Patient/{other}", "klage 7")
    before = len(await world.log(patient))
    assert (await _run(world, LATER))["record"].rows == 0
    assert len(await world.log(patient)) == before


@pytest.mark.parametrize("wrong", ["nobody", "Patient/1", ""])
async def test_a_hold_needs_a_citizen_and_a_case(world: World, wrong: str) -> None:
    with pytest.raises(BadRequest):
        await hold(world.owner, NOW, wrong, "klage 7")
    with pytest.raises(Unknown):
        await hold(world.owner, NOW, f"Patient/{uuid4()}", "klage 7")
    with pytest.raises(BadRequest):
        await hold(world.owner, NOW, f"Patient/{uuid4()}", " ")
    for unknown in (str(uuid4()), "5"):
        with pytest.raises(Unknown, match="`helhed hold` printed"):
            await release(world.owner, NOW, unknown)


async def test_the_log_goes_after_five_years_batch_by_batch_and_says_how_much(world: World) -> None:
    hospital = await world.organisation("Sygehus")
    for _ in range(5):
        await world.patient(hospital)
    rows = await world.owner.fetchval("select count(*) from foundation.access_log")
    assert (await _run(world, NOW.replace(year=NOW.year + 5), batch=2))["access-log"].rows == 0
    moment = NOW.replace(year=NOW.year + 5) + timedelta(days=1)
    assert (await _run(world, moment, batch=2))["access-log"].rows == rows
    told = await world.owner.fetch(
        "select versions from foundation.access_log where action = 44 and client = 'helhed-retention'"
    )
    assert sum(row["versions"][0] for row in told) == rows
    assert len(told) == -(-rows // 2)


async def test_ended_access_sessions_failed_events_and_names_of_files_go(world: World) -> None:
    hospital = await world.organisation("Sygehus")
    patient = await world.patient(hospital)
    block = await world.block(patient)
    await world.owner.execute("update trust.block set valid_to = $1 where id = $2", NOW, block)
    for statement in (
        "insert into portals.session (key, kept, touched_at) values ('a', '', $1)",
        "insert into trust.past_contact (source, citizen, organisation, ended_at, people) values (gen_random_uuid(), 1, 1, $1, '{}')",
        "insert into registries.lookup (asker, person, at) values ('a', 'b', $1)",
        "insert into foundation.outbox (topic, payload, failed, at) values ('x', '{}', true, $1)",
        "insert into exchange.imported_document (source, digest, name, entries, stored, merged, rejected, at) values (1, 'd', 'Hansen.json', 1, 0, 0, 1, $1)",
    ):
        await world.owner.execute(statement, NOW)
    await world.owner.execute(
        "insert into exchange.rejected_entry values (1, 'd', 0, 'Patient', '', 'Hansen is no date')"
    )
    await world.block(patient)
    found = await _run(world, NOW.replace(year=NOW.year + 6))
    counts = {
        name: found[name].rows for name in ("ended-access", "session", "look-up", "failed-event", "import-report")
    }
    assert counts == {"ended-access": 2, "session": 1, "look-up": 1, "failed-event": 1, "import-report": 2}
    assert await world.owner.fetchval("select count(*) from trust.block") == 1
    assert await world.owner.fetchval("select digest from exchange.imported_document where name = ''") == b"d"


async def test_a_run_that_is_stopped_has_taken_whole_records_and_can_go_on(record: tuple[World, UUID, UUID]) -> None:
    world, hospital, _ = record
    others = [await world.patient(hospital) for _ in range(3)]
    for patient in others:
        await world.observation(patient, hospital)
        await world.observation(patient, hospital)

    class Stopped(Exception):
        pass

    class Stopping:
        """The owner's connection, which is gone after a few statements."""

        def __init__(self) -> None:
            self.left = 1

        def __getattr__(self, name: str) -> Any:
            return getattr(world.owner, name)

        async def fetchval(self, query: str, *values: Any) -> Any:
            if "retire_record" in query:
                self.left -= 1
                if self.left < 0:
                    raise Stopped
            return await world.owner.fetchval(query, *values)

    with pytest.raises(Stopped):
        await retain(Stopping(), LATER, dry=False, released=RELEASED)  # type: ignore[arg-type]
    left = [await _rows(world, patient) for patient in others]
    assert all(rows in (["Patient"], ["Observation", "Observation", "Patient"]) for rows in left)
    await _run(world, LATER)
    assert [await _rows(world, patient) for patient in others] == [["Patient"]] * 3


@pytest.mark.parametrize("meanwhile", ["held", "written"])
async def test_what_is_held_or_written_between_counting_and_taking_stays(
    record: tuple[World, UUID, UUID], meanwhile: str
) -> None:
    world, hospital, patient = record
    before = LATER.replace(year=NOW.year)
    if meanwhile == "held":
        await hold(world.owner, NOW, f"Patient/{patient}", "klage 7")
    else:
        await world.owner.execute("update fhir.resource set updated = $1 where citizen = $2", LATER, key_of(patient))
    retire = "select trust.retire_record($1, $2, $3, $4, 0::smallint, '{}', 'x')"
    assert await world.owner.fetchval(retire, key_of(patient), key_of(hospital), LATER, before) == 0
    assert await _rows(world, patient) == ["AllergyIntolerance", "Observation", "Patient"]
