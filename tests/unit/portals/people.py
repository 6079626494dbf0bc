"""Invented people for portal tests and previews: a lung patient with records from five places."""

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.unit.portals.fakes import FakeNetwork

NOW = datetime(2026, 2, 5, 5, 40, tzinfo=UTC)
NUMBER = "0102509995"
CONFIRMED = {"coding": [{"code": "confirmed"}]}
ACTIVE = {"coding": [{"code": "active"}]}


def concept(text: str, code: str = "", system: str = "urn:oid:1.2.208.176.2.4") -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], "text": text} if code else {"text": text}


def observation(code: str, text: str, value: float, unit: str, at: str, **more: Any) -> dict[str, Any]:
    """A numeric result."""
    return {
        "resourceType": "Observation", "status": "final", "code": concept(text, code, "urn:oid:1.2.208.176.2.1"),
        "effectiveDateTime": at, "valueQuantity": {"value": value, "unit": unit}, **more,
    }  # fmt: skip


def pressure(systolic: float, diastolic: float, at: str) -> dict[str, Any]:
    """A blood pressure with its two components."""
    loinc = "http://loinc.org"
    parts = [("8480-6", "Systolisk", systolic), ("8462-4", "Diastolisk", diastolic)]
    return {
        "resourceType": "Observation", "status": "final", "code": concept("Blodtryk", "85354-9", loinc),
        "effectiveDateTime": at,
        "component": [
            {"code": concept(t, c, loinc), "valueQuantity": {"value": v, "unit": "mm[Hg]"}} for c, t, v in parts
        ],
    }  # fmt: skip


def order(drug: str, atc: str, dose: str, reason: str, since: str, **more: Any) -> dict[str, Any]:
    """A prescription."""
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": concept(drug, atc, "http://www.whocc.no/atc"), "authoredOn": since,
        "dosageInstruction": [{"text": dose}], "reasonCode": [concept(reason)], "requester": {"display": "Maja Test Lind"},
        **more,
    }  # fmt: skip


def lung_network() -> FakeNetwork:
    """Bodil and the people around her, on the morning after she was admitted."""
    network = FakeNetwork(NOW)
    region = network.organisation("Region Prøveland")
    hospital = network.organisation("Sygehus Prøvefjord", region, "hospital")
    emergency = network.organisation("Akutmodtagelsen, Sygehus Prøvefjord", hospital, "emergency")
    clinic = network.organisation("Lægerne Prøvegade")
    municipality = network.organisation("Prøvefjord Kommune, hjemmesygeplejen")
    other = network.organisation("Sygehus Fjernby", region, "hospital")
    bodil = network.citizen("Bodil Test Prøvesen", NUMBER, date(1950, 2, 1))
    network.citizen("Bo Test Andersen", "0203609996", date(1960, 3, 2), "male")
    network.citizen("Alberto Test Importado", "0706931T7K", date(1993, 6, 7), "male", replacement=True)
    network.citizen_persona("bodil", bodil, "KOL, indlagt i går. Følges af egen læge, sygehus og kommune.")
    doctor = network.professional("rune", "Rune Test Dahl", "doctor", emergency, about="Vagthavende i akutmodtagelsen.")
    network.professional("outsider", "Sif Test Fremmed", "doctor", other, about="Har ingen i behandling.")
    network.professional("tove", "Tove Test Krogh", "secretary", other, about="Kan ikke selv erklære behandling.")
    network.professional("maja", "Maja Test Lind", "doctor", clinic, "praksis", "Bodils egen læge.")
    network.professional("ida", "Ida Test Berg", "nurse", municipality, "kommune", "Kommer hos Bodil hver dag.")
    network.admit(bodil, emergency)
    network.admit(bodil, clinic)
    network.deliver(bodil, clinic, *from_the_clinic(), updated=NOW - timedelta(days=20))
    network.deliver(bodil, emergency, *from_the_hospital(doctor), updated=NOW - timedelta(hours=1))
    network.deliver(bodil, municipality, *from_the_municipality(), updated=NOW - timedelta(days=2))
    return network


