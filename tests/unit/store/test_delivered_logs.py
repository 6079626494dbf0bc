"""Sources deliver their own logs: once each, about their own staff only, never changed, and held against what they say they sent."""

import asyncio
import hashlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from helhed.fhir.splice import instant
from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from tests.support.door import Door
from tests.support.world import NOW
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXTENSION = "urn:helhed:audit-event:"


@pytest_asyncio.fixture(loop_scope="module")
async def scene(library: Scene) -> Scene:
    """A citizen of whom nothing is logged yet, at a hospital that has delivered nothing yet."""
    own = await library.with_another()
    own.hospital = await own.world.organisation("Sygehus")
    own.ward = await own.world.organisation("Afdeling", own.hospital)
    return own


def event(scene: Scene, name: str, **more: Any) -> dict[str, Any]:
    """An event of the ward's own log, an hour ago."""
    return {
        "resourceType": "AuditEvent",
        "extension": [{"url": EXTENSION + "local-id", "valueString": name}],
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "action": "R",
        "recorded": instant(NOW - timedelta(hours=1)),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [{"code": "TREAT"}], "text": "Ambulant kontrol"}],
        "agent": [{"requestor": True, "name": "Hanne Lokal", "who": {"identifier": {"value": "HL12"}}, "role": [{"text": "radiograf"}]}],
        "source": {"observer": {"reference": f"Organization/{scene.ward}"}},
        "entity": [
            {"what": {"reference": f"Patient/{scene.patient}"}},
            {"what": {"display": "MR"}, "type": {"system": "http://hl7.org/fhir/resource-types", "code": "ImagingStudy"}},
        ],
        **more,
    }  # fmt: skip


async def sent(
    scene: Scene, *events: dict[str, Any], kind: str = "transaction", ask: Ask | None = None
) -> tuple[int, Any]:
    entries = [{"resource": one, "request": {"method": "POST", "url": "AuditEvent"}} for one in events]
    system = ask or replace(scene.custodian, trace=uuid4())
    return await Door(scene.world, system).post("/fhir", {"resourceType": "Bundle", "type": kind, "entry": entries})


async def delivered(scene: Scene) -> list[dict[str, Any]]:
    """What the citizen finds in the log of what the hospital delivered."""
    found, url = [], f"/fhir/AuditEvent?source=Organization/{scene.hospital}&_count=100"
    while url:
        _, bundle = await Door(scene.world, scene.citizen).get(url)
        found += [entry["resource"] for entry in bundle.get("entry", [])]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


def local_ids(events: list[dict[str, Any]]) -> list[str]:
    return [
        one["valueString"] for event in events for one in event["extension"] if one["url"] == EXTENSION + "local-id"
    ]


async def test_what_a_source_delivers_stands_in_the_log_of_the_citizen(scene: Scene) -> None:
    status, answer = await sent(scene, event(scene, "a"))
    assert (status, answer["entry"][0]["response"]["status"]) == (200, "201")
    (found,) = await delivered(scene)
    assert found["agent"][0]["name"] == "Hanne Lokal"
    assert found["recorded"] == instant(NOW - timedelta(hours=1))
    assert found["source"]["observer"]["reference"] == f"Organization/{scene.hospital}"
    assert local_ids([found]) == ["a"]


async def test_the_same_event_again_is_answered_the_same_and_is_here_once(scene: Scene) -> None:
    first = await sent(scene, event(scene, "a"))
    assert await sent(scene, event(scene, "a"), event(scene, "b")) != first
    assert await sent(scene, event(scene, "a")) == first
    alone = await Door(scene.world, scene.custodian).post(
        "/fhir/AuditEvent", event(scene, "a"), prefer="return=representation"
    )
    assert alone[0] == 201
    assert sorted(local_ids(await delivered(scene))) == ["a", "b"]


async def test_another_event_under_the_same_id_is_refused_and_changes_nothing(scene: Scene) -> None:
    await sent(scene, event(scene, "a"))
    status, outcome = await sent(scene, event(scene, "b"), event(scene, "a", action="U"))
    assert status == 409
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[1].resource"]
    assert local_ids(await delivered(scene)) == ["a"]


