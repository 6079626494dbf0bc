"""A vendor's programme with a client library we did not write: fhirpy on the real server."""

import asyncio
from typing import Any

import httpx
import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.support.ips import broken_rules
from tests.support.live import LiveServer

CITIZEN, SYSTEM, STRANGER = "jens", "epj-system", "outsider"


def client(server: LiveServer, persona: str, **headers: str) -> SyncFHIRClient:
    token = f"Bearer {server.token(persona)}"
    return SyncFHIRClient(f"{server.url}/fhir", authorization=token, extra_headers=headers or None)


@pytest.fixture
def own(live_server: LiveServer) -> str:
    return live_server.reference(CITIZEN)


def test_a_citizens_app_reads_and_pages_through_the_whole_record(live_server: LiveServer, own: str) -> None:
    app = client(live_server, CITIZEN)
    assert app.reference(reference=own).to_resource()["resourceType"] == "Patient"
    searching = app.resources("Observation").search(patient=own)
    pages = searching.limit(50).fetch_all()
    total = app.execute("Observation", method="get", params={"patient": own, "_total": "accurate", "_count": 1})[
        "total"
    ]
    assert len({one.id for one in pages}) == len(pages) == total > 50
    newest: Any = searching.sort("-date").first()
    assert newest["effectiveDateTime"] == max(
        (one["effectiveDateTime"] for one in pages if "effectiveDateTime" in one), key=lambda text: text[:10]
    )


def test_a_stranger_gets_what_a_missing_record_gives(live_server: LiveServer, own: str) -> None:
    stranger = client(live_server, STRANGER)
    with pytest.raises(ResourceNotFound):
        stranger.reference(reference=own).to_resource()
    assert stranger.resources("Observation").search(patient=own).fetch_all() == []


def test_a_hospitals_system_stores_changes_and_deletes_by_what_it_was_answered(live_server: LiveServer) -> None:
    system = client(live_server, SYSTEM)
    patient: Any = system.resource(
        "Patient", name=[{"family": "Testsen", "given": ["Vera"]}], gender="female", birthDate="1990-05-06"
    )
    patient.save()
    assert [one["system"] for one in patient["identifier"]] == ["urn:oid:1.2.208.176.1.6.1.1"]
    weight: Any = system.resource(
        "Observation", status="final", code={"text": "Vægt"}, subject=patient.to_reference(),
        effectiveDateTime="2026-11-23", valueQuantity={"value": 70.5, "unit": "kg"},
    )  # fmt: skip
    weight.save()
    assert weight["meta"]["versionId"] == "1"
    weight["status"] = "amended"
    weight.save()
    assert weight["meta"]["versionId"] == "2"
    with pytest.raises(ResourceNotFound):  # a system writes for its organisation and reads nobody
        system.reference("Observation", weight.id).to_resource()
    weight.delete()
    wrong: Any = system.resource("Observation", status="nonsense", code={"text": "x"}, subject=patient.to_reference())
    with pytest.raises(OperationOutcome, match=r"Observation\.status"):
        wrong.save()


