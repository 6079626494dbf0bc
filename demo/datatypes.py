"""FHIR R4 data types as plain dictionaries: identifiers, codes, quantities, times and references."""

import base64
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]

CPR = "urn:oid:1.2.208.176.1.2"
SOR = "urn:oid:1.2.208.176.1.1"
PROVIDER_NUMBER = "urn:oid:1.2.208.176.1.4"  # ydernummer
GLN = "http://www.gs1.org/gln"
SHAK = "urn:helhed:shak"
AUTHORISATION = "https://autregweb.sst.dk"
SKS = "urn:oid:1.2.208.176.2.4"
ICPC2 = "urn:oid:1.2.208.176.2.31"
NPU = "urn:oid:1.2.208.176.2.1"
FSIII = "urn:oid:1.2.208.176.2.21"
MCS = "urn:oid:1.2.208.184.100.8"
ATC = "http://www.whocc.no/atc"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ROLE = "urn:helhed:role"
EXTENSION = "urn:helhed:extension/"
URI = "urn:ietf:rfc:3986"
HL7 = "http://terminology.hl7.org/CodeSystem/"

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:helhed:demo")
_DATE_LENGTH = len("2026-11-23")
#: units in the words a Danish reader expects, and their UCUM code
UNITS = {
    "%": "%",
    "10⁹/L": "10*9/L",
    "10⁻³ IU/L": "m[IU]/L",
    "1/min": "/min",
    "L": "L",
    "U/L": "U/L",
    "L/min": "L/min",
    "cm": "cm",
    "g": "g",
    "gange": "{count}",
    "g/L": "g/L",
    "kPa": "kPa",
    "kg": "kg",
    "kg/m²": "kg/m2",
    "m": "m",
    "mL/min": "mL/min/{1.73_m2}",
    "mg": "mg",
    "mg/L": "mg/L",
    "mg/g": "mg/g",
    "mm": "mm",
    "mmHg": "mm[Hg]",
    "mmol/L": "mmol/L",
    "mmol/mol": "mmol/mol",
    "ms": "ms",
    "nmol/L": "nmol/L",
    "pakkeår": "{pack}.a",
    "pust": "{puff}",
    "point": "{score}",
    "timer/uge": "h/wk",
    "µg/L": "ug/L",
    "µmol/L": "umol/L",
    "°C": "Cel",
}


def urn(*parts: object) -> str:
    """The address of a thing in this world: always the same for the same words."""
    return uuid5(_NAMESPACE, "/".join(map(str, parts))).urn


def at(text: str) -> str:
    """A FHIR date or dateTime: "2026-02-04" stays a date, "2026-02-04 18:52" is Danish local time."""
    if len(text) <= _DATE_LENGTH:
        return text
    day, _, clock = text.partition(" ")
    return f"{day}T{clock}:00{danish_offset(day)}"


@cache
def danish_offset(day: str) -> str:
    """Offset of Europe/Copenhagen at noon of a day: summer time from the last Sunday of March to that of October."""
    moment = date.fromisoformat(day)
    summer = _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10)
    return "+02:00" if summer else "+01:00"


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def minutes_after(text: str, minutes: int) -> str:
    """The same moment some minutes later, in the same form ("2026-02-04 18:52")."""
    return (datetime.fromisoformat(text) + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M")


def period(start: str, end: str | None = None) -> Json:
    """A Period; open when no end is given."""
    return {"start": at(start)} | ({"end": at(end)} if end else {})


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(text: str, *codings: Json) -> Json:
    """A CodeableConcept: the reader's words, and the codes behind them."""
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


def hl7(system: str, code: str, display: str = "") -> Json:
    """A CodeableConcept of one of HL7's own code systems."""
    return {"coding": [coding(HL7 + system, code, display)]}


def quantity(value: float, unit: str) -> Json:
    """A Quantity with its UCUM code; a bare number when it has no unit."""
    number = int(value) if value == int(value) else value
    return {"value": number} if not unit else {"value": number, "unit": unit, "system": UCUM, "code": UNITS[unit]}


def reference(target: str, display: str = "") -> Json:
    """A Reference."""
    return {"reference": target} | ({"display": display} if display else {})


def identifier(system: str, value: str, use: str = "official") -> Json:
    """An Identifier."""
    return {"use": use, "system": system, "value": value}


def extension(name: str, kind: str, value: object) -> Json:
    """One of our own extensions: ``kind`` is the type after "value"."""
    return {"url": EXTENSION + name, "value" + kind: value}


def note(text: str, written: str = "") -> list[Json]:
    """A list of one Annotation."""
    return [{"text": text} | ({"time": at(written)} if written else {})]


def attachment(text: str, title: str, created: str) -> Json:
    """A text as an Attachment."""
    data = base64.b64encode(text.encode()).decode()
    return {
        "contentType": "text/plain; charset=utf-8",
        "language": "da",
        "data": data,
        "title": title,
        "creation": at(created),
    }


def phone(value: str, use: str = "mobile") -> Json:
    """A telephone number."""
    return {"system": "phone", "value": value, "use": use}


def human_name(full: str) -> Json:
    """A name written "Jens Test Holm": the last word is the family name."""
    *given, family = full.split()
    return {"use": "official", "text": full, "family": family, "given": given}


def compact(resource: Json) -> Json:
    """Without the elements that hold nothing."""
    return {key: value for key, value in resource.items() if value not in (None, "", [], {})}
