"""Can what is blocked be made to stand outside the block: by another address, a change, a job that ends, or its own past?"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Whole
from helhed.fhir.store.past import Past
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import connect
from helhed.foundation.errors import MethodNotAllowed, Unknown
from helhed.trust.acting.rights import ActingForOthers
from helhed.trust.blocks.shapes import Blocks, Shape
from tests.support.world import NOW, World, at

HOUR = timedelta(hours=1)
IN_2020 = Shape(what_from=datetime(2020, 1, 1, tzinfo=UTC), what_to=datetime(2021, 1, 1, tzinfo=UTC))


@dataclass
class Affair:
    """A citizen of a ward and a clinic; what the author records in the ward is what the citizen minds."""

    world: World
    ward: UUID
    author: Ask
    author_id: UUID
    colleague: Ask
    gp: Ask
    patient: UUID
    blocks: Blocks

    @property
    def citizen(self) -> Ask:
        return self.world.citizen(self.patient)

    async def block(self, shape: Shape | None = None) -> None:
        """The citizen's no: to what the author recorded, unless told otherwise."""
        await self.blocks.put(self.citizen, shape or Shape(what_author=self.author.actor))

    async def hidden(self, row: UUID, type_name: str = "Observation") -> bool:
        """Whether the clinic's doctor finds nothing."""
        try:
            await self.world.store.read(self.gp, type_name, row)
        except Unknown:
            return True
        return False

    def result(self, **more: Any) -> dict[str, Any]:
        about = {"subject": {"reference": f"Patient/{self.patient}"}, "code": {"text": "x"}, "status": "final"}
        return {"resourceType": "Observation", **about, **more}

    async def job(self) -> UUID:
        """The PractitionerRole of the author."""
        found: UUID = await self.world.owner.fetchval(
            "select source from trust.employment where professional = $1", self.author.actor
        )
        return found


@pytest.fixture
async def affair(world: World) -> Affair:
    ward, clinic = await world.organisation("Ward"), await world.organisation("Clinic")
    patient, author = await world.patient(ward), await world.employee(ward)
    for place in (ward, clinic):
        await world.contact(patient, place)
    return Affair(
        world, ward, world.professional(author, ward), author, world.professional(await world.employee(ward), ward),
        world.professional(await world.employee(clinic), clinic), patient, Blocks(world.store.pool),
    )  # fmt: skip


# --- who recorded it --------------------------------------------------------------------------------------------------


async def gone(affair: Affair, job: UUID) -> None:
    await affair.world.delete(affair.world.system(affair.ward), "PractitionerRole", job)


async def closed(affair: Affair, job: UUID) -> None:
    resource = orjson.loads((await affair.world.store.read(affair.citizen, "PractitionerRole", job)).body)
    await affair.world.change(affair.world.system(affair.ward), job, {**resource, "active": False})


async def handed_on(affair: Affair, job: UUID) -> None:
    resource = orjson.loads((await affair.world.store.read(affair.citizen, "PractitionerRole", job)).body)
    heir = await affair.world.employee(affair.ward)
    taken = {**resource, "practitioner": {"reference": f"Practitioner/{heir}"}}
    await affair.world.change(affair.world.system(affair.ward), job, taken)


@pytest.mark.parametrize("ends", [gone, closed, handed_on])
async def test_what_was_recorded_in_a_job_stays_blocked_when_the_job_ends(affair: Affair, ends: Any) -> None:
    job = await affair.job()
    row = await affair.world.observation(
        affair.patient, affair.ward, performer=[{"reference": f"PractitionerRole/{job}"}]
    )
    await affair.block()
    await ends(affair, job)
    assert await affair.hidden(row)


async def test_a_role_that_is_no_job_here_still_says_who_recorded(affair: Affair) -> None:
    holder = {"reference": f"Practitioner/{affair.author_id}"}
    role = await affair.world.put(
        affair.world.system(affair.ward), {"resourceType": "PractitionerRole", "practitioner": holder}
    )
    row = await affair.world.observation(
        affair.patient, affair.ward, performer=[{"reference": f"PractitionerRole/{role}"}]
    )
    await affair.block()
    assert await affair.hidden(row)


async def test_what_a_colleague_amends_is_still_what_the_author_recorded(affair: Affair) -> None:
    row = await affair.world.put(affair.author, affair.result())
    amended = affair.result(id=str(row), status="amended")
    await affair.world.change(affair.colleague, row, amended, if_match=1)
    await affair.block()
    assert await affair.hidden(row)


async def test_a_custodian_does_not_strike_an_author_out(affair: Affair) -> None:
    named = [{"reference": f"Practitioner/{affair.author_id}"}]
    row = await affair.world.observation(affair.patient, affair.ward, performer=named)
    await affair.world.change(affair.world.system(affair.ward), row, affair.result(id=str(row)))
    await affair.block()
    assert await affair.hidden(row)