def test_what_a_condition_found_is_not_told_to_a_system(live_server: LiveServer) -> None:
    number = "urn:example:vendor|4711"
    organisation = {
        "resourceType": "Organization",
        "identifier": [{"system": "urn:example:vendor", "value": "4711"}],
        "name": "Ny",
    }
    answers = [
        httpx.post(
            f"{live_server.url}/fhir/Organization",
            json=organisation,
            headers={"Authorization": f"Bearer {live_server.token(SYSTEM)}", "If-None-Exist": f"identifier={number}"},
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 200]
    assert answers[0].json()["id"] in answers[1].headers["location"]


def test_a_system_updates_by_a_number_of_its_own_and_makes_one(live_server: LiveServer, own: str) -> None:
    system = client(live_server, SYSTEM)
    number = {"system": "urn:example:vendor", "value": "4712"}
    weight: Any = system.resource(
        "Observation", status="final", code={"text": "Vægt"}, subject={"reference": own}, identifier=[number],
        effectiveDateTime="2026-11-23", valueQuantity={"value": 70.5, "unit": "kg"},
    )  # fmt: skip
    searching = system.resources("Observation").search(identifier="urn:example:vendor|4712")
    _, first = searching.update(weight)
    weight["status"] = "amended"
    stored, second = searching.update(weight)
    assert (first, second) == (True, False)
    assert (stored["meta"]["versionId"], stored["status"]) == ("2", "amended")
    app = client(live_server, CITIZEN)
    found = app.resources("Observation").search(identifier="urn:example:vendor|4712").fetch_all()
    assert [one["status"] for one in found] == ["amended"]


def test_a_part_of_what_everybody_may_read_is_patched_by_its_owner(live_server: LiveServer) -> None:
    system = client(live_server, SYSTEM)
    place: Any = system.resource("Location", name="Stue 3", status="active")
    place.save()
    patching = client(live_server, SYSTEM, **{"Content-Type": "application/json-patch+json"})
    operations: Any = [{"op": "replace", "path": "/name", "value": "Stue 4"}]
    patched = patching.execute(f"Location/{place.id}", method="patch", data=operations)
    assert (patched["name"], patched["status"], patched["meta"]["versionId"]) == ("Stue 4", "active", "2")
    refused: Any = [{"op": "test", "path": "/name", "value": "Stue 3"}]
    with pytest.raises(OperationOutcome, match="another"):
        patching.execute(f"Location/{place.id}", method="patch", data=refused)


def test_a_citizens_app_counts_asks_for_everything_and_for_a_summary(live_server: LiveServer, own: str) -> None:
    app = client(live_server, CITIZEN, Prefer="handling=lenient")
    counted = app.resources("Observation").search(patient=own).count()
    everything = app.execute(f"{own}/$everything", method="get")
    found = [one["resource"]["resourceType"] for one in everything["entry"] if one["search"]["mode"] == "match"]
    assert found.count("Observation") == counted > 50
    summary = app.execute(f"{own}/$summary", method="get")
    assert broken_rules(summary) == []
    assert len(summary["entry"]) > 3


def test_a_batch_of_reads_history_and_operations_is_answered_in_one_round(live_server: LiveServer, own: str) -> None:
    app = client(live_server, CITIZEN)
    urls = [
        own,
        f"{own}/_history",
        f"{own}/$everything?_count=5",
        f"Observation?patient={own}&_count=1",
        "Patient/nobody",
    ]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    told = app.execute("", method="post", data={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert [one["response"]["status"] for one in told["entry"]] == ["200", "200", "200", "200", "404"]
    assert [one["resource"].get("type") for one in told["entry"][:4]] == [None, "history", "searchset", "searchset"]


def test_what_changed_meanwhile_is_not_written_over(live_server: LiveServer) -> None:
    system = client(live_server, SYSTEM)
    place: Any = system.resource("Location", name="Stue 5", status="active")
    place.save()
    place["name"] = "Stue 6"
    client(live_server, SYSTEM, **{"If-Match": 'W/"1"'}).execute(f"Location/{place.id}", method="put", data=dict(place))
    late = client(live_server, SYSTEM, **{"If-Match": 'W/"1"'})
    with pytest.raises(MultipleResourcesFound, match="changed this first"):  # so it calls every 412
        late.execute(f"Location/{place.id}", method="put", data={**place, "name": "Stue 7"})
    stored = system.reference("Location", place.id).to_resource()
    assert (stored["name"], stored["meta"]["versionId"]) == ("Stue 6", "2")
    versions = system.execute(f"Location/{place.id}/_history", method="get")
    assert [one["resource"]["name"] for one in versions["entry"]] == ["Stue 6", "Stue 5"]


def test_a_transaction_is_whole_or_absent(live_server: LiveServer) -> None:
    system = client(live_server, SYSTEM)
    number = {"system": "urn:example:vendor", "value": "4720"}
    ward = {
        "fullUrl": "urn:uuid:0f3c1c61-94b4-4d8f-9d3a-5d0f2b4a6c01",
        "resource": {"resourceType": "Organization", "name": "Afsnit", "identifier": [number]},
        "request": {"method": "POST", "url": "Organization"},
    }
    room: dict[str, Any] = {
        "resource": {
            "resourceType": "Location", "name": "Stue 8", "status": "active",
            "managingOrganization": {"reference": ward["fullUrl"]},
        },
        "request": {"method": "POST", "url": "Location"},
    }  # fmt: skip
    wrong = {**room, "resource": {**room["resource"], "status": "nonsense"}}
    sent = {"resourceType": "Bundle", "type": "transaction"}
    with pytest.raises(OperationOutcome, match="status"):
        system.execute("", method="post", data={**sent, "entry": [ward, wrong]})
    searching = system.resources("Organization").search(identifier="urn:example:vendor|4720")
    assert searching.fetch_all() == []
    told = system.execute("", method="post", data={**sent, "entry": [ward, room]})
    assert [one["response"]["status"] for one in told["entry"]] == ["201", "201"]
    (stored,) = searching.revinclude("Location", "organization").fetch_all()
    stored_room = system.execute(told["entry"][1]["response"]["location"].partition("/_history")[0], method="get")
    assert stored_room["managingOrganization"]["reference"] == f"Organization/{stored.id}"


async def test_an_app_that_waits_for_nothing_reads_pages_and_includes(live_server: LiveServer, own: str) -> None:
    app = AsyncFHIRClient(f"{live_server.url}/fhir", authorization=f"Bearer {live_server.token(CITIZEN)}")
    patient = await app.reference(reference=own).to_resource()
    assert patient["resourceType"] == "Patient"
    searching = app.resources("Observation").search(patient=own)
    first, *_ = await asyncio.gather(
        searching.limit(50).fetch_all(), app.reference(reference=own).to_resource(), searching.first()
    )
    assert len({one.id for one in first}) == len(first) > 50
    included = await searching.include("Observation", "patient").limit(3).fetch_raw()
    modes = [(one["search"]["mode"], one["resource"]["resourceType"]) for one in included["entry"]]
    assert ("include", "Patient") in modes
    stranger = AsyncFHIRClient(f"{live_server.url}/fhir", authorization=f"Bearer {live_server.token(STRANGER)}")
    with pytest.raises(ResourceNotFound):
        await stranger.reference(reference=own).to_resource()
