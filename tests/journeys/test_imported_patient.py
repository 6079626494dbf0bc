"""A patient from abroad: read in while the network runs, found, seen, told in the log, blocked, gone."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.live import LiveServer

pytestmark = pytest.mark.journey

DOCTOR, SOURCE = "anders-emergency", "Riverside Test Clinic"
GIVEN, FAMILY, ALLERGY = "Wilma", "Testerfield", "Penicillin V"

#: as an American hospital would send it: no CPR number, SNOMED and RxNorm in English, references within the bundle
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "fullUrl": "urn:uuid:6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a01",
            "resource": {
                "resourceType": "Patient",
                "id": "6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a01",
                "identifier": [{"system": "http://riverside.example.org/mrn", "value": "MRN-004711"}],
                "name": [{"use": "official", "family": FAMILY, "given": [GIVEN], "prefix": ["Mrs."]}],
                "gender": "female",
                "birthDate": "1961-07-19",
                "address": [{"city": "Springfield", "state": "MA", "country": "US"}],
            },
        },
        {
            "fullUrl": "urn:uuid:6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a02",
            "resource": {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                            "code": "active",
                        }
                    ]
                },
                "criticality": "high",
                "code": {
                    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7984"}],
                    "text": ALLERGY,
                },
                "patient": {"reference": "urn:uuid:6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a01"},
                "recordedDate": "2019-03-02T09:30:00-05:00",
            },
        },
        {
            "fullUrl": "urn:uuid:6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a03",
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {
                    "coding": [{"system": "http://loinc.org", "code": "8310-5", "display": "Body temperature"}],
                    "text": "Body temperature",
                },
                "subject": {"reference": "urn:uuid:6f1d6a34-5f54-4d0c-8a55-0d7e2c1b9a01"},
                "effectiveDateTime": "2019-03-02T09:30:00-05:00",
                "valueQuantity": {
                    "value": 37.2,
                    "unit": "Cel",
                    "system": "http://unitsofmeasure.org",
                    "code": "Cel",
                },
            },
        },
    ],
}


def found(server: LiveServer, token: str, address: str) -> Any:
    """What the FHIR door answers a search."""
    request = urllib.request.Request(f"{server.url}/fhir/{address}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def measurements(server: LiveServer, token: str, patient: str) -> int:
    """How many measurements of the patient this token finds."""
    return int(found(server, token, f"Observation?patient={patient}&_total=accurate")["total"])


def test_an_imported_patient_is_found_seen_told_of_and_hidden(journey, live_server, tmp_path: Path):
    # given a bundle from a foreign hospital, read in while the network runs
    path = tmp_path / "wilma.json"
    path.write_text(json.dumps(BUNDLE), "utf-8")
    report = live_server.helhed("import", "--source", SOURCE, str(path))
    assert "3 entries = 3 stored + 0 merged + 0 rejected" in report

    # given an acute doctor who knows the name only, and has no relation to her
    doctor = journey.given(DOCTOR)
    doctor.looks_up(f"{GIVEN} {FAMILY}")
    expect(doctor.page.get_by_role("heading", name="Du har ingen registreret behandlingsrelation")).to_be_visible()
    assert ALLERGY not in doctor.reads()
    number = doctor.page.locator("h1 + p b").inner_text()

    # when he declares that he treats her now
    doctor.page.get_by_label("Ja, jeg undersøger eller behandler patienten nu").check()
    doctor.page.get_by_role("button", name="Ja, åbn patienten").click()

    # then the foreign record is on his screen, its temperature in degrees as Danes write them
    expect(doctor.page.get_by_role("heading", name=f"CAVE: {ALLERGY}")).to_be_visible()
    expect(doctor.page.locator(".hh-sources")).to_contain_text(SOURCE)
    assert "37,2 °C" in doctor.reads()
    assert doctor.page.get_by_text("Erstatnings-CPR").first.is_visible()

    # and through the FHIR door, with his token
    token = live_server.token(DOCTOR)
    citizen = journey.person()
    citizen.goes_to("/log-ind/mitid")
    citizen.page.get_by_label("Navn, CPR-nummer eller erstatnings-CPR").fill(number)
    citizen.page.get_by_role("button", name="Søg").click()
    found = citizen.page.locator("form", has_text=f"{GIVEN} {FAMILY}").last
    patient = found.locator("input[name=person]").input_value().replace("patient:", "Patient/")
    assert measurements(live_server, token, patient) == 1

    # when she logs in by the replacement number the import gave her
    found.get_by_role("button").click()
    citizen.page.wait_for_url(re.compile("/borger$"))
    citizen.page.get_by_role("link", name="Min log").first.click()

    # then his look stands in her log, with his name and his reason, and his declaration once and without repeating itself
    name = doctor.page.locator(".hh-who").inner_text().split(",")[0]
    entries = citizen.page.locator(".hh-log > li", has_text=name)
    expect(entries.filter(has_text="så").first).to_contain_text(
        "fordi vedkommende selv har erklæret at have dig i behandling"
    )
    declared = entries.filter(has_text="erklærede at have dig i behandling nu")
    expect(declared).to_have_count(1)
    expect(declared).not_to_contain_text("fordi")

    # when she blocks the hospital from there
    entries.first.get_by_role("link", name="Spær for dette sted").click()
    expect(
        citizen.page.get_by_role("heading", name=f"Det betyder mest: overfølsomhed over for {ALLERGY}").first
    ).to_be_visible()
    citizen.page.get_by_role("button", name="Gem spærringen").click()
    expect(citizen.page.get_by_role("status").first).to_contain_text("gælder fra næste opslag")

    # then it is gone at the next request, on the page and in the count
    doctor.page.reload()
    expect(doctor.page.locator(".hh-sources")).to_contain_text("Intet vises her")
    assert ALLERGY not in doctor.reads()
    assert measurements(live_server, token, patient) == 0

    # and she still sees it all herself
    citizen.goes_to("/borger")
    expect(citizen.page.get_by_role("heading", name="Overfølsomhed")).to_be_visible()
    assert ALLERGY in citizen.reads()
