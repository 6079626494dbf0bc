"""A vendor's programme with a client library we did not write: fhirpy on the real server."""

from typing import Any

import httpx
import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from tests.support.live import LiveServer

CITIZEN, SYSTEM, STRANGER = "jens", "epj-system", "outsider"


def client(server: LiveServer, persona: str) -> SyncFHIRClient:
    return SyncFHIRClient(f"{server.url}/fhir", authorization=f"Bearer {server.token(persona)}")


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
