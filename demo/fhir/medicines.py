"""Ordinations, administrations, dispensings and vaccinations, by the catalogues in ``data/``."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.catalogue import MEDICINES, VACCINES
from demo.datatypes import ATC, Json, at, coding, compact, concept, extension, hl7, note, period, reference


@dataclass(frozen=True, slots=True)
class Dose:
    """How often: Danish words, and the same as structure where it can be said."""

    text: str
    frequency: int = 0  #: times each period
    days: int = 1  #: the period, in days
    as_needed: str = ""  #: against what, when taken as needed


def product(key: str) -> Json:
    """The Medication behind an ordination, contained: ATC, strength and form."""
    medicine = MEDICINES[key]
    return {
        "resourceType": "Medication",
        "id": "product",
        "extension": [extension("strength", "String", medicine.strength)],
        "code": concept(medicine.name, coding(ATC, medicine.atc, medicine.atc_name)),
        "form": concept(medicine.form),
    }


def medication_request(
    key: str,
    dose: Dose,
    reason: str,
    since: str,
    *,
    until: str = "",
    status: str = "active",
    written: str = "",
    why_stopped: str = "",
    inpatient: bool = False,
    private: bool = False,
    dispensed_in_doses: bool = False,
    words: str = "",
    reason_codes: Sequence[Json] = (),
) -> Json:
    """An ordination: what, how much, against what, since when and until when."""
    marks = [("private-mark", private), ("dose-dispensed", dispensed_in_doses)]
    return compact(
        {
            "resourceType": "MedicationRequest",
            "contained": [product(key)],
            "extension": [extension(name, "Boolean", True) for name, holds in marks if holds],
            "status": status,
            "statusReason": concept(why_stopped) if why_stopped else None,
            "intent": "order",
            "category": [hl7("medicationrequest-category", "inpatient" if inpatient else "community")],
            "medicationReference": {"reference": "#product"},
            "authoredOn": at(written or since),
            "reasonCode": [concept(reason, *reason_codes)],
            "note": note(words) if words else None,
            "dosageInstruction": [_dosage(dose, since, until)],
        }
    )


def _dosage(dose: Dose, since: str, until: str) -> Json:
    repeat: Json = {"boundsPeriod": period(since, until or None)}
    if dose.frequency:
        repeat |= {"frequency": dose.frequency, "period": dose.days, "periodUnit": "d"}
    needed = {"asNeededCodeableConcept": concept(dose.as_needed)} if dose.as_needed else {}
    return {"text": dose.text, "timing": {"repeat": repeat}} | needed


def medication_administration(key: str, given: str, amount: str, *, order: str) -> Json:
    """A dose given, or seen taken."""
    medicine = MEDICINES[key]
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": concept(medicine.name, coding(ATC, medicine.atc, medicine.atc_name)),
        "effectiveDateTime": at(given),
        "request": reference(order),
        "dosage": {"text": amount},
    }


def medication_dispense(key: str, handed_over: str, packs: str, *, order: str, substituted: str = "") -> Json:
    """A pack handed over at the pharmacy."""
    medicine = MEDICINES[key]
    change = {"wasSubstituted": True, "reason": [concept(substituted)]} if substituted else None
    return compact(
        {
            "resourceType": "MedicationDispense",
            "status": "completed",
            "medicationCodeableConcept": concept(medicine.name, coding(ATC, medicine.atc, medicine.atc_name)),
            "authorizingPrescription": [reference(order)],
            "whenHandedOver": at(handed_over),
            "note": note(packs),
            "substitution": change,
        }
    )


def immunization(key: str, given: str, *, dose_number: int = 0, status: str = "completed", why_not: str = "") -> Json:
    """A vaccination; ``status`` "not-done" with a reason when it was missed or declined."""
    vaccine = VACCINES[key]
    name = vaccine.name if status == "completed" else f"{vaccine.name} (ikke givet)"
    return compact(
        {
            "resourceType": "Immunization",
            "status": status,
            "statusReason": concept(why_not) if why_not else None,
            "vaccineCode": concept(name, coding(ATC, vaccine.atc, vaccine.atc_name)),
            "occurrenceDateTime": at(given),
            "primarySource": True,
            "protocolApplied": [{"doseNumberPositiveInt": dose_number}] if dose_number else None,
        }
    )
