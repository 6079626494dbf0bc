"""Blocks of every shape, consents, the broken glass, those who act for others, masks and assistants: set and felt at the store."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.fhir.changes import Change
from helhed.fhir.store.reindexing import reindex
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, HelhedError, MethodNotAllowed, Unknown, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.trust.acting.rights import ActingForOthers
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.glass.tickets import Tickets
from helhed.trust.log.citizen_log import CitizenLog
from tests.support.world import NOW, World, at

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
TOMORROW = NOW + timedelta(days=1)


@dataclass
class Scene:
    """A ward with two doctors and an assistant, a clinic with one doctor, a citizen in contact with both."""

    world: World
    ward: UUID
    clinic: UUID
    doctor: Ask
    colleague: Ask
    gp: Ask
    assistant: Ask
    patient: UUID
    citizen: Ask
    blocks: Blocks
    acting: ActingForOthers
    tickets: Tickets

    async def sees(self, ask: Ask, row: UUID, type_name: str = "Observation") -> bool:
        """Whether the row is there for somebody."""
        try:
            await self.world.store.read(ask, type_name, row)
        except Unknown:
            return False
        return True

    async def by(self, ask: Ask, **more: Any) -> UUID:
        """A measurement by a doctor of the ward."""
        author = await self.world.owner.fetchval("select id from registries.professional where key = $1", ask.actor)
        return await self.world.observation(
            self.patient, self.ward, performer=[{"reference": f"Practitioner/{author}"}], **more
        )


@pytest.fixture
async def scene(world: World) -> Scene:
    ward, clinic = await world.organisation("Ward"), await world.organisation("Clinic")
    patient = await world.patient(ward, birthDate="1958-03-14")
    await world.contact(patient, ward)
    await world.contact(patient, clinic)
    pool = world.store._pool
    return Scene(
        world, ward, clinic,
        world.professional(await world.employee(ward), ward),
        world.professional(await world.employee(ward), ward),
        world.professional(await world.employee(clinic), clinic),
        world.professional(await world.employee(ward, "assistant"), ward, "assistant"),
        patient, world.citizen(patient), Blocks(pool), ActingForOthers(pool), Tickets(pool),
    )  # fmt: skip


# --- blocks -----------------------------------------------------------------------------------------------------------


async def test_a_block_on_one_professional_stops_that_one_only(scene):
    row = await scene.by(scene.doctor)
    await scene.blocks.put(scene.citizen, Shape(who_professional=scene.colleague.actor))
    assert await scene.sees(scene.doctor, row)
    assert not await scene.sees(scene.colleague, row)


async def test_a_block_on_an_author_hides_what_that_one_recorded_and_what_presents_it(scene):
    theirs, others = await scene.by(scene.colleague), await scene.by(scene.doctor)
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Blodprøver"},
        "subject": {"reference": f"Patient/{scene.patient}"},
        "result": [{"reference": f"Observation/{others}"}, {"reference": f"Observation/{theirs}"}],
    }
    gathered = await scene.world.put(scene.world.system(scene.clinic), report)
    assert await scene.sees(scene.gp, gathered, "DiagnosticReport")
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.colleague.actor))
    assert not await scene.sees(scene.gp, theirs)
    assert not await scene.sees(scene.gp, gathered, "DiagnosticReport")
    assert await scene.sees(scene.gp, others)
    assert await scene.sees(scene.citizen, theirs)


async def test_a_block_on_a_job_hides_what_the_holder_recorded_in_it(scene):
    job = await scene.world.owner.fetchval(
        "select source from trust.employment where professional = $1", scene.colleague.actor
    )
    row = await scene.world.observation(scene.patient, scene.ward, performer=[{"reference": f"PractitionerRole/{job}"}])
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.colleague.actor))
    assert not await scene.sees(scene.gp, row)


@pytest.mark.parametrize(
    ("when", "hidden"),
    [
        ({"effectiveDateTime": "2020-06-30"}, True),
        ({"effectiveDateTime": "2020-07-01T00:00:00+02:00"}, False),
        ({"effectivePeriod": {"start": "2019-01-01", "end": "2021-01-01"}}, True),
        ({"effectiveDateTime": "2019-12-31T23:59:59+01:00"}, False),
        ({"effectiveDateTime": None, "issued": "2020-03-01T10:00:00Z"}, True),
        ({"effectiveDateTime": None}, False),
    ],
    ids=[
        "its last day",
        "the moment after",
        "across",
        "the moment before",
        "when it was written down",
        "no date at all",
    ],
)
async def test_a_block_on_a_period_hides_what_took_place_in_it(scene, when, hidden):
    row = await scene.world.put(scene.world.system(scene.ward), _observation(scene, when))
    begins, ends = datetime(2019, 12, 31, 23, tzinfo=UTC), datetime(2020, 6, 30, 22, tzinfo=UTC)
    await scene.blocks.put(scene.citizen, Shape(what_from=begins, what_to=ends))
    assert await scene.sees(scene.gp, row) is not hidden


async def test_what_has_no_date_took_place_when_it_was_first_stored_whatever_came_after(scene):
    bare = _observation(scene, {"effectiveDateTime": None})
    row = await scene.world.put(scene.world.system(scene.ward), bare)
    later = at(scene.world.system(scene.ward), NOW + timedelta(days=400))
    await scene.world.change(later, row, {**bare, "status": "amended"})
    await scene.blocks.put(scene.citizen, Shape(what_from=NOW + timedelta(days=300)))
    assert await scene.sees(scene.gp, row)
    await scene.blocks.put(scene.citizen, Shape(what_from=NOW - HOUR, what_to=NOW + HOUR))
    assert not await scene.sees(scene.gp, row)


async def test_a_block_on_a_document_hides_the_document_and_what_it_presents(scene):
    inner, beside = await scene.by(scene.doctor), await scene.by(scene.doctor)
    note = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "Epikrise"},
        "date": "2026-11-20",
        "title": "Epikrise",
        "subject": {"reference": f"Patient/{scene.patient}"},
        "author": [{"display": "Læge Test"}],
        "section": [{"title": "a", "section": [{"title": "b", "entry": [{"reference": f"Observation/{inner}"}]}]}],
    }
    document = await scene.world.put(scene.world.system(scene.ward), note)
    block = await scene.blocks.put(scene.citizen, Shape(what_document=document))
    assert not await scene.sees(scene.gp, document, "Composition")
    assert not await scene.sees(scene.gp, inner)
    assert await scene.sees(scene.gp, beside)
    await scene.blocks.end(scene.citizen, block)
    assert await scene.sees(scene.gp, document, "Composition")


async def test_everything_about_a_citizen_leaves_out_a_blocked_author_row_by_row(scene):
    theirs, others = await scene.by(scene.colleague), await scene.by(scene.doctor)
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.colleague.actor))
    rows = await scene.world.store.citizen_rows(scene.gp, key_of(scene.patient), ["Observation"], 100)
    assert {row.version.id for row in rows} == {others}
    assert await scene.world.found(scene.gp, f"Observation?patient={scene.patient}") == [others]
    page = await scene.world.search(scene.gp, "Observation?_total=accurate")
    assert page.total == 1
    assert theirs != others


async def test_a_block_that_nobody_could_mean_is_refused_and_changes_nothing(scene):
    for shape in (
        Shape(who_professional=1),
        Shape(what_author=1),
        Shape(what_document=new_id()),
        Shape(what_from=NOW, what_to=NOW - TICK),
        Shape(who_organisation=1),
    ):
        with pytest.raises(Unprocessable):
            await scene.blocks.put(scene.citizen, shape)
        with pytest.raises(Unprocessable):
            await scene.blocks.put(scene.doctor, Shape())
    assert await scene.blocks.of(scene.citizen) == []


async def test_nobody_blocks_on_the_document_of_another(scene):
    other = await scene.world.patient(scene.ward)
    row = await scene.world.observation(other, scene.ward)
    with pytest.raises(Unprocessable):
        await scene.blocks.put(scene.citizen, Shape(what_document=row))


async def test_that_there_is_a_block_is_told_only_when_the_citizen_chose_so(scene):
    await scene.blocks.put(scene.citizen, Shape(who_organisation=key_of(scene.clinic)))
    assert not await scene.blocks.are_shown(scene.gp, key_of(scene.patient))
    await scene.blocks.put(scene.citizen, Shape(who_organisation=key_of(scene.clinic), shown=True))
    assert await scene.blocks.are_shown(scene.gp, key_of(scene.patient))
    assert not await scene.blocks.are_shown(scene.doctor, key_of(scene.patient))
    assert not await scene.blocks.are_shown(scene.citizen, key_of(scene.patient))


# --- consents and the glass -------------------------------------------------------------------------------------------


async def test_a_consent_lifts_the_block_it_names_for_whom_it_names_until_it_is_withdrawn(scene):
    row = await scene.by(scene.doctor)
    block = await scene.blocks.put(scene.citizen, Shape())
    consent = await scene.blocks.consent(scene.citizen, TOMORROW, professional=scene.doctor.actor, block=block)
    assert await scene.sees(scene.doctor, row)
    assert not await scene.sees(scene.colleague, row)
    assert not await scene.sees(at(scene.doctor, TOMORROW), row)
    await scene.blocks.end_consent(scene.citizen, consent)
    assert not await scene.sees(scene.doctor, row)


async def test_a_consent_to_somebody_without_a_relation_opens_what_is_not_blocked(scene):
    elsewhere = await scene.world.organisation("Elsewhere")
    stranger = scene.world.professional(await scene.world.employee(elsewhere), elsewhere)
    row = await scene.by(scene.doctor)
    assert not await scene.sees(stranger, row)
    await scene.blocks.consent(scene.citizen, TOMORROW, organisation=key_of(elsewhere))
    assert await scene.sees(stranger, row)
    await scene.blocks.put(scene.citizen, Shape(who_organisation=key_of(elsewhere)))
    assert not await scene.sees(stranger, row)


async def test_a_ticket_opens_one_record_for_one_person_in_one_place_for_an_hour(scene):
    row = await scene.by(scene.doctor)
    elsewhere = await scene.world.organisation("Acute ward")
    person = await scene.world.employee(elsewhere)
    acute, friend = (
        scene.world.professional(one, elsewhere) for one in (person, await scene.world.employee(elsewhere))
    )
    await scene.blocks.put(scene.citizen, Shape())
    until = await scene.tickets.break_glass(acute, key_of(scene.patient), "Bevidstløs")
    assert until == NOW + HOUR
    assert await scene.sees(acute, row)
    assert await scene.sees(at(acute, until - TICK), row)
    assert not await scene.sees(at(acute, until), row)
    assert not await scene.sees(friend, row)
    other = await scene.world.observation(await scene.world.patient(scene.ward), scene.ward)
    assert not await scene.sees(acute, other)
    assert [row["basis"] for row in await scene.world.log(scene.patient) if row["action"] == Action.BREAK_GLASS] == [8]
    reviews = await scene.world.owner.fetch("select due_at from trust.ticket_review")
    assert [one["due_at"] for one in reviews] == [NOW + timedelta(hours=72)]
    told = await scene.world.owner.fetchval("select count(*) from foundation.outbox where topic = 'glass-broken'")
    assert told == 1
    notices = await scene.world.owner.fetch("select citizen, kind, professional from trust.notice")
    assert [tuple(row) for row in notices] == [(key_of(scene.patient), "glass-broken", acute.actor)]


@pytest.mark.parametrize("role", ["social-care-assistant", "secretary", "operator", "assistant", "physiotherapist"])
async def test_a_role_that_may_not_break_the_glass_is_refused_and_the_attempt_is_logged(scene, role):
    somebody = scene.world.professional(await scene.world.employee(scene.clinic, role), scene.clinic, role)
    with pytest.raises(Forbidden):
        await scene.tickets.break_glass(somebody, key_of(scene.patient), "Nysgerrig")
    attempts = [row for row in await scene.world.log(scene.patient) if row["action"] == Action.BREAK_GLASS]
    assert [(row["actor"], row["permitted"]) for row in attempts] == [(somebody.actor, False)]


async def test_the_glass_is_not_broken_without_a_reason(scene):
    with pytest.raises(Forbidden):
        await scene.tickets.break_glass(scene.gp, key_of(scene.patient), "  ")


# --- those who act for a citizen --------------------------------------------------------------------------------------


async def _keeper(scene: Scene) -> Ask:
    """The system client that keeps the directory."""
    place = await scene.world.organisation("CPR")
    await scene.world.owner.execute("insert into registries.keeper values ($1)", key_of(place))
    return scene.world.system(place)


async def test_custody_ends_at_the_first_moment_of_the_fifteenth_birthday_in_denmark(scene):
    child = await scene.world.patient(scene.ward, birthDate="2012-03-25")
    row = await scene.world.observation(child, scene.ward)
    ever = datetime(2040, 1, 1, tzinfo=UTC)
    await scene.acting.let_act(await _keeper(scene), key_of(child), scene.citizen.actor, "custody", NOW, ever)
    birthday = datetime(2027, 3, 24, 23, 0, tzinfo=UTC)
    assert await scene.sees(at(scene.citizen, birthday - TICK), row)
    assert not await scene.sees(at(scene.citizen, birthday), row)
    look = [one for one in await scene.world.log(child) if one["actor"] == scene.citizen.actor and one["permitted"]]
    assert [one["basis"] for one in look] == [9]


async def test_who_was_born_on_a_leap_day_has_the_birthday_on_the_first_of_march(scene):
    child = await scene.world.patient(scene.ward, birthDate="2012-02-29")
    row = await scene.world.observation(child, scene.ward)
    until = datetime(2040, 1, 1, tzinfo=UTC)
    await scene.acting.let_act(await _keeper(scene), key_of(child), scene.citizen.actor, "custody", NOW, until)
    assert await scene.sees(at(scene.citizen, datetime(2027, 2, 28, 22, 59, 59, tzinfo=UTC)), row)
    assert not await scene.sees(at(scene.citizen, datetime(2027, 2, 28, 23, 0, tzinfo=UTC)), row)


async def test_custody_of_a_child_whose_birth_is_not_known_is_no_basis(scene):
    child = await scene.world.patient(scene.ward, birthDate="2012")
    row = await scene.world.observation(child, scene.ward)
    await scene.acting.let_act(await _keeper(scene), key_of(child), scene.citizen.actor, "custody", NOW, TOMORROW)
    assert not await scene.sees(scene.citizen, row)


async def test_a_mandate_is_given_by_the_citizen_covers_what_it_says_and_ends(scene):
    helper = await scene.world.patient(scene.ward)
    friend = scene.world.citizen(helper)
    row = await scene.by(scene.doctor)
    mandate = await scene.acting.let_act(
        scene.citizen, key_of(scene.patient), key_of(helper), "mandate", NOW, TOMORROW, types=["Observation"]
    )
    assert await scene.sees(friend, row)
    assert not await scene.sees(friend, scene.patient, "Patient")
    assert not await scene.sees(at(friend, TOMORROW), row)
    with pytest.raises(Forbidden):  # no mandate under a mandate
        await scene.acting.let_act(friend, key_of(scene.patient), key_of(new_id()), "mandate", NOW, TOMORROW)
    await scene.acting.end(friend, mandate)
    assert not await scene.sees(friend, row)


@pytest.mark.parametrize("heeds", [True, False])
async def test_a_mandate_follows_blocks_on_everybody_only_where_it_says_so(scene, heeds):
    helper = await scene.world.patient(scene.ward)
    row = await scene.by(scene.doctor)
    await scene.acting.let_act(
        scene.citizen, key_of(scene.patient), key_of(helper), "mandate", NOW, TOMORROW, obeys_blocks=heeds
    )
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.doctor.actor))
    assert await scene.sees(scene.world.citizen(helper), row) is not heeds


@pytest.mark.parametrize("basis", ["custody", "guardian", "proxy", "mandate", "decision-for-youth"])
async def test_nobody_lets_themself_act_for_another(scene, basis):
    helper = await scene.world.patient(scene.ward)
    outsider = await scene.world.organisation("Outside")
    stranger = scene.world.professional(await scene.world.employee(outsider), outsider)
    for asker in (scene.world.citizen(helper), stranger, scene.world.system(scene.ward)):
        with pytest.raises(Forbidden):
            await scene.acting.let_act(asker, key_of(scene.patient), key_of(helper), basis, NOW, TOMORROW)


async def test_a_clinician_decides_on_insight_for_the_parents_of_a_youth_and_takes_it_back(scene):
    youth = await scene.world.patient(scene.ward, birthDate="2010-05-05")
    await scene.world.contact(youth, scene.ward)
    row = await scene.world.observation(youth, scene.ward)
    decided = await scene.acting.let_act(
        scene.doctor, key_of(youth), scene.citizen.actor, "decision-for-youth", NOW, TOMORROW
    )
    assert await scene.sees(scene.citizen, row)
    await scene.acting.end(scene.colleague, decided)
    assert not await scene.sees(scene.citizen, row)


async def test_a_mask_hides_a_row_and_what_presents_it_from_those_who_act_and_from_the_citizen_when_it_says_so(scene):
    helper = await scene.world.patient(scene.ward)
    friend = scene.world.citizen(helper)
    row, derived = await scene.by(scene.doctor), None
    derived = await scene.by(scene.doctor, derivedFrom=[{"reference": f"Observation/{row}"}])
    await scene.acting.let_act(scene.citizen, key_of(scene.patient), key_of(helper), "mandate", NOW, TOMORROW)
    mask = await scene.acting.mask(scene.doctor, "Observation", row)
    assert [await scene.sees(friend, one) for one in (row, derived)] == [False, False]
    assert await scene.world.found(friend, f"Observation?patient={scene.patient}") == []
    assert await scene.sees(scene.citizen, row)
    await scene.acting.mask(scene.doctor, "Observation", derived, from_citizen=True)
    assert not await scene.sees(scene.citizen, derived)
    assert await scene.sees(scene.gp, derived)
    await scene.acting.unmask(scene.gp, mask)
    assert await scene.sees(friend, row)
    assert not await scene.sees(friend, derived)


async def test_nobody_masks_what_they_do_not_see_or_without_authorisation(scene):
    row = await scene.by(scene.doctor)
    outside = await scene.world.organisation("Outside")
    stranger = scene.world.professional(await scene.world.employee(outside), outside)
    helper = scene.world.professional(
        await scene.world.employee(scene.ward, "social-care-assistant"), scene.ward, "social-care-assistant"
    )
    for asker in (stranger, helper, scene.citizen, scene.assistant):
        with pytest.raises(Unknown):
            await scene.acting.mask(asker, "Observation", row)


# --- assistants -------------------------------------------------------------------------------------------------------


async def test_an_assistant_sees_only_under_somebody_responsible_and_both_stand_in_the_log(scene):
    row = await scene.by(scene.doctor)
    assert not await scene.sees(scene.assistant, row)
    taken = await scene.acting.take_on(scene.doctor, scene.assistant.actor, TOMORROW)
    assert await scene.sees(scene.assistant, row)
    entries = await CitizenLog(scene.world.store._pool).entries(scene.citizen, NOW - HOUR, NOW + HOUR)
    (look,) = [one for one in entries if one.actor == scene.assistant.actor and one.permitted]
    assert look.principal_name == "Test"
    await scene.acting.let_go(scene.doctor, taken)
    assert not await scene.sees(scene.assistant, row)


async def test_an_assistant_meets_the_blocks_on_both_and_breaks_no_glass(scene):
    row = await scene.by(scene.doctor)
    await scene.acting.take_on(scene.doctor, scene.assistant.actor, TOMORROW)
    block = await scene.blocks.put(scene.citizen, Shape(who_professional=scene.doctor.actor))
    assert not await scene.sees(scene.assistant, row)
    await scene.tickets.break_glass(scene.doctor, key_of(scene.patient), "Akut")
    assert await scene.sees(scene.doctor, row)
    assert not await scene.sees(scene.assistant, row)
    await scene.blocks.end(scene.citizen, block)
    await scene.blocks.put(scene.citizen, Shape(who_professional=scene.assistant.actor))
    assert not await scene.sees(scene.assistant, row)


async def test_an_assistant_writes_what_is_delegated_and_nothing_else(scene):
    async def writes(type_name: str) -> type[HelhedError] | None:
        resource = {**_observation(scene, {}), "resourceType": type_name}
        if type_name == "Condition":
            resource = {"resourceType": "Condition", "subject": resource["subject"]}
        try:
            await scene.world.put(scene.assistant, resource)
        except HelhedError as error:
            return type(error)
        return None

    taken = await scene.acting.take_on(scene.doctor, scene.assistant.actor, TOMORROW, delegated=["Observation"])
    assert await writes("Observation") is None
    assert await writes("Condition") in {Forbidden, Unprocessable}
    await scene.acting.let_go(scene.assistant, taken)
    assert await writes("Observation") in {Forbidden, Unprocessable}


async def test_only_an_authorised_professional_at_work_takes_an_assistant_of_the_same_place_on(scene):
    secretary = scene.world.professional(await scene.world.employee(scene.ward, "secretary"), scene.ward, "secretary")
    for asker, helper in (
        (scene.gp, scene.assistant.actor),  # employed elsewhere
        (secretary, scene.assistant.actor),
        (scene.assistant, scene.assistant.actor),
        (scene.doctor, scene.colleague.actor),  # no assistant
        (replace(scene.doctor, organisation=key_of(scene.clinic)), scene.assistant.actor),
    ):
        with pytest.raises(Forbidden):
            await scene.acting.take_on(asker, helper, TOMORROW)


# --- rows about several ------------------------------------------------------------------------------------------------


async def test_a_row_that_concerns_another_needs_no_block_by_the_other_and_stands_in_both_logs(scene):
    other = await scene.world.patient(scene.clinic)
    row = await scene.world.observation(scene.patient, scene.ward, focus=[{"reference": f"Patient/{other}"}])
    assert await scene.sees(scene.gp, row)
    entries = await CitizenLog(scene.world.store._pool).entries(scene.world.citizen(other), NOW - HOUR, NOW + HOUR)
    assert [(one.actor, one.as_other) for one in entries if one.actor == scene.gp.actor] == [(scene.gp.actor, True)]
    await scene.blocks.put(scene.world.citizen(other), Shape(who_organisation=key_of(scene.clinic)))
    assert not await scene.sees(scene.gp, row)
    assert await scene.sees(scene.doctor, row)
    assert not await scene.sees(scene.world.citizen(other), row)


async def test_naming_another_with_an_escaped_slash_is_naming_them(scene):
    other = await scene.world.patient(scene.clinic)
    resource = _observation(scene, {"focus": [{"reference": f"Patient/{other}"}]})
    raw = orjson.dumps(resource).replace(f'"Patient/{other}"'.encode(), f'"Patient\\/{other}"'.encode())
    row = new_id()
    await scene.world.store.commit(scene.world.system(scene.ward), [Change("POST", "Observation", resource, raw, row)])
    await scene.blocks.put(scene.world.citizen(other), Shape())
    assert not await scene.sees(scene.gp, row)


async def test_a_professional_cannot_learn_of_a_hidden_row_by_pointing_at_it(scene):
    hidden = await scene.by(scene.doctor)
    await scene.blocks.put(
        scene.citizen, Shape(who_organisation=key_of(scene.clinic), what_organisation=key_of(scene.ward))
    )
    fates = []
    for target in (hidden, new_id()):
        own = _observation(scene, {"derivedFrom": [{"reference": f"Observation/{target}"}]})
        fates.append(await scene.sees(scene.gp, await scene.world.put(scene.gp, own)))
    assert fates == [True, True]


async def test_who_writes_is_an_author_named_in_the_row_or_not_and_stays_one_when_it_is_indexed_again(scene):
    row = await scene.world.put(scene.colleague, _observation(scene, {}))
    await scene.world.owner.execute("update fhir.index_work set done_at = null, bucket = -1")
    await reindex(scene.world.owner, lambda done: None)
    assert await scene.sees(scene.gp, row)
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.colleague.actor))
    assert not await scene.sees(scene.gp, row)


async def test_a_row_of_an_earlier_release_is_covered_by_every_author_until_it_is_indexed_again(scene):
    row = await scene.by(scene.doctor)
    await scene.world.owner.execute(
        "update fhir.resource set authors = null, contents = null, clinical_lo = null, clinical_hi = null"
    )
    await scene.world.owner.execute("update fhir.index_work set done_at = null, bucket = -1")
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.colleague.actor))
    assert not await scene.sees(scene.gp, row)
    await reindex(scene.world.owner, lambda done: None)
    assert await scene.sees(scene.gp, row)


async def test_what_is_hidden_cannot_be_changed_either(scene):
    row = await scene.by(scene.doctor)
    await scene.blocks.put(scene.citizen, Shape(what_author=scene.doctor.actor))
    with pytest.raises(MethodNotAllowed):
        await scene.world.change(scene.colleague, row, _observation(scene, {}), if_match=1)


def _observation(scene: Scene, more: dict[str, object]) -> dict[str, object]:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{scene.patient}"},
        "effectiveDateTime": "2026-11-20T08:00:00Z",
        **more,
    }
    return {name: value for name, value in resource.items() if value is not None}