async def test_of_a_batch_the_good_are_taken_and_the_bad_named(scene: Scene) -> None:
    status, answer = await sent(
        scene,
        event(scene, "a"),
        event(scene, "b", recorded=instant(NOW + timedelta(days=1))),
        event(scene, "c"),
        kind="batch",
    )
    assert status == 200
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201", "400", "201"]
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.recorded"]
    assert sorted(local_ids(await delivered(scene))) == ["a", "c"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"recorded": "2019-01-01T00:00:00Z"}, "recorded"),
        ({"agent": [{"requestor": False, "name": "x"}]}, "agent"),
        ({"agent": [{"requestor": True}]}, "agent.who"),
        ({"entity": []}, "entity"),
        ({"entity": [{"what": {"reference": "Patient/unknown"}}]}, "entity"),
        ({"extension": []}, "id"),
        ({"extension": [{"url": EXTENSION + "local-id", "valueString": "a\r\nb"}]}, "id"),
        ({"action": None}, "action"),
    ],
)  # fmt: skip
async def test_a_bad_event_is_refused_by_its_place(scene: Scene, change: dict[str, Any], place: str) -> None:
    bad = {name: value for name, value in event(scene, "a", **change).items() if value not in (None, [])}
    status, outcome = await sent(scene, bad)
    assert status == 400
    assert outcome["issue"][0]["expression"][0].startswith(
        ("Bundle.entry[0].resource." + place, "Bundle.entry[0].resource")
    )
    assert await delivered(scene) == []


async def test_a_source_delivers_for_nobody_else_and_the_attempt_is_in_the_log(scene: Scene) -> None:
    forged = event(scene, "a", source={"observer": {"reference": f"Organization/{scene.clinic}"}})
    status, _ = await sent(scene, event(scene, "b"), forged)
    assert status == 403
    assert await delivered(scene) == []
    rows = [row for row in await scene.world.log(scene.patient) if row["action"] == 91]
    assert [(row["permitted"], row["actor"]) for row in rows] == [(False, key_of(scene.hospital))]


async def test_nobody_but_a_system_delivers(scene: Scene) -> None:
    for ask in (scene.doctor, scene.citizen):
        assert (await sent(scene, event(scene, "a"), ask=ask))[0] == 403
    assert await delivered(scene) == []


async def test_nobody_of_another_place_is_made_to_have_looked(scene: Scene) -> None:
    other = await scene.world.owner.fetchval(
        "select id from registries.professional where key = $1", scene.stranger.actor
    )
    agent = [{"requestor": True, "name": "Påstået", "who": {"reference": f"Practitioner/{other}"}}]
    await sent(scene, event(scene, "a", agent=agent))
    (found,) = await delivered(scene)
    assert "reference" not in found["agent"][0].get("who", {})
    assert found["agent"][0]["name"] == "Påstået"


async def test_rows_of_others_that_a_source_names_are_not_told_of(scene: Scene) -> None:
    other = await scene.world.patient(scene.hospital, "Anden")
    foreign = await scene.world.observation(other, scene.hospital)
    entity = [{"what": {"reference": f"Patient/{scene.patient}"}}, {"what": {"reference": f"Observation/{foreign}"}}]
    await sent(scene, event(scene, "a", entity=entity))
    (found,) = await delivered(scene)
    assert str(foreign) not in str(found)


async def test_what_comes_late_is_marked(scene: Scene) -> None:
    await sent(scene, event(scene, "a"), event(scene, "b", recorded=instant(NOW - timedelta(days=3))))
    late = {
        local_ids([one])[0]: any(x["url"] == EXTENSION + "late" for x in one["extension"])
        for one in await delivered(scene)
    }
    assert late == {"a": False, "b": True}


async def test_an_event_about_somebody_unknown_is_answered_the_same_and_found_once_they_are_registered(
    scene: Scene,
) -> None:
    number = f"{random.Random(7).randrange(10**9, 10**10 - 1)}"
    entity = [{"what": {"identifier": {"system": "urn:oid:1.2.208.176.1.2", "value": number}}}]
    unknown = await sent(scene, event(scene, "a", entity=entity))
    assert unknown[0] == 200
    scene.patient = await scene.world.patient(
        scene.hospital, "Ny", identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": number}]
    )
    assert local_ids(await delivered(scene)) == ["a"]