@pytest.mark.parametrize(
    "address",
    [
        "https://here.example/fhir/Practitioner/{}",
        "Practitioner/{}/_history/1",
        "Practitioner/{}#home",
        "Practitioner/{}|2",
    ],
)
async def test_an_author_is_known_by_every_address(affair: Affair, address: str) -> None:
    named = [{"reference": address.format(affair.author_id)}]
    row = await affair.world.observation(affair.patient, affair.ward, performer=named)
    await affair.block()
    assert await affair.hidden(row)


# --- what it presents, and whom it concerns -----------------------------------------------------------------------------


async def test_a_token_that_sees_less_does_not_loosen_a_report_from_its_results(affair: Affair) -> None:
    result = await affair.world.observation(affair.patient, affair.ward)
    report = affair.result(resourceType="DiagnosticReport", result=[{"reference": f"Observation/{result}"}])
    row = await affair.world.put(affair.colleague, report)
    narrow = replace(affair.colleague, read_types=frozenset({"DiagnosticReport"}))
    await affair.world.change(narrow, row, {**report, "id": str(row), "status": "amended"}, if_match=1)
    await affair.block(Shape(what_document=result))
    assert await affair.hidden(row, "DiagnosticReport")


@pytest.mark.parametrize(
    "address",
    ["https://here.example/fhir/Observation/{}", "Observation/{}/_history/1", "urn:uuid:{}"],
)
async def test_an_entry_of_a_bundle_is_presented_by_every_address(affair: Affair, address: str) -> None:
    result = await affair.world.observation(affair.patient, affair.ward)
    entry = {"fullUrl": address.format(result), "resource": affair.result()}
    row = await affair.world.put(
        affair.world.system(affair.ward), {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    )
    await affair.block(Shape(what_document=result))
    assert await affair.hidden(row, "Bundle")


@pytest.mark.parametrize(
    "address",
    ["https://here.example/fhir/Patient/{}", "Patient/{}/_history/1", "Patient/{}#home"],
)
async def test_somebody_concerned_is_known_by_every_address(affair: Affair, address: str) -> None:
    other = await affair.world.patient(affair.ward)
    who = [f"Patient/{affair.patient}", address.format(other)]
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in who],
    }
    row = await affair.world.put(affair.world.system(affair.ward), appointment)
    await affair.world.block(other)
    assert await affair.hidden(row, "Appointment")


def in_a_bundle(affair: Affair, other: UUID) -> dict[str, Any]:
    of_other = {"resourceType": "Patient", "id": str(other), "name": [{"family": "Test"}]}
    entries = [{"resource": affair.result()}, {"resource": of_other}]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def at_an_address(affair: Affair, other: UUID) -> dict[str, Any]:
    bundle = in_a_bundle(affair, other)
    del bundle["entry"][1]["resource"]["id"]
    bundle["entry"][1]["fullUrl"] = f"urn:uuid:{other}"
    return bundle


def contained(affair: Affair, other: UUID) -> dict[str, Any]:
    return affair.result(focus=[{"reference": f"#{other}"}], contained=[{"resourceType": "Patient", "id": str(other)}])


@pytest.mark.parametrize("made", [in_a_bundle, at_an_address, contained])
async def test_a_patient_within_a_row_is_concerned_without_a_reference(affair: Affair, made: Any) -> None:
    other = await affair.world.patient(affair.ward)
    resource = made(affair, other)
    row = await affair.world.put(affair.world.system(affair.ward), resource)
    await affair.world.block(other)
    assert await affair.hidden(row, resource["resourceType"])


async def an_attachment(affair: Affair) -> tuple[UUID, UUID]:
    """A letter of 2020 by the author, and the file that is its content, stored today by a system."""
    custodian = affair.world.system(affair.ward)
    context = {"reference": f"Patient/{affair.patient}"}
    file = {"resourceType": "Binary", "contentType": "text/plain", "data": "eA==", "securityContext": context}
    own = await affair.world.put(custodian, file)
    letter = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{affair.patient}"},
        "date": "2020-05-01T08:00:00Z",
        "author": [{"reference": f"Practitioner/{affair.author_id}"}],
        "content": [{"attachment": {"url": f"https://here.example/fhir/Binary/{own}"}}],
    }
    return await affair.world.put(custodian, letter), own


@pytest.mark.parametrize("what", ["author", "period", "both and the document"])
async def test_a_file_is_hidden_with_the_letter_whose_content_it_is(affair: Affair, what: str) -> None:
    letter, file = await an_attachment(affair)
    assert not await affair.hidden(file, "Binary")
    by_author = Shape(what_author=affair.author.actor)
    both = replace(IN_2020, what_author=affair.author.actor, what_document=letter)
    await affair.block({"author": by_author, "period": IN_2020}.get(what, both))
    assert await affair.hidden(letter, "DocumentReference")
    assert await affair.hidden(file, "Binary")
    everything = Whole("Patient", affair.patient, 100)
    page = await affair.world.store.everything(affair.gp, everything)
    assert not {letter, file} & {one.id for one in page.matches}