def from_the_clinic() -> list[dict[str, Any]]:
    """What the GP delivered."""
    lung = [("2023-11-10", 1.58), ("2024-11-12", 1.52), ("2025-11-14", 1.43)]
    sugar = [("2022-03-01", 39), ("2023-03-04", 41), ("2024-03-11", 40), ("2025-03-03", 43)]
    return [
        {"resourceType": "AllergyIntolerance", "clinicalStatus": ACTIVE, "verificationStatus": {"coding": [{"code": "unconfirmed"}]},
         "criticality": "high", "code": concept("penicillin", "J01C", "http://www.whocc.no/atc"), "onsetDateTime": "1998",
         "recordedDate": "2025-11-14", "reaction": [{"manifestation": [concept("nældefeber")]}], "note": [{"text": "Aldrig efterprøvet."}]},
        {"resourceType": "Condition", "clinicalStatus": ACTIVE, "verificationStatus": CONFIRMED, "code": concept("KOL", "DJ449"), "onsetDateTime": "2016", "note": [{"text": "MRC 3, CAT 18"}]},
        {"resourceType": "Condition", "clinicalStatus": ACTIVE, "verificationStatus": CONFIRMED, "code": concept("Forhøjet blodtryk", "DI109"), "onsetDateTime": "2012-05"},
        {"resourceType": "Condition", "clinicalStatus": {"coding": [{"code": "resolved"}]}, "code": concept("Hoftebrud", "DS720"), "onsetDateTime": "2009-02-03", "abatementDateTime": "2009-08-01"},
        *[observation("MCS88015", "FEV1", value, "L", at) | {"code": concept("FEV1", "MCS88015", "urn:oid:1.2.208.184.100.8")} for at, value in lung],
        *[observation("NPU27300", "HbA1c", value, "mmol/mol", at, referenceRange=[{"high": {"value": 48}}]) for at, value in sugar],
        observation("NPU19748", "CRP", 3, "mg/L", "2026-01-12T09:10:00+01:00", referenceRange=[{"high": {"value": 8}}]),
        pressure(146, 84, "2026-01-12T09:15:00+01:00"), pressure(150, 88, "2025-06-02T10:00:00+02:00"), pressure(138, 82, "2024-11-12T10:00:00+01:00"), pressure(142, 80, "2025-11-14T10:00:00+01:00"),
        order("Tiotropium/olodaterol", "R03AL06", "2 pust 1 gang dagligt", "KOL", "2025-12-05", contained=[]),
        order("Salbutamol", "R03AC02", "1–2 pust ved behov mod åndenød, højst 8 i døgnet", "åndenød", "2021-03-01", dosageInstruction=[{"text": "1–2 pust ved behov, højst 8 i døgnet", "asNeededBoolean": True}]),
        order("Amlodipin", "C08CA01", "1 tablet dagligt", "forhøjet blodtryk", "2019-08-20"),
        {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "type": [concept("Årskontrol af KOL")], "period": {"start": "2026-01-12T09:00:00+01:00", "end": "2026-01-12T09:30:00+01:00"}, "reasonCode": [concept("KOL")]},
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": concept("Pneumokokker (23-valent)"), "occurrenceDateTime": "2024-10-07"},
        {"resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "Forløbsplan for KOL", "period": {"start": "2026-01-12"}, "activity": [{"detail": {"description": "Gåtur 20 min dagligt", "status": "in-progress"}}]},
        {"resourceType": "Appointment", "status": "booked", "description": "Kontrol hos egen læge", "start": "2026-02-12T09:20:00+01:00", "participant": [{"actor": {"display": "Lægerne Prøvegade", "reference": "Location/x"}, "status": "accepted"}]},
        {"resourceType": "RelatedPerson", "active": True, "relationship": [concept("Ægtefælle")], "name": [{"text": "Uffe Test Prøvesen"}], "telecom": [{"system": "phone", "use": "work", "value": "20000014"}],
         "extension": [{"url": "https://example.org/may-be-called", "valueBoolean": True}]},
    ]  # fmt: skip


def from_the_hospital(doctor: int) -> list[dict[str, Any]]:
    """What the emergency ward delivered through the night."""
    oxygen = [("18:52", 86), ("19:05", 89), ("19:30", 91), ("20:30", 91), ("22:00", 90), ("23:30", 91)]
    night = [("02:00", 90), ("04:00", 91), ("06:20", 91)]
    range_ = [{"low": {"value": 88}, "high": {"value": 92}}]
    letter = base64.b64encode(
        "Indlagt med feber og tiltagende åndenød gennem tre dage.\nIlt 2 L, prednisolon 37,5 mg.".encode()
    ).decode()
    saturations = [
        observation("NPU03011", "SpO2", v, "%", f"2026-02-04T{t}:00+01:00", referenceRange=range_) for t, v in oxygen
    ]
    saturations += [
        observation("NPU03011", "SpO2", v, "%", f"2026-02-05T{t}:00+01:00", referenceRange=range_) for t, v in night
    ]
    return [
        {"resourceType": "Encounter", "status": "in-progress", "class": {"code": "EMER"}, "type": [concept("Akut kontakt")], "period": {"start": "2026-02-04T18:52:00+01:00"}, "reasonCode": [concept("åndenød")],
         "participant": [{"individual": {"display": "Rune Test Dahl"}}], "location": [{"location": {"display": "stue 4"}}]},
        {"resourceType": "Condition", "clinicalStatus": ACTIVE, "verificationStatus": CONFIRMED, "code": concept("KOL i forværring", "DJ441"), "onsetDateTime": "2026-02-04"},
        {"resourceType": "Condition", "clinicalStatus": ACTIVE, "verificationStatus": CONFIRMED, "code": concept("Influenza A", "DJ101"), "onsetDateTime": "2026-02-04"},
        {"resourceType": "Flag", "status": "active", "category": [concept("safety")], "code": concept("Ilt: mål 88–92 %"), "period": {"start": "2026-02-04"}},
        *saturations,
        observation("NPU19748", "CRP", 84, "mg/L", "2026-02-04T18:58:00+01:00", referenceRange=[{"high": {"value": 8}}]),
        observation("NPU19748", "CRP", 92, "mg/L", "2026-02-05T06:00:00+01:00", referenceRange=[{"high": {"value": 8}}]),
        observation("NPU02593", "Leukocytter", 11.8, "10*9/L", "2026-02-04T19:10:00+01:00", referenceRange=[{"low": {"value": 3.5}, "high": {"value": 8.8}}]),
        observation("NPU02319", "Hæmoglobin", 8.9, "mmol/L", "2026-02-04T19:10:00+01:00"),
        observation("NPU18016", "Kreatinin", 88, "µmol/L", "2026-02-04T19:10:00+01:00"),
        order("Prednisolon", "H02AB06", "1½ tablet (37,5 mg) dagligt, til og med 08.02.2026", "KOL i forværring", "2026-02-04T19:20:00+01:00"),
        {"resourceType": "MedicationAdministration", "status": "completed", "medicationCodeableConcept": concept("Prednisolon"), "effectiveDateTime": "2026-02-04T19:20:00+01:00"},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "code": concept("Ny a-punktur"), "authoredOn": "2026-02-05T05:50:00+01:00"},
        {"resourceType": "DocumentReference", "status": "current", "description": "Indlæggelsesnotat", "date": "2026-02-04T20:10:00+01:00", "content": [{"attachment": {"contentType": "text/plain", "data": letter}}]},
    ]  # fmt: skip


def from_the_municipality() -> list[dict[str, Any]]:
    """What the home nurse delivered."""
    return [
        observation("NPU03804", "Vægt", 71, "kg", "2026-01-29T10:00:00+01:00"),
        observation("NPU03804", "Vægt", 71.4, "kg", "2025-12-29T10:00:00+01:00"),
        {"resourceType": "Encounter", "status": "finished", "class": {"code": "HH"}, "type": [concept("Sygeplejebesøg")], "period": {"start": "2026-02-03T07:10:00+01:00"}},
        {"resourceType": "Appointment", "status": "booked", "description": "Hold for KOL", "start": "2026-02-10T10:00:00+01:00", "comment": "Tag din spray med."},
    ]  # fmt: skip
