"""``AuditEvent``: the own log over FHIR, and nothing at all for everybody else."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from helhed.fhir.validation import validate
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.trust.acting.rights import ActingForOthers
from tests.support.door import Door
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scene(library: Scene) -> Scene:
    """A citizen of whom nothing is logged yet, in the scene of this module."""
    return await library.with_another()


async def looked(scene: Scene, ask: Ask) -> bool:
    return await scene.reads(replace(ask, trace=uuid4()))


async def events(scene: Scene, ask: Ask, query: str = "") -> list[dict[str, Any]]:
    status, bundle = await Door(scene.world, ask).get(f"/fhir/AuditEvent?{query}")
    assert status == 200, bundle
    return [entry["resource"] for entry in bundle.get("entry", [])]


def who(event: dict[str, Any]) -> str:
    return str(event["agent"][0]["who"]["reference"])


async def test_a_citizen_reads_who_looked_when_why_and_what(scene: Scene) -> None:
    assert await looked(scene, scene.doctor)
    found = await events(scene, scene.citizen, "action=R")
    assert len(found) == 1
    event = found[0]
    assert validate(event) == []
    assert (event["outcome"], event["subtype"][0]["code"]) == ("0", "read")
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    assert {"Observation/" + str(scene.observation), f"Patient/{scene.patient}"} <= {
        entity["what"].get("reference") for entity in event["entity"]
    }
    assert event["meta"]["profile"] == [
        "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
    ]


async def test_a_denied_attempt_says_so_under_a_profile_of_its_own(scene: Scene) -> None:
    assert not await looked(scene, scene.stranger)
    (event,) = await events(scene, scene.citizen, "outcome=8")
    assert event["meta"]["profile"] == ["urn:helhed:profile:denied-look"]
    assert event["outcomeDesc"] == "Denied: nothing was shown"


@pytest.mark.parametrize("query", ["", "patient=Patient/{patient}", "patient={patient}", "action=R", "_total=accurate"])
async def test_nobody_else_is_shown_a_log_by_search(scene: Scene, query: str) -> None:
    await looked(scene, scene.doctor)
    other = await scene.world.patient(scene.hospital, "Anden")
    for ask in (scene.doctor, scene.gp, scene.stranger, scene.custodian):
        assert await events(scene, ask, query.format(patient=scene.patient)) == []
    shown = await events(scene, scene.world.citizen(other), query.format(patient=scene.patient))
    assert all(str(scene.patient) not in orjson.dumps(one).decode() for one in shown)


async def test_hidden_and_missing_are_the_same_answer(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    (event,) = await events(scene, scene.citizen, "action=R")
    other = scene.world.citizen(await scene.world.patient(scene.hospital, "Anden"))
    for ask in (scene.doctor, scene.stranger, other, scene.custodian):
        hidden = await Door(scene.world, ask).get(f"/fhir/AuditEvent/{event['id']}")
        missing = await Door(scene.world, ask).get(f"/fhir/AuditEvent/{uuid4()}")
        assert hidden == missing
        assert hidden[0] == 404


async def test_an_event_is_read_with_its_version_and_its_history(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    (event,) = await events(scene, scene.citizen, "action=R")
    door = Door(scene.world, scene.citizen)
    assert await door.get(f"/fhir/AuditEvent/{event['id']}") == (200, event)
    assert await door.get(f"/fhir/AuditEvent/{event['id']}/_history/1") == (200, event)
    assert (await door.get(f"/fhir/AuditEvent/{event['id']}/_history/2"))[0] == 404
    status, history = await door.get(f"/fhir/AuditEvent/{event['id']}/_history")
    assert (status, history["total"], history["entry"][0]["resource"]) == (200, 1, event)


async def test_reading_the_log_adds_one_row_to_it(scene: Scene) -> None:
    before = len(await scene.world.log(scene.patient))
    await events(scene, scene.citizen)
    rows = await scene.world.log(scene.patient)
    assert [row["action"] for row in rows[before:]] == [Action.OWN_LOG]


async def test_no_event_is_changed_or_removed_by_anybody(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    (event,) = await events(scene, scene.citizen, "action=R")
    for ask in (scene.citizen, scene.doctor, scene.stranger):
        door = Door(scene.world, ask)
        put = await door.do("PUT", f"/fhir/AuditEvent/{event['id']}", {**event, "outcome": "0"})
        gone = await door.do("DELETE", f"/fhir/AuditEvent/{event['id']}")
        assert (put[0], gone[0]) == (405, 405)
        assert put[1]["allow"] == "GET, HEAD, OPTIONS"
    assert await events(scene, scene.citizen, f"_id={event['id']}") == [event]


async def test_the_pages_of_a_log_hold_every_row_once(scene: Scene) -> None:
    for _ in range(7):
        await looked(scene, scene.doctor)
        await looked(scene, scene.stranger)
    door, seen, url = Door(scene.world, scene.citizen), [], "/fhir/AuditEvent?_count=3&subtype=read&_total=accurate"
    totals = set()
    while url:
        _, bundle = await door.get(url)
        totals.add(bundle["total"])
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    assert (len(seen), len(set(seen)), totals) == (14, 14, {14})


async def test_a_page_link_of_one_citizen_is_no_use_to_another(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    await looked(scene, scene.doctor)
    _, bundle = await Door(scene.world, scene.citizen).get("/fhir/AuditEvent?_count=1&action=R")
    link = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    other = scene.world.citizen(await scene.world.patient(scene.hospital, "Anden"))
    assert (await Door(scene.world, other).get(link))[0] == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("date=ge2026-11-23", 2), ("date=lt2026-11-23", 0), ("date=2026-11-23", 2), ("date=ne2026-11-23", 0),
        ("outcome=0", 1), ("outcome=8", 1), ("outcome:not=8", 1), ("action=R", 2), ("action:not=R", 0), ("action=R,E", 2),
        ("subtype=read", 2), ("subtype=http://hl7.org/fhir/restful-interaction|read", 2), ("subtype=vread", 0),
        ("type=rest", 2), ("type:not=rest", 0), ("agent-role=doctor", 2), ("agent-role:not=doctor", 0),
        ("entity-type=Observation", 2), ("entity-type=Condition", 0), ("entity-type:not=Observation", 0),
        ("entity=Observation/{observation}", 2), ("entity=Observation/{patient}", 0),
        ("agent=Practitioner/{doctor}", 1), ("agent=Patient/{patient}", 0), ("agent={stranger}", 1),
        ("patient={patient}", 2), ("patient=Patient/{patient}&outcome=8", 1), ("outcome=0&outcome=8", 0),
        ("source=Organization/{patient}", 0), ("_lastUpdated=2026-11-23", 2),
    ],
)  # fmt: skip
async def test_a_log_is_searched_by(scene: Scene, query: str, found: int) -> None:
    await looked(scene, scene.doctor)
    await looked(scene, scene.stranger)
    names = {"doctor": await _id(scene, scene.doctor), "stranger": await _id(scene, scene.stranger)}
    told = query.format(patient=scene.patient, observation=scene.observation, **names)
    mine = [one for one in await events(scene, scene.citizen, told) if one["action"] == "R" and _read(one)]
    assert len(mine) == found


def _read(event: dict[str, Any]) -> bool:
    return bool(event["subtype"][0]["code"] == "read")


async def _id(scene: Scene, ask: Ask) -> UUID:
    found = await scene.world.owner.fetchval("select id from registries.professional where key = $1", ask.actor)
    assert isinstance(found, UUID)
    return found


@pytest.mark.parametrize(
    "query",
    ["altid=x", "date:missing=true", "_include=AuditEvent:patient", "patient.name=x", "_has:Consent:patient:status=x"],
)
async def test_what_a_log_is_not_searched_by_is_refused_to_all_alike(scene: Scene, query: str) -> None:
    answers = [
        await Door(scene.world, ask).get(f"/fhir/AuditEvent?{query}")
        for ask in (scene.citizen, scene.doctor, scene.custodian)
    ]
    assert {status for status, _ in answers} == {400}
    assert answers[0] == answers[1] == answers[2]


async def test_no_search_of_other_types_finds_an_event(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    for ask in (scene.citizen, scene.doctor):
        door = Door(scene.world, ask)
        for url in (
            f"/fhir/Patient/{scene.patient}/$everything",
            f"/fhir/Patient?_id={scene.patient}&_revinclude=AuditEvent:patient",
        ):
            status, bundle = await door.get(url)
            assert status == 200
            assert "AuditEvent" not in {entry["resource"]["resourceType"] for entry in bundle["entry"]}
        status, bundle = await door.get(f"/fhir/Patient?_has:AuditEvent:patient:action=R&_id={scene.patient}")
        assert (status, bundle.get("entry", [])) == (200, [])


async def test_entries_of_a_batch_and_of_a_transaction_are_answered_as_if_asked_alone(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    door = Door(scene.world, scene.citizen)
    (event,) = await events(scene, scene.citizen, "action=R")
    for kind in ("batch", "transaction"):
        asked = [f"AuditEvent/{event['id']}", "AuditEvent?action=R&subtype=read", f"AuditEvent/{event['id']}/_history"]
        bundle = {
            "resourceType": "Bundle",
            "type": kind,
            "entry": [{"request": {"method": "GET", "url": url}} for url in asked],
        }
        status, answer = await door.post("/fhir", bundle)
        assert status == 200, answer
        one, many, past = (entry["resource"] for entry in answer["entry"])
        assert one == event
        assert [entry["resource"]["id"] for entry in many["entry"]] == [event["id"]]
        assert past["total"] == 1


async def test_a_parent_reads_the_log_of_their_child_and_the_look_stands_in_it(scene: Scene) -> None:
    parent = await scene.world.patient(scene.hospital, "Forælder")
    await scene.world.owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to) "
        "values ($1, $2, $3, 10, null, false, '-infinity', 'infinity')", uuid4(), key_of(parent), key_of(scene.patient),
    )  # fmt: skip
    await looked(scene, scene.doctor)
    asked = replace(scene.world.citizen(parent), trace=uuid4())
    found = await events(scene, asked, f"patient={scene.patient}&action=R")
    assert len([one for one in found if _read(one)]) == 1
    rows = [row for row in await scene.world.log(scene.patient) if row["trace"] == asked.trace]
    assert [(row["action"], row["actor"], row["basis"]) for row in rows] == [(Action.OWN_LOG, key_of(parent), 10)]


async def test_a_log_hides_from_the_one_who_acts_what_is_masked(scene: Scene) -> None:
    parent = await scene.world.patient(scene.hospital, "Forælder")
    await scene.world.owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to) "
        "values ($1, $2, $3, 10, null, false, '-infinity', 'infinity')", uuid4(), key_of(parent), key_of(scene.patient),
    )  # fmt: skip
    await scene.world.owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to) values ($1, $2, $3, false, '-infinity', 'infinity')",
        uuid4(), key_of(scene.patient), scene.observation,
    )  # fmt: skip
    await looked(scene, scene.doctor)
    other = await scene.world.observation(scene.patient, scene.ward)
    await scene.world.store.read(replace(scene.doctor, trace=uuid4()), "Observation", other)
    found = await events(scene, scene.world.citizen(parent), f"patient={scene.patient}&subtype=read")
    assert [one for one in found if str(other) in orjson.dumps(one).decode()]
    assert str(scene.observation) not in orjson.dumps(found).decode()
    own = await events(scene, scene.citizen, "subtype=read")
    assert str(scene.observation) in orjson.dumps(own).decode()


async def test_whoever_acts_finds_no_look_at_what_is_masked_by_any_search_and_not_that_it_was_masked(
    scene: Scene,
) -> None:
    parent = scene.world.citizen(await scene.world.patient(scene.hospital, "Forælder"))
    await scene.world.owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to) "
        "values ($1, $2, $3, 10, null, false, '-infinity', 'infinity')", uuid4(), parent.actor, key_of(scene.patient),
    )  # fmt: skip
    await looked(scene, scene.doctor)
    about = f"patient={scene.patient}&outcome=0"
    searches = (
        "entity-type=Observation", f"entity=Observation/{scene.observation}", "subtype=read&agent-role=doctor",
        "entity-type:not=Encounter&subtype=read",
    )  # fmt: skip
    for search in searches:
        assert await events(scene, parent, f"{about}&{search}"), f"{search} finds nothing that could be hidden"
    assert not await events(scene, parent, f"{about}&subtype=read&entity-type:not=Observation")
    await ActingForOthers(scene.world.store.pool).mask(scene.doctor, "Observation", scene.observation)
    for search in (*searches, "subtype=read&entity-type:not=Observation"):
        found = await events(scene, parent, f"{about}&{search}")
        assert not [one for one in found if "agent" in one and who(one).startswith("Practitioner/")], search
    everything = orjson.dumps(await events(scene, parent, f"{about}&_count=200")).decode()
    assert '"mask"' not in everything
    assert str(scene.observation) not in everything
    own = orjson.dumps(await events(scene, scene.citizen, "_count=200")).decode()
    assert '"mask"' in own
    assert str(scene.observation) in own
    counted = await Door(scene.world, parent).get(
        f"/fhir/AuditEvent?patient={scene.patient}&action=R&subtype=read&_summary=count"
    )
    assert counted[1]["total"] == 0


async def test_a_token_without_the_scope_reads_no_log(scene: Scene) -> None:
    await looked(scene, scene.doctor)
    app = replace(scene.citizen, read_types=frozenset({"Observation"}))
    assert await events(scene, app) == []
    with pytest.raises(Unknown):
        await scene.world.store.read(app, "AuditEvent", uuid4())
