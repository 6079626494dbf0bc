"""What was recorded on the wrong citizen is taken out whole, by two people, and leaves a tombstone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.store.purging import Connected
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Conflict, Forbidden, HelhedError, MethodNotAllowed, Unknown, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.portals.rooms.log import PortalLog
from helhed.trust.audit_events import Deliveries
from helhed.trust.log.citizen_log import NEWEST, CitizenLog
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.reader import LogReader
from tests.support.world import NOW
from tests.unit.store.purging import Ward, custodians

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nothing_of_what_was_purged_is_left_anywhere(ward: Ward) -> None:
    row = await ward.planted()
    await ward.world.owner.execute("analyze fhir.resource, fhir.version, fhir.resource_string")
    assert {"fhir.resource.body", "fhir.version.body"} <= await ward.found()
    await ward.staff.purge(("Observation", row), rightful=ward.right)
    assert await ward.found() == set()


async def test_names_that_the_statistics_have_sampled_go_as_well(ward: Ward) -> None:
    related = {
        "resourceType": "RelatedPerson", "patient": {"reference": f"Patient/{ward.wrong}"}, "name": [{"family": ward.marker}],
    }  # fmt: skip
    row = await ward.put(related)
    await ward.world.owner.execute("analyze fhir.resource, fhir.version, fhir.resource_string")
    before = await ward.found()
    assert {"fhir.resource_string.value", "statistics of resource_string.value"} <= before
    await ward.staff.purge(("RelatedPerson", row))
    assert await ward.found() == set()


async def test_a_purged_row_and_one_that_never_was_answer_alike(ward: Ward) -> None:
    row = await ward.planted()
    doctor = ward.world.professional(await ward.world.employee(ward.hospital), ward.hospital)
    await ward.world.contact(ward.wrong, ward.hospital)
    await ward.staff.purge(("Observation", row))
    never = new_id()
    for ask in (ward.world.citizen(ward.wrong), doctor, ward.world.system(ward.hospital), ward.staff.one):
        assert await _answers(ward, ask, row) == await _answers(ward, ask, never)


async def _answers(ward: Ward, ask: Ask, row: UUID) -> list[str]:
    """What each way to ask for a row says."""
    store, observation = ward.world.store, ward.content(row)
    asked = [
        store.read(ask, "Observation", row),
        store.vread(ask, "Observation", row, 1),
        store.history(ask, "Observation", row, count=10),
        ward.world.change(ask, row, observation, if_match=3),
        ward.world.delete(ask, "Observation", row),
        ward.world.found(ask, f"Observation?_id={row}"),
        ward.world.found(ask, f"Observation?subject=Patient/{ward.wrong}"),
        ward.staff.propose(("Observation", row), by=ask),
    ]
    return [await _said(one) for one in asked]


async def _said(asked: Any) -> str:
    try:
        return repr(await asked)
    except HelhedError as error:
        return f"{type(error).__name__}: {error}"


async def test_whom_it_concerned_read_who_why_and_how_much_in_their_logs_and_nobody_else_does(ward: Ward) -> None:
    row = await ward.planted()
    stranger = await ward.world.patient(ward.hospital)
    proposal = await ward.staff.purge(("Observation", row), rightful=ward.right)
    log = CitizenLog(ward.world.store.pool)
    told = {}
    for who in (ward.wrong, ward.right, stranger):
        ask = ward.world.citizen(who)
        entries = [
            one for one in await log.entries(ask, NOW - timedelta(days=1), NOW + timedelta(days=1)) if one.action == 43
        ]
        told[who] = [(one.type_names, one.resources) for one in entries], await log.purges(ask, [proposal.id])
    assert told[ward.wrong][0] == told[ward.right][0] == [(("Observation",), (proposal.id,))]
    assert told[stranger] == ([], [])
    wrong, right = told[ward.wrong][1][0], told[ward.right][1][0]
    assert (wrong.wrongly, right.wrongly) == (True, False)
    assert (wrong.rows, wrong.versions, wrong.ground, wrong.case_number, wrong.owner) == (
        1,
        3,
        "wrong-patient",
        "2026-1",
        "Sygehus",
    )
    assert wrong.done_at == NOW
    assert wrong.seal == proposal.seal


async def test_the_citizen_s_page_is_given_the_tombstone_and_the_custodians_names(ward: Ward) -> None:
    await ward.staff.purge(("Observation", await ward.planted()))
    pool = ward.world.store.pool
    log = PortalLog(LogReader(pool, Pseudonyms(b"p" * 32)), CitizenLog(pool), Deliveries(pool))
    page = await log.entries(
        ward.world.citizen(ward.wrong), NOW - timedelta(days=1), NOW + timedelta(days=1), None, 100
    )
    (purge,) = [one for one in page.entries if one.action == 43]
    assert purge.purge is not None
    assert (purge.purge.versions, purge.purge.proposer, purge.purge.approver, purge.types) == (
        3,
        "Test",
        "Test",
        ("Observation",),
    )
    assert [one.purge.approver for one in page.entries if one.action == 41 and one.purge] == ["Test"]


async def test_looks_at_what_was_purged_stay_in_the_log_with_the_kind_of_data(ward: Ward) -> None:
    row = await ward.planted()
    await ward.world.contact(ward.wrong, ward.hospital)
    doctor = ward.world.professional(await ward.world.employee(ward.hospital), ward.hospital)
    await ward.world.store.read(doctor, "Observation", row)
    await ward.staff.purge(("Observation", row))
    log = CitizenLog(ward.world.store.pool)
    entries = await log.entries(ward.world.citizen(ward.wrong), NOW - timedelta(days=1), NOW + timedelta(days=1))
    (look,) = [one for one in entries if one.action == 1]
    assert look.type_names == ("Observation",)


async def test_older_code_s_log_names_no_type_that_it_does_not_know(ward: Ward) -> None:
    row = await ward.planted()
    await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)
    await ward.staff.purge(("Observation", row))
    rows = await ward.world.owner.fetch(
        "select types from trust.log_of($1::fhir.ask, $2, $3, $4, 100)",
        ask_row(ward.world.citizen(ward.wrong)), NOW - timedelta(days=1), NOW + timedelta(days=1), NEWEST,
    )  # fmt: skip
    assert rows
    assert not [one for row in rows for one in row["types"] if one not in TYPE_NAMES]


async def test_one_person_alone_purges_nothing(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    with pytest.raises(Forbidden):
        await ward.staff.approve(proposal, by=ward.staff.one)
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 3


async def test_a_custodian_of_another_organisation_finds_nothing_to_purge_or_approve(ward: Ward) -> None:
    row = await ward.planted()
    clinic = await custodians(ward.world, await ward.world.organisation("Klinik"))
    proposal = await ward.staff.propose(("Observation", row))
    with pytest.raises(Unknown):
        await ward.staff.propose(("Observation", row), by=clinic.one)
    with pytest.raises(Unknown):
        await ward.staff.approve(proposal, by=clinic.one)
    with pytest.raises(Unknown):
        await ward.world.store.purging.withdraw(clinic.one, proposal.id)
    assert await ward.world.store.purging.open_ones(clinic.one) == []
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 3


@pytest.mark.parametrize("role", ["doctor", "operator", "secretary"])
async def test_no_other_role_proposes(ward: Ward, role: str) -> None:
    row = await ward.planted()
    other = ward.world.professional(await ward.world.employee(ward.hospital, role), ward.hospital, role)
    for ask in (other, ward.world.system(ward.hospital), ward.world.citizen(ward.wrong)):
        with pytest.raises(Unknown):
            await ward.staff.propose(("Observation", row), by=ask)
    attempts = [one for one in await ward.world.log(ward.wrong) if one["action"] == 41]
    assert [one["permitted"] for one in attempts] == [False] * 3


async def test_a_records_custodian_reads_nothing(ward: Ward) -> None:
    row = await ward.planted()
    await ward.world.contact(ward.wrong, ward.hospital)
    with pytest.raises(Unknown):
        await ward.world.store.read(ward.staff.one, "Observation", row)
    assert await ward.world.found(ward.staff.one, f"Observation?patient=Patient/{ward.wrong}") == []


async def test_an_approval_holds_for_exactly_the_versions_that_were_proposed(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    await ward.world.change(ward.world.system(ward.hospital), row, ward.content(row))
    with pytest.raises(Conflict):
        await ward.staff.approve(proposal)
    with pytest.raises(Conflict):
        await ward.staff.approve(replace(await ward.staff.propose(("Observation", row)), seal=proposal.seal))
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 4


@pytest.mark.parametrize("end", ["withdrawn", "expired", "done"])
async def test_a_proposal_that_has_ended_is_not_approved(ward: Ward, end: str) -> None:
    row, other = await ward.planted(), await ward.planted()
    proposal, by = await ward.staff.propose(("Observation", row)), ward.staff.other
    if end == "withdrawn":
        await ward.world.store.purging.withdraw(ward.staff.other, proposal.id)
    elif end == "done":
        await ward.staff.approve(proposal)
    else:
        by = replace(by, at=NOW + timedelta(days=14))
    with pytest.raises(Unknown):
        await ward.staff.approve(proposal, by=by)
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", other)).version == 3


async def test_what_waits_is_told_to_the_custodians_without_content(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    (waiting,) = [one for one in await ward.world.store.purging.open_ones(ward.staff.other) if one.id == proposal.id]
    assert waiting == proposal
    assert ward.marker not in repr(waiting)
    await ward.staff.approve(waiting)
    assert waiting not in await ward.world.store.purging.open_ones(ward.staff.other)


async def test_a_document_that_presents_the_row_is_named_as_well_or_stays_knowingly(ward: Ward) -> None:
    row = await ward.planted()
    report = await ward.put(ward.report(row))
    with pytest.raises(Connected, match=f"DiagnosticReport/{report}"):
        await ward.staff.propose(("Observation", row))
    await ward.staff.purge(("Observation", row), ("DiagnosticReport", report))
    assert await ward.found() == set()


async def test_a_document_may_stay_when_the_custodian_says_so(ward: Ward) -> None:
    row = await ward.planted()
    report = await ward.put(ward.report(row))
    await ward.staff.purge(("Observation", row), apart=True)
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "DiagnosticReport", report)).id == report


async def test_a_document_that_was_made_after_the_proposal_stops_it(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row))
    await ward.put(ward.report(row))
    with pytest.raises(Conflict):
        await ward.staff.approve(proposal)


async def test_a_bundle_and_a_composition_go_with_what_they_carry(ward: Ward) -> None:
    row = await ward.planted()
    bundle = {
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-11-21T08:00:00Z",
        "identifier": {"system": "urn:test", "value": "1"},
        "entry": [
            {"fullUrl": f"urn:uuid:{uuid4()}", "resource": {
                "resourceType": "Composition", "status": "final", "type": {"text": "Brev"}, "date": "2026-11-21",
                "author": [{"display": "Sygehus"}], "title": ward.marker, "subject": {"reference": f"Patient/{ward.wrong}"},
                "section": [{"entry": [{"reference": f"Observation/{row}"}]}]}},
            {"fullUrl": f"urn:uuid:{row}", "resource": ward.content(row)},
        ],
    }  # fmt: skip
    carrier = await ward.put(bundle)
    with pytest.raises(Connected, match=f"Bundle/{carrier}"):
        await ward.staff.propose(("Observation", row))
    await ward.staff.purge(("Observation", row), ("Bundle", carrier))
    assert await ward.found() == set()


async def test_rows_of_two_citizens_a_patient_and_what_is_about_nobody_are_refused(ward: Ward) -> None:
    row, other = await ward.planted(), await ward.world.observation(ward.right, ward.hospital)
    for rows in [
        (("Observation", row), ("Observation", other)),
        (("Patient", ward.wrong),),
        (("Organization", ward.hospital),),
    ]:
        with pytest.raises(Unprocessable):
            await ward.staff.propose(*rows)
    with pytest.raises(Unprocessable):
        await ward.staff.propose(("Observation", row), rightful=ward.wrong)
    with pytest.raises(Unprocessable):
        await ward.staff.propose(("Observation", row), rightful=new_id())


async def test_relations_and_masks_that_came_from_a_purged_row_are_gone(ward: Ward) -> None:
    contact = await ward.world.contact(ward.wrong, ward.hospital)
    kept = await ward.world.observation(ward.wrong, ward.hospital)
    doctor = ward.world.professional(await ward.world.employee(ward.hospital), ward.hospital)
    assert (await ward.world.store.read(doctor, "Observation", kept)).id == kept
    await ward.staff.purge(("Encounter", contact))
    with pytest.raises(Unknown):
        await ward.world.store.read(doctor, "Observation", kept)


async def test_a_contact_that_has_ended_gives_nothing_either_once_it_is_purged(ward: Ward) -> None:
    period = {"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T09:00:00Z"}
    contact = await ward.world.contact(ward.wrong, ward.hospital, "finished", period=period)
    left = "select count(*) from trust.past_contact where citizen = $1"
    assert await ward.world.owner.fetchval(left, key_of(ward.wrong)) == 1
    await ward.staff.purge(("Encounter", contact))
    assert await ward.world.owner.fetchval(left, key_of(ward.wrong)) == 0


async def test_who_else_has_seen_it_is_told_to_the_custodian_who_must_tell_them(ward: Ward) -> None:
    row = await ward.planted()
    clinic = await ward.world.organisation("Klinik")
    await ward.world.contact(ward.wrong, clinic)
    await ward.world.store.read(ward.world.professional(await ward.world.employee(clinic), clinic), "Observation", row)
    purged = await ward.staff.approve(await ward.staff.propose(("Observation", row)))
    assert purged.seen_by == (key_of(clinic),)
    assert (purged.rows, purged.versions) == (1, 3)


async def test_the_same_bytes_on_the_same_citizen_do_not_come_back_and_on_the_right_one_they_do(ward: Ward) -> None:
    system = ward.world.system(ward.hospital)
    content = ward.content()
    row = await ward.world.put(system, content)
    proposal = await ward.staff.purge(("Observation", row), rightful=ward.right)
    with pytest.raises(Unprocessable, match=str(proposal.id)):
        await ward.world.put(system, content)
    moved = {**content, "subject": {"reference": f"Patient/{ward.right}"}}
    assert (
        await ward.world.store.read(ward.world.citizen(ward.right), "Observation", await ward.world.put(system, moved))
    ).version == 1
    clinic = await ward.world.organisation("Klinik")
    theirs = await ward.world.put(ward.world.system(clinic), content)  # another organisation learns nothing
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", theirs)).version == 1


async def test_nothing_is_ever_stored_under_a_purged_id_again(ward: Ward) -> None:
    row = await ward.planted()
    await ward.staff.purge(("Observation", row))
    system = ward.world.system(ward.hospital)
    with pytest.raises(MethodNotAllowed):
        await ward.world.change(system, row, ward.content(row))
    with pytest.raises(Conflict):
        await ward.world.put(system, {**ward.content(row), "valueString": "noget andet"}, row)


async def test_what_is_held_for_a_case_is_not_purged(ward: Ward) -> None:
    row = await ward.planted()
    await ward.world.owner.execute(
        "insert into fhir.hold (id, citizen, case_number, valid_from) values ($1, $2, 'sag 7', $3)",
        uuid4(),
        key_of(ward.wrong),
        NOW,
    )
    with pytest.raises(Conflict):
        await ward.staff.propose(("Observation", row))


async def test_what_a_wrong_document_presents_is_named_as_well(ward: Ward) -> None:
    """A picture behind a letter is the letter."""
    picture = {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "securityContext": {"reference": f"Patient/{ward.wrong}"},
        "data": "Zm9ya2VydA==",
    }
    content = await ward.put(picture)
    letter = {
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": f"Patient/{ward.wrong}"},
        "content": [{"attachment": {"contentType": "text/plain", "url": f"Binary/{content}"}}],
    }  # fmt: skip
    document = await ward.put(letter)
    with pytest.raises(Connected, match=f"Binary/{content}"):
        await ward.staff.propose(("DocumentReference", document))
    await ward.staff.purge(("DocumentReference", document), ("Binary", content))
    assert (
        await ward.world.owner.fetchval("select count(*) from fhir.resource where citizen = $1", key_of(ward.wrong))
        == 1
    )
