"""Measurements, laboratory results, reports and scores, by the catalogue in ``data/measurements.json``."""

from collections.abc import Mapping, Sequence
from typing import Any

from demo.catalogue import MEASUREMENTS, Measure
from demo.datatypes import HL7, Json, at, coding, compact, concept, hl7, note, quantity, reference

Interval = tuple[float | None, float | None]
_BLOOD_PRESSURE = concept(
    "Blodtryk", coding("http://loinc.org", "85354-9", "Blood pressure panel with all children optional")
)
_OUT = {"H": "Høj", "L": "Lav", "N": "Normal", "A": "Unormal"}


def observation(
    key: str,
    value: float | str,
    when: str,
    *,
    sex: str = "",
    words: str = "",
    out: str = "",
    status: str = "final",
    method: str = "",
    title: str = "",
    interval: Interval | None = None,
) -> Json:
    """One value of the catalogue. Numbers get their unit, reference interval (by sex, or personal) and interpretation."""
    measure = MEASUREMENTS[key]
    return compact(
        {
            "resourceType": "Observation",
            "status": status,
            "category": [hl7("observation-category", measure.category)],
            "code": measure.code if not title else {**measure.code, "text": title},
            "effectiveDateTime": at(when),
            **_value(measure, value, interval or measure.interval(sex), out, personal=interval is not None),
            "method": concept(method) if method else None,
            "note": note(words) if words else None,
        }
    )


def _value(measure: Measure, value: float | str, limits: Interval, out: str, *, personal: bool = False) -> Json:
    if isinstance(value, str):
        return {"valueString": value} | _interpretation(out)
    low, high = limits
    interval = compact({"low": _limit(low, measure.unit), "high": _limit(high, measure.unit)})
    if personal:
        interval["type"] = {"text": "Personlige grænser, aftalt med lægen"}
    found = out or _judge(value, low, high)
    number: Json = {"valueQuantity": quantity(value, measure.unit)}
    return number | _interpretation(found) | ({"referenceRange": [interval]} if interval else {})


def _limit(value: float | None, unit: str) -> Json | None:
    return None if value is None else quantity(value, unit)


def _judge(value: float, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return "H" if high is not None and value > high else "L" if low is not None and value < low else "N"


def _interpretation(out: str) -> Json:
    return (
        {"interpretation": [concept("", coding(HL7 + "v3-ObservationInterpretation", out, _OUT[out]))]} if out else {}
    )


def blood_pressure(systolic: float, diastolic: float, when: str, *, words: str = "", home: bool = False) -> Json:
    """A blood pressure with its two parts, mmHg."""
    parts = [("systolic", systolic), ("diastolic", diastolic)]
    components = [{"code": MEASUREMENTS[key].code, "valueQuantity": quantity(value, "mmHg")} for key, value in parts]
    return compact(
        {
            "resourceType": "Observation",
            "status": "final",
            "category": [hl7("observation-category", "vital-signs")],
            "code": _BLOOD_PRESSURE,
            "effectiveDateTime": at(when),
            "method": concept("Hjemmeblodtryk") if home else None,
            "component": components,
            "note": note(words) if words else None,
        }
    )


def diagnostic_report(
    title: str,
    when: str,
    *,
    results: Sequence[str] = (),
    conclusion: str = "",
    category: str = "LAB",
    code: Json | None = None,
) -> Json:
    """A report; ``category`` is a v2 0074 code (LAB, RAD, PAT, EC, ...)."""
    return compact(
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "category": [hl7("v2-0074", category)],
            "code": code or concept(title),
            "effectiveDateTime": at(when),
            "issued": _instant(when),
            "result": [reference(result) for result in results],
            "conclusion": conclusion,
        }
    )


def _instant(when: str) -> str | None:
    found = at(when)
    return found if "T" in found else None


def questionnaire_response(title: str, authored: str, answers: Mapping[str, int | str], *, canonical: str) -> Json:
    """Answers of a filled-in questionnaire: link id → whole number or words. The questions stay with their owners."""
    items = [{"linkId": link, "answer": [_answer(value)]} for link, value in answers.items()]
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": canonical,
        "status": "completed",
        "authored": at(authored),
        "item": [{"linkId": "titel", "text": title}, *items],
    }


def _answer(value: int | str) -> dict[str, Any]:
    return {"valueInteger": value} if isinstance(value, int) else {"valueString": value}