async def test_a_name_with_line_breaks_and_controls_stays_on_one_line(scene: Scene) -> None:
    agent = [{"requestor": True, "name": "Eva\r\n2026-11-23 GODKENDT\u202e slut"}]
    await sent(scene, event(scene, "a", agent=agent))
    (found,) = await delivered(scene)
    assert found["agent"][0]["name"] == "Eva 2026-11-23 GODKENDT slut"


# --- held against what the source says -------------------------------------------------------------------------------------------


async def told(
    scene: Scene, names: list[str], since: str = "2026-11-23T00:00:00Z", until: str = "2026-11-23T08:00:00Z"
) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    parameters = [
        {"name": "since", "valueInstant": since}, {"name": "until", "valueInstant": until},
        {"name": "events", "valueInteger": len(names)}, {"name": "digest", "valueString": digest},
    ]  # fmt: skip
    status, answer = await Door(scene.world, scene.custodian).post(
        "/fhir/AuditEvent/$log-manifest", {"resourceType": "Parameters", "parameter": parameters}
    )
    assert status == 200, answer
    return {part["name"]: next(v for k, v in part.items() if k != "name") for part in answer["parameter"][0]["part"]}


async def test_a_manifest_that_agrees_makes_the_log_whole_until_then(scene: Scene) -> None:
    await sent(scene, event(scene, "b"), event(scene, "a"))
    said = await told(scene, ["a", "b"])
    assert (said["whole"], said["said"], said["here"], said["whole-until"]) == (
        True,
        2,
        2,
        "2026-11-23T08:00:00.000Z",
    )


@pytest.mark.parametrize("names", [["a", "b", "c"], ["a"], ["a", "x"]])
async def test_a_manifest_that_disagrees_is_a_gap_with_a_deadline_until_the_rest_arrives(
    scene: Scene, names: list[str]
) -> None:
    await sent(scene, event(scene, "a"), event(scene, "b"))
    said = await told(scene, names)
    assert (said["whole"], "gap" in said) == (False, True)


async def test_the_gap_closes_when_what_was_missing_arrives(scene: Scene) -> None:
    await sent(scene, event(scene, "a"))
    assert (await told(scene, ["a", "b"]))["whole"] is False
    await sent(scene, event(scene, "b"))
    _, answer = await Door(scene.world, scene.custodian).get("/fhir/AuditEvent/$log-sources")
    assert {"name": "whole", "valueBoolean": True} in answer["parameter"][0]["part"]


# --- generated ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_the_order_and_however_often_every_event_is_here_once(scene: Scene, seed: int) -> None:
    dice = random.Random(seed)
    made = [
        event(scene, f"{seed}-{n}", recorded=instant(NOW - timedelta(minutes=dice.randrange(1, 600))))
        for n in range(dice.randrange(1, 12))
    ]
    batches = [dice.sample(made, dice.randrange(1, len(made) + 1)) for _ in range(6)] + [made]
    dice.shuffle(batches)
    answers = await asyncio.gather(*(sent(scene, *batch) for batch in batches))
    assert {status for status, _ in answers} == {200}
    given: dict[str, set[str]] = {}
    for batch, (_, answer) in zip(batches, answers, strict=True):
        for one, entry in zip(batch, answer["entry"], strict=True):
            given.setdefault(local_ids([one])[0], set()).add(entry["response"]["location"])
    assert all(len(places) == 1 for places in given.values())
    assert sorted(local_ids(await delivered(scene))) == sorted(local_ids(made))


async def test_ids_of_events_and_rows_are_each_other() -> None:
    from helhed.trust.audit_events.shape import event_id, row_of

    assert [row_of(event_id(row)) for row in (1, 2**40, 2**62 - 1)] == [1, 2**40, 2**62 - 1]
    assert row_of(UUID(int=1)) is None
