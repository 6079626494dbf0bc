"""A SMART app with SMART's own client library, whose strict models read every answer; and a vendor that speaks XML alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import orjson
import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRServer, FHIRUnauthorizedException

from helhed.fhir.xml import json_of
from tests.support.live import LiveServer

CITIZEN, SYSTEM, STRANGER = "jens", "epj-system", "outsider"
XML = "application/fhir+xml"
As = Callable[[str], FHIRServer]
Speaking = Callable[..., httpx.Client]


@pytest.fixture
def server_as(live_server: LiveServer) -> Iterator[Callable[[str], FHIRServer]]:
    with ExitStack() as sessions:

        def opened(persona: str) -> FHIRServer:
            settings = {"app_id": "test", "api_base": f"{live_server.url}/fhir"}
            server = FHIRClient(settings=settings, save_func=lambda _: None).server
            sessions.enter_context(server.session)
            if persona:
                server.session.headers["Authorization"] = f"Bearer {live_server.token(persona)}"
            return server

        yield opened


@pytest.fixture
def speaking(live_server: LiveServer) -> Iterator[Callable[..., httpx.Client]]:
    with ExitStack() as clients:

        def opened(persona: str, **headers: str) -> httpx.Client:
            token = {"Authorization": f"Bearer {live_server.token(persona)}"}
            return clients.enter_context(httpx.Client(base_url=f"{live_server.url}/fhir", headers={**token, **headers}))

        yield opened


@pytest.fixture
def own(live_server: LiveServer) -> str:
    return live_server.reference(CITIZEN)


def test_an_app_reads_the_capability_statement_before_anyone_logs_in(server_as: As) -> None:
    statement = server_as("").capabilityStatement
    assert statement.fhirVersion == "4.0.1"
    assert {"application/fhir+json", XML} <= set(statement.format)
    with pytest.raises(FHIRUnauthorizedException):
        Patient.read("x", server_as(""))


def test_a_citizens_app_reads_and_pages_through_the_whole_record(server_as: As, own: str) -> None:
    server = server_as(CITIZEN)
    patient = Patient.read(own.partition("/")[2], server)
    assert patient.relativePath() == own
    search = Observation.where({"patient": own, "_count": "50"})
    found = list(search.perform_resources_iter(server))
    total = next(Observation.where({"patient": own, "_total": "accurate", "_count": "1"}).perform_iter(server)).total
    assert len({one.id for one in found}) == len(found) == total > 50
    assert {one.subject.reference for one in found} == {own}


def test_a_stranger_gets_what_a_missing_record_gives(server_as: As, own: str) -> None:
    server = server_as(STRANGER)
    with pytest.raises(FHIRNotFoundException) as hidden:
        Patient.read(own.partition("/")[2], server)
    with pytest.raises(FHIRNotFoundException) as missing:
        Patient.read("018f0000-0000-7000-8000-000000000000", server)
    assert hidden.value.response.content == missing.value.response.content
    assert list(Observation.where({"patient": own}).perform_resources_iter(server)) == []


def test_a_hospitals_system_stores_changes_and_deletes(server_as: As) -> None:
    server = server_as(SYSTEM)
    patient = Patient()
    name = HumanName()
    name.family, name.given = "Testsen", ["Viggo"]
    patient.name, patient.gender = [name], "male"
    stored = patient.create(server)
    assert (stored["resourceType"], stored["meta"]["versionId"]) == ("Patient", "1")
    weight = Observation()
    weight.status, weight.code, weight.subject = "final", CodeableConcept(), FHIRReference()
    weight.code.text, weight.subject.reference = "Vægt", f"Patient/{stored['id']}"
    made = Observation(weight.create(server))
    made.status = "amended"
    assert made.update(server)["meta"]["versionId"] == "2"
    assert made.delete(server) is None


def test_a_vendor_that_speaks_xml_alone_stores_and_a_citizen_reads_in_xml(speaking: Speaking, own: str) -> None:
    system = speaking(SYSTEM, **{"Content-Type": XML, "Accept": XML})
    transaction = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry>'
        '<fullUrl value="urn:uuid:7b0f4f0e-0d3c-4d0b-9d5c-0d6a0a3b1f10"/><resource><Patient><name><family value="Testsen"/>'
        '</name></Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry><entry>'
        '<resource><Observation><status value="final"/><code><text value="Vægt"/></code><subject>'
        '<reference value="urn:uuid:7b0f4f0e-0d3c-4d0b-9d5c-0d6a0a3b1f10"/></subject><valueQuantity><value value="70.50"/>'
        '</valueQuantity></Observation></resource><request><method value="POST"/><url value="Observation"/></request></entry>'
        "</Bundle>"
    )
    answer = system.post("", content=transaction.encode(), headers={"Prefer": "return=representation"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{XML}; charset=utf-8")
    assert '<value value="70.50"/>' in answer.text
    statuses = [one["response"]["status"] for one in orjson.loads(json_of(answer.content))["entry"]]
    assert statuses == ["201", "201"]
    laughing = '<!DOCTYPE b [<!ENTITY a "ha">]>' + transaction
    refused = system.post("", content=laughing.encode())
    assert (refused.status_code, "DOCTYPE" in refused.text) == (400, True)
    reads = speaking(CITIZEN)
    plain, written = reads.get(f"/{own}"), reads.get(f"/{own}", headers={"Accept": XML})
    assert orjson.loads(json_of(written.content)) == plain.json()
    page = reads.get(f"/Observation?patient={own}&_count=5&_format=xml")
    bundle = orjson.loads(json_of(page.content))
    (following,) = (one["url"] for one in bundle["link"] if one["relation"] == "next")
    assert reads.get(following).headers["content-type"] == f"{XML}; charset=utf-8"
