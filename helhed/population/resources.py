"""FHIR R4 resources as plain dictionaries, without type, id and citizen: the chart adds those."""

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from helhed.population.facts import Json, facts
from helhed.population.moments import day_text, stamp

CPR = "urn:oid:1.2.208.176.1.2"
SOR = "urn:oid:1.2.208.176.1.1"
PROVIDER_NUMBER = "urn:oid:1.2.208.176.1.4"  # ydernummer
AUTHORISATION = "https://autregweb.sst.dk"
ROLE = "urn:helhed:role"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
HL7 = "http://terminology.hl7.org/CodeSystem/"
SYSTEMS = {
    "SKS": "urn:oid:1.2.208.176.2.4",
    "ICPC-2": "urn:oid:1.2.208.176.2.31",
    "FSIII": "urn:oid:1.2.208.176.2.21",
    "NPU": "urn:oid:1.2.208.176.2.1",
    "MCS": "urn:oid:1.2.208.184.100.8",
    "LOINC": LOINC,
}
_MEASUREMENTS = facts("measurements")["measurements"]
_WORDS = facts("measurements")["words"]
_MEDICINES = facts("medicines")["medicines"]
_VACCINES = facts("medicines")["vaccines"]
_OUT = {"H": "Høj", "L": "Lav", "N": "Normal"}
_CLASSES = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "HH": "home health",
    "IMP": "inpatient encounter",
    "VR": "virtual",
}
_LETTERS = {
    "epikrise": ("Epikrise", "18842-5", "Discharge summary"),
    "notat": ("Ambulant notat", "11506-3", "Progress note"),
    "henvisning": ("Henvisning", "57133-1", "Referral note"),
}


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding; ``system`` may be one of the short names of ``SYSTEMS``."""
    return {"system": SYSTEMS.get(system, system), "code": code} | ({"display": display} if display else {})


@cache
def hl7(system: str, code: str) -> Json:
    """A CodeableConcept of one of HL7's own code systems. Shared: never change it."""
    return {"coding": [{"system": HL7 + system, "code": code}]}


def concept(text: str, *codings: Sequence[str]) -> Json:
    """A CodeableConcept: the reader's words, and (system, code, display) behind them."""
    return {"coding": [coding(*one) for one in codings], "text": text} if codings else {"text": text}


def human_name(full: str) -> Json:
    """A name: the last word is the family name."""
    *given, family = full.split()
    return {"use": "official", "text": full, "family": family, "given": given}


@cache
def _measured(key: str) -> tuple[Json, Json, dict[str, Any], int]:
    text, codes, unit, ucum, category, decimals, intervals = _MEASUREMENTS[key]
    fixed = {"status": "final", "category": [hl7("observation-category", category)], "code": concept(text, *codes)}
    return fixed, {"unit": unit, "system": UCUM, "code": ucum} if unit else {}, intervals, decimals


def observation(key: str, value: float, when: str, sex: str = "") -> Json:
    """A number of ``data/measurements.json``, with its reference interval and how it lies to it."""
    fixed, unit, intervals, decimals = _measured(key)
    number = round(value, decimals) if decimals else round(value)
    found = {**fixed, "effectiveDateTime": when, "valueQuantity": {"value": number, **unit}}
    limits = intervals.get(sex) or intervals.get("")
    if limits:
        low, high = limits
        found["interpretation"] = [_judgement("H" if high and number > high else "L" if low and number < low else "N")]
        found["referenceRange"] = [_range(key, low, high)]
    return found


@cache
def _judgement(out: str) -> Json:
    return {"coding": [coding(HL7 + "v3-ObservationInterpretation", out, _OUT[out])]}


@cache
def _range(key: str, low: float | None, high: float | None) -> Json:
    unit = _measured(key)[1]
    return {name: {"value": limit, **unit} for name, limit in (("low", low), ("high", high)) if limit is not None}


def words(key: str, text: str, when: str) -> Json:
    """An observation in words: smoking, screening."""
    title, codes, category = _WORDS[key]
    return {
        "status": "final",
        "category": [hl7("observation-category", category)],
        "code": concept(title, *codes),
        "effectiveDateTime": when,
        "valueString": text,
    }


_PRESSURE = concept("Blodtryk", ("LOINC", "85354-9", "Blood pressure panel with all children optional"))


def blood_pressure(systolic: float, diastolic: float, when: str) -> Json:
    """A blood pressure with its two parts."""
    parts = (("systolic", systolic), ("diastolic", diastolic))
    return {
        "status": "final",
        "category": [hl7("observation-category", "vital-signs")],
        "code": _PRESSURE,
        "effectiveDateTime": when,
        "component": [
            {"code": _measured(key)[0]["code"], "valueQuantity": {"value": round(value), **_measured(key)[1]}}
            for key, value in parts
        ],
    }