async def test_a_file_is_masked_with_the_letter_whose_content_it_is(affair: Affair) -> None:
    letter, file = await an_attachment(affair)
    acting = ActingForOthers(affair.world.store.pool)
    await acting.mask(affair.gp, "DocumentReference", letter, from_citizen=True)
    for type_name, row in (("DocumentReference", letter), ("Binary", file)):
        with pytest.raises(Unknown):
            await affair.world.store.read(affair.citizen, type_name, row)
    assert not await affair.hidden(file, "Binary")


# --- its own past -------------------------------------------------------------------------------------------------------


async def moved_into_the_block(affair: Affair) -> UUID:
    """A result that was given another day an hour later, in a year that the citizen blocks."""
    custodian = affair.world.system(affair.ward)
    row = await affair.world.put(custodian, affair.result(effectiveDateTime="2024-05-01"))
    right = affair.result(id=str(row), effectiveDateTime="2020-05-01")
    await affair.world.change(at(custodian, NOW + HOUR), row, right)
    await affair.block(IN_2020)
    return row


async def test_what_is_hidden_has_no_past(affair: Affair) -> None:
    row = await moved_into_the_block(affair)
    assert await affair.hidden(row)
    store = affair.world.store
    for past in (Past("Observation", row), Past("Observation", row, at=(NOW, NOW))):
        with pytest.raises(Unknown):
            await store.past(affair.gp, past)
    with pytest.raises(Unknown):
        await store.vread(affair.gp, "Observation", row, 1)
    for whole in (Past("Observation"), Past(None, count=500)):
        assert row not in {one.id for one in (await store.past(affair.gp, whole)).matches}


async def test_a_version_that_is_hidden_leaves_no_hole_in_time(affair: Affair) -> None:
    custodian = affair.world.system(affair.ward)
    row = await affair.world.put(custodian, affair.result(effectiveDateTime="2024-05-01"))
    for hours, day in ((1, "2020-05-01"), (2, "2024-05-02")):
        written = affair.result(id=str(row), effectiveDateTime=day)
        await affair.world.change(at(custodian, NOW + hours * HOUR), row, written)
    await affair.block(IN_2020)
    between = (NOW + 1.5 * HOUR,) * 2
    for past in (Past("Observation", row, at=between), Past("Observation", at=between)):
        page = await affair.world.store.past(affair.gp, past)
        assert [one.version for one in page.matches if one.id == row] == [1]


# --- locks ----------------------------------------------------------------------------------------------------------------


async def test_nobody_waits_for_the_lock_of_a_row_that_is_hidden(affair: Affair) -> None:
    """Else the time of a refusal would tell that somebody is changing what is not there."""
    row = await affair.world.put(affair.world.system(affair.ward), affair.result())
    await affair.block(Shape(what_document=row))
    held = await connect(affair.world.target.owner)
    waiting = await connect(affair.world.target.application)
    try:
        async with held.transaction():
            await held.execute("select 1 from fhir.resource where id = $1 for update", row)
            await waiting.execute("set lock_timeout = '2s'")
            outcome = await waiting.fetchval(
                "select outcome from fhir.claim($1::fhir.ask, $2::smallint, $3)",
                ask_row(affair.colleague),
                TYPE_NUMBERS["Observation"],
                row,
            )
            assert outcome == 0
    finally:
        await waiting.close()
        await held.close()
    with pytest.raises(MethodNotAllowed):
        await affair.world.change(affair.colleague, row, affair.result(id=str(row)), if_match=1)


def provenance(affair: Affair, row: UUID, agent: str) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"Observation/{row}"}, {"reference": f"Patient/{affair.patient}"}],
        "recorded": "2026-11-23T08:00:00Z",
        "agent": [{"who": {"reference": agent}}],
    }


@pytest.mark.parametrize("by_job", [False, True])
async def test_who_is_named_as_author_by_a_provenance_alone_is_one(affair: Affair, by_job: bool) -> None:
    custodian = affair.world.system(affair.ward)
    row = await affair.world.put(custodian, affair.result())
    await affair.block()
    assert not await affair.hidden(row)
    agent = f"PractitionerRole/{await affair.job()}" if by_job else f"Practitioner/{affair.author_id}"
    said = await affair.world.put(custodian, provenance(affair, row, agent))
    assert await affair.hidden(row)
    await affair.world.change(custodian, row, affair.result())
    await affair.world.store.commit(custodian, [Change("DELETE", "Provenance", None, None, said)])
    assert await affair.hidden(row)


async def test_a_provenance_names_no_author_of_what_its_writer_does_not_see(affair: Affair) -> None:
    """Nobody hides another's row by writing that a third recorded it."""
    stranger = await affair.world.patient(affair.ward)
    row = await affair.world.observation(stranger, affair.ward)
    await affair.world.put(affair.gp, provenance(affair, row, f"Practitioner/{affair.author_id}"))
    authors = await affair.world.owner.fetchval("select authors from fhir.resource where id = $1", row)
    assert list(authors) == []
