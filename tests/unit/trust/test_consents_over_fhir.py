"""Consent over FHIR: every shape there and back without loss, to the citizen alone, and ended by its owner."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.foundation.ask import Action
from helhed.foundation.errors import InvalidResource, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Block, Blocks, Consent, Shape
from helhed.trust.consents.moments import first_moment, moment_after, written
from helhed.trust.consents.reading import Permit, read
from helhed.trust.consents.rendering import Ids, of_block, of_consent
from tests.support.door import Door, ids
from tests.support.world import NOW, World

PLACES, PEOPLE, ROWS = ([uuid4() for _ in range(3)] for _ in range(3))
PATIENT = uuid4()
IDS = Ids(
    PATIENT, {key_of(one): one for one in PLACES}, {key_of(one): one for one in PEOPLE}, {ROWS[0]: "Observation", ROWS[1]: "DocumentReference"}
)  # fmt: skip
MOMENTS = (
    None,
    NOW,
    datetime(2020, 6, 30, 22, tzinfo=UTC),
    datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)


def any_shape(chance: random.Random) -> Shape:
    place, person = [None, *map(key_of, PLACES)], [None, *map(key_of, PEOPLE)]
    who, what = chance.choice(place), chance.choice(place)
    return Shape(
        who, chance.choice(person), who is not None and chance.random() < 0.5, what, what is not None and chance.random() < 0.5,
        chance.choice(person), chance.choice(MOMENTS), chance.choice(MOMENTS), chance.choice([None, *ROWS]), chance.random() < 0.5,
        chance.choice(MOMENTS), chance.choice(MOMENTS),
    )  # fmt: skip


def test_every_shape_of_a_block_comes_back_as_it_was():
    chance = random.Random(7)
    for _ in range(500):
        block = Block(uuid4(), any_shape(chance), NOW, chance.choice((None, NOW)), chance.choice((None, uuid4())))
        for version in of_block(block, IDS):
            said = read(orjson.loads(version.body))
            assert (said.says, said.patient, said.replaces) == (block.shape, PATIENT, block.replaces)
        newest = read(orjson.loads(of_block(block, IDS)[0].body))
        assert newest.status == ("active" if block.ended_at is None else "inactive")


def test_every_consent_comes_back_as_it_was():
    chance = random.Random(8)
    for _ in range(200):
        person, place = chance.choice([None, *map(key_of, PEOPLE)]), chance.choice(list(map(key_of, PLACES)))
        given = Consent(
            uuid4(),
            person,
            place if person is None else chance.choice((None, place)),
            chance.choice((None, uuid4())),
            NOW,
            NOW + timedelta(days=3),
        )
        (version,) = of_consent(given, IDS)
        said = read(orjson.loads(version.body))
        assert said.says == Permit(given.professional, given.organisation, given.block, given.until)


@pytest.mark.parametrize(("end", "after"), [
    ("2026-01-31", datetime(2026, 1, 31, 23, tzinfo=UTC)),
    ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, 0, 1, tzinfo=UTC)),
    ("2026-01-31T12:00:00.5+01:00", datetime(2026, 1, 31, 11, 0, 0, 600_000, tzinfo=UTC)),
    ("2026-01-31T12:00:00.1234567Z", None),
    ("2026-02-30", None),
    ("2026", None),
])  # fmt: skip
def test_a_period_ends_with_what_was_written(end, after):
    assert moment_after(end) == after


def test_a_period_is_written_so_that_it_reads_the_same():
    for moment in MOMENTS[1:]:
        said = written(moment, moment)
        assert (first_moment(said["start"]), moment_after(said["end"])) == (moment, moment)


def deny(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent", "status": "active", "patient": {"reference": f"Patient/{PATIENT}"},
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT"}]},
        "provision": {"type": "deny"}, **more,
    }  # fmt: skip


def actor(code: str, reference: str, **more: Any) -> dict[str, Any]:
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": code}]}
    return {"role": role, "reference": {"reference": reference}, **more}


@pytest.mark.parametrize("more", [
    {"provision": {"type": "deny", "purpose": [{"code": "TREAT"}]}},
    {"provision": {"type": "deny", "provision": [{"type": "permit"}]}},
    {"provision": {"type": "deny", "data": [{"meaning": "related", "reference": {"reference": f"Observation/{ROWS[0]}"}}]}},
    {"provision": {"type": "deny", "actor": [actor("IRCP", "Group/1")]}},
    {"provision": {"type": "deny", "actor": [actor("CST", f"Practitioner/{PEOPLE[0]}")]}},
    {"provision": {"type": "deny", "actor": [actor("IRCP", f"Organization/{one}") for one in PLACES]}},
    {"provision": {"type": "deny", "period": {"start": "2026"}}},
    {"provision": {}},
    {"provision": {"type": "permit", "actor": [actor("IRCP", f"Organization/{PLACES[0]}")]}},
    {"provision": {"type": "permit", "period": {"end": "2027-01-01"}}},
    {"extension": [{"url": "urn:other", "valueBoolean": True}]},
    {"verification": [{"verified": True}]},
    {"status": "proposed"},
])  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(more):
    with pytest.raises(InvalidResource):
        read(deny(**more))


# --- at the door ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def town(world: World) -> dict[str, Any]:
    ward = await world.organisation("Ward")
    patient, other = await world.patient(ward), await world.patient(ward)
    await world.contact(patient, ward)
    doctor = world.professional(await world.employee(ward), ward)
    citizen = world.citizen(patient)
    return {
        "world": world,
        "ward": ward,
        "patient": patient,
        "other": other,
        "doctor": doctor,
        "row": await world.observation(patient, ward),
        "citizen": citizen,
    }


def own(town: dict[str, Any], **more: Any) -> dict[str, Any]:
    return deny(patient={"reference": f"Patient/{town['patient']}"}, **more)


def writer(town: dict[str, Any]) -> Door:
    return Door(town["world"], replace(town["citizen"], write_types=frozenset({"Consent"})))


async def sees(town: dict[str, Any]) -> bool:
    status, _ = await Door(town["world"], town["doctor"]).get(f"/fhir/Observation/{town['row']}")
    return bool(status == 200)


async def denied(town: dict[str, Any]) -> list[int]:
    return [
        row["action"]
        for row in await town["world"].log(town["patient"])
        if not row["permitted"] and row["action"] != Action.READ
    ]


async def test_a_citizens_app_sets_a_block_that_holds_and_reads_it_and_cannot_end_it(town):
    door = writer(town)
    reader = actor("IRCP", f"Organization/{town['ward']}")
    status, _, made = await door.do("POST", "/fhir/Consent", own(town, provision={"type": "deny", "actor": [reader]}))
    assert status == 201
    assert not await sees(town)
    status, found = await door.get(
        f"/fhir/Consent?patient=Patient/{town['patient']}&status=active&actor=Organization/{town['ward']}"
    )
    assert (status, ids(found)) == (200, [made["id"]])
    for method, body in (("PUT", made | {"status": "inactive"}), ("DELETE", None)):
        status, _, _ = await door.do(method, f"/fhir/Consent/{made['id']}", body)
        assert status == 403
    assert not await sees(town)
    assert (await denied(town)) == [Action.END_BLOCK, Action.END_BLOCK]


async def test_what_the_citizen_ended_on_the_pages_is_read_with_its_history(town):
    blocks = Blocks(town["world"].store.pool)
    block = await blocks.put(town["citizen"], Shape())
    await blocks.end(town["citizen"], block)
    _, history = await writer(town).get(f"/fhir/Consent/{block}/_history")
    assert [entry["resource"]["status"] for entry in history["entry"]] == ["inactive", "active"]


async def test_a_consent_is_withdrawn_by_an_app_and_given_by_none(town):
    door, blocks = writer(town), Blocks(town["world"].store.pool)
    block = await blocks.put(town["citizen"], Shape())
    provision = {
        "type": "permit", "period": {"end": "2026-12-31"}, "actor": [actor("IRCP", f"Organization/{town['ward']}")],
        "data": [{"meaning": "instance", "reference": {"reference": f"Consent/{block}"}}],
    }  # fmt: skip
    status, _, _ = await door.do("POST", "/fhir/Consent", own(town, provision=provision))
    assert status == 403
    assert not await sees(town)
    assert await denied(town) == [Action.CONSENT]
    given = await blocks.consent(
        town["citizen"], NOW + timedelta(days=9), organisation=key_of(town["ward"]), block=block
    )
    assert await sees(town)
    status, _, _ = await door.do("DELETE", f"/fhir/Consent/{given}")
    assert status == 204
    assert not await sees(town)


async def test_a_block_is_not_changed_by_another_that_names_it(town):
    door = writer(town)
    _, _, old = await door.do("POST", "/fhir/Consent", own(town))
    elsewhere = await town["world"].organisation("Elsewhere")
    provision = {"type": "deny", "actor": [actor("IRCP", f"Organization/{elsewhere}")]}
    source = {"reference": f"Consent/{old['id']}"}
    status, _, _ = await door.do("POST", "/fhir/Consent", own(town, provision=provision, sourceReference=source))
    assert status == 403
    assert not await sees(town)
    _, found = await door.get("/fhir/Consent?status=active")
    assert ids(found) == [old["id"]]


async def test_the_database_lets_no_registered_client_open_anything(town):
    world, blocks = town["world"], Blocks(town["world"].store.pool)
    await world.owner.execute(
        "insert into trust.client (id, name, profile, kind, redirect_uris, scope, bound, registered_at) "
        "values ('app', 'App', 'smart', 'public', '{}', '', false, $1)", NOW,
    )  # fmt: skip
    block, by_app = await blocks.put(town["citizen"], Shape()), replace(town["citizen"], client="app")
    with pytest.raises(Unknown):
        await blocks.end(by_app, block)
    with pytest.raises(Unprocessable):
        await blocks.put(by_app, Shape(shown=True), instead_of=block)
    with pytest.raises(Unprocessable):
        await blocks.consent(by_app, NOW + timedelta(days=9), organisation=key_of(town["ward"]), block=block)
    assert not await sees(town)


async def test_a_consent_for_another_patient_is_refused_and_changes_nothing(town):
    door = writer(town)
    status, _, _ = await door.do("POST", "/fhir/Consent", deny(patient={"reference": f"Patient/{town['other']}"}))
    assert status == 403
    assert await town["world"].owner.fetchval("select count(*) from trust.block") == 0


async def test_an_update_that_names_another_patient_is_refused_and_stands_in_the_log_of_both(town):
    door = writer(town)
    _, _, made = await door.do("POST", "/fhir/Consent", own(town))
    named = made | {"status": "inactive", "patient": {"reference": f"Patient/{town['other']}"}}
    status, _, _ = await door.do("PUT", f"/fhir/Consent/{made['id']}", named)
    assert status == 403
    last = (await town["world"].log(town["other"]))[-1]
    assert (last["action"], last["permitted"], last["actor"]) == (Action.UPDATE, False, town["citizen"].actor)
    assert not await sees(town)


async def test_labels_that_are_sent_are_not_kept(town):
    door = writer(town)
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "U"}]}
    _, _, made = await door.do("POST", "/fhir/Consent", own(town, meta=label))
    assert set(made["meta"]) == {"versionId", "lastUpdated"}


async def test_an_update_that_is_no_end_is_refused(town):
    door = writer(town)
    _, _, made = await door.do("POST", "/fhir/Consent", own(town))
    for more in ({}, {"status": "inactive", "provision": {"type": "deny", "period": {"end": "2027-01-01"}}}):
        status, _, _ = await door.do("PUT", f"/fhir/Consent/{made['id']}", made | more)
        assert status == 422
    status, _, _ = await door.do("PUT", f"/fhir/Consent/{made['id']}", made | {"status": "inactive"}, if_match='W/"9"')
    assert status == 412
    assert not await sees(town)


async def test_for_others_there_is_none_and_what_is_hidden_is_what_is_missing(town):
    _, _, made = await writer(town).do("POST", "/fhir/Consent", own(town))
    world = town["world"]
    for ask in (town["doctor"], world.citizen(town["other"]), world.system(town["ward"])):
        door = Door(world, ask)
        for missing in ("Consent?patient=Patient/{}".format(town["patient"]), "Consent"):
            assert (await door.get(f"/fhir/{missing}"))[1]["type"] == "searchset"
            assert not ids((await door.get(f"/fhir/{missing}"))[1])
        hidden, nothing = [await door.do("GET", f"/fhir/Consent/{one}") for one in (made["id"], UUID(int=77))]
        assert hidden[0] == nothing[0] == 404
        hidden, nothing = [await door.do("DELETE", f"/fhir/Consent/{one}") for one in (made["id"], UUID(int=77))]
        assert hidden[0] == nothing[0]
    for url in ("Patient?_has:Consent:patient:status=active", "Patient?_revinclude=Consent:patient"):
        _, found = await Door(world, town["doctor"]).get(f"/fhir/{url}")
        assert made["id"] not in str(found)
    _, everything = await Door(world, town["citizen"]).get(f"/fhir/Patient/{town['patient']}/$everything")
    assert made["id"] not in str(everything)


async def test_a_token_without_consent_among_its_scopes_sets_and_reads_none(town):
    narrow = replace(town["citizen"], read_types=frozenset({"Observation"}), write_types=frozenset({"Observation"}))
    door = Door(town["world"], narrow)
    status, _, _ = await door.do("POST", "/fhir/Consent", own(town))
    assert status == 403
    await Blocks(town["world"].store.pool).put(town["citizen"], Shape())
    assert not ids((await door.get("/fhir/Consent"))[1])


async def test_reading_ones_own_is_a_look_with_a_row_in_the_log(town):
    before = len(await town["world"].log(town["patient"]))
    await Door(town["world"], town["citizen"]).get("/fhir/Consent")
    added = (await town["world"].log(town["patient"]))[before:]
    assert [(row["action"], row["permitted"]) for row in added] == [(4, True)]


# --- $break-glass -----------------------------------------------------------------------------------------------------------------


def ticket(town: dict[str, Any], reason: str, **more: Any) -> dict[str, Any]:
    parameters = [
        {"name": "patient", "valueReference": {"reference": f"Patient/{town['patient']}"}},
        {"name": "reason", "valueCode": reason},
    ]
    return {
        "resourceType": "Parameters",
        "parameter": [*parameters, *({"name": name, "valueId": value} for name, value in more.items())],
    }


async def test_break_glass_opens_what_is_blocked_once_for_one_id(town):
    await Blocks(town["world"].store.pool).put(town["citizen"], Shape())
    door = Door(town["world"], town["doctor"])
    assert not await sees(town)
    answers = [await door.post("/fhir/$break-glass", ticket(town, "danger", ticket=str(UUID(int=9)))) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert await sees(town)
    assert await town["world"].owner.fetchval("select count(*) from trust.notice") == 1


@pytest.mark.parametrize("role", ["social-care-assistant", "assistant", "secretary"])
async def test_break_glass_is_refused_and_logged_for_who_may_not(town, role):
    world = town["world"]
    who = world.professional(await world.employee(town["ward"], role), town["ward"], role)
    status, _ = await Door(world, who).post("/fhir/$break-glass", ticket(town, "danger"))
    assert status == 403
    last = (await world.log(town["patient"]))[-1]
    assert (last["action"], last["permitted"]) == (14, False)


async def test_break_glass_takes_a_reason_of_the_list(town):
    status, _ = await Door(town["world"], town["doctor"]).post("/fhir/$break-glass", ticket(town, "curious"))
    assert status == 400