def report(title: str, when: str, results: Sequence[str] = (), conclusion: str = "", category: str = "LAB") -> Json:
    """A DiagnosticReport; ``category`` is a v2 0074 code."""
    found: Json = {
        "status": "final",
        "category": [hl7("v2-0074", category)],
        "code": {"text": title},
        "effectiveDateTime": when,
        "issued": when,
    }
    if results:
        found["result"] = [{"reference": one} for one in results]
    return found | ({"conclusion": conclusion} if conclusion else {})


def condition(code: Json, onset: int, recorded: int, ended: int = 0, category: str = "problem-list-item") -> Json:
    """A condition, over when it has an end."""
    found: Json = {
        "clinicalStatus": hl7("condition-clinical", "resolved" if ended else "active"),
        "verificationStatus": hl7("condition-ver-status", "confirmed"),
        "category": [hl7("condition-category", category)],
        "code": code,
        "onsetDateTime": day_text(onset),
        "recordedDate": day_text(recorded),
    }
    if ended:
        found["abatementDateTime"] = day_text(ended)
    return found


def encounter(kind: str, title: str, start: tuple[int, int], end: tuple[int, int] | None, reason: Json | None) -> Json:
    """A contact; open without an end. ``kind`` is a v3 ActCode."""
    found: Json = {
        "status": "finished" if end else "in-progress",
        "class": {"system": HL7 + "v3-ActCode", "code": kind, "display": _CLASSES[kind]},
        "type": [{"text": title}],
        "period": {"start": stamp(*start)} | ({"end": stamp(*end)} if end else {}),
    }
    return found | ({"reasonCode": [reason]} if reason else {})


@cache
def product(key: str) -> Json:
    """The Medication behind an ordination, contained: ATC, strength and form."""
    name, atc, atc_name, strength, _, _, form, _ = _MEDICINES[key]
    return {
        "resourceType": "Medication",
        "id": "product",
        "extension": [{"url": "urn:helhed:extension/strength", "valueString": strength}],
        "code": concept(name, (ATC, atc, atc_name)),
        "form": {"text": form},
    }


def atc_of(key: str) -> str:
    """The ATC code of a medicine."""
    return str(_MEDICINES[key][1])


def medicine_name(key: str) -> str:
    """Name and strength, as letters write it."""
    return f"{_MEDICINES[key][0]} {_MEDICINES[key][3]}"


def vaccination(key: str, day: int, dose: int = 0) -> Json:
    """A vaccination that was given."""
    name, atc, atc_name = _VACCINES[key]
    found: Json = {
        "status": "completed",
        "vaccineCode": concept(name, (ATC, atc, atc_name)),
        "occurrenceDateTime": day_text(day),
        "primarySource": True,
    }
    return found | ({"protocolApplied": [{"doseNumberPositiveInt": dose}]} if dose else {})


def letter(kind: str, title: str, written: tuple[int, int], text: str, start: int, end: int) -> Json:
    """A letter in plain text as a DocumentReference."""
    name, code, display = _LETTERS[kind]
    when = stamp(*written)
    return {
        "status": "current",
        "docStatus": "final",
        "type": concept(name, (LOINC, code, display)),
        "date": when,
        "description": title,
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "language": "da",
                    "data": base64.b64encode(text.encode()).decode(),
                    "title": title,
                    "creation": when,
                }
            }
        ],
        "context": {"period": {"start": day_text(start), "end": day_text(end)}},
    }


def procedure(code: Json, when: str, note: str = "") -> Json:
    """Something that was done."""
    return {"status": "completed", "code": code, "performedDateTime": when} | (
        {"note": [{"text": note}]} if note else {}
    )


def referral(code: Json, day: int, to: Json, status: str, text: str, category: str = "", minute: int = 600) -> Json:
    """A ServiceRequest, written at a minute of a day; active with a performer, it stands accepted there."""
    found: Json = {
        "status": status,
        "intent": "order",
        "priority": "routine",
        "code": code,
        "authoredOn": stamp(day, minute),
        "performer": [to],
        "note": [{"text": text}],
    }
    return found | ({"category": [{"text": category}]} if category else {})


def plan(title: str, start: int, activities: Sequence[Json], end: int = 0, category: str = "") -> Json:
    """A CarePlan; completed when it has an end."""
    found: Json = {
        "status": "completed" if end else "active",
        "intent": "plan",
        "title": title,
        "period": {"start": day_text(start)} | ({"end": day_text(end)} if end else {}),
        "created": day_text(start),
        "activity": [{"detail": one} for one in activities],
    }
    return found | ({"category": [{"text": category}]} if category else {})


def activity(text: str, status: str = "in-progress", code: Json | None = None) -> Json:
    """One activity of a plan."""
    return {"status": status, "description": text} | ({"code": code} if code else {})


def appointment(title: str, start: tuple[int, int], minutes: int, place: str, subject: Json) -> Json:
    """A booked appointment."""
    return {
        "status": "booked",
        "description": title,
        "start": stamp(*start),
        "end": stamp(start[0], start[1] + minutes),
        "participant": [
            {"actor": subject, "status": "accepted"},
            {"actor": {"type": "Location", "display": place}, "status": "accepted"},
        ],
    }
