"""Conditions, allergies and flags."""

from collections.abc import Sequence

from demo.datatypes import Json, at, coding, compact, concept, extension, hl7, note

CATEGORIES = {
    "diagnosis": hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis"),
    "problem": hl7("condition-category", "problem-list-item", "Problem List Item"),
}


def condition(
    code: Json,
    onset: str,
    ended: str = "",
    *,
    recorded: str = "",
    category: str = "problem",
    severity: str = "",
    words: str = "",
) -> Json:
    """A condition, over when it has an end. ``code`` carries SKS, ICPC-2 or FSIII as its author writes."""
    return compact(
        {
            "resourceType": "Condition",
            "clinicalStatus": hl7("condition-clinical", "resolved" if ended else "active"),
            "verificationStatus": hl7("condition-ver-status", "confirmed"),
            "category": [CATEGORIES[category]],
            "severity": concept(severity) if severity else None,
            "code": code,
            "onsetDateTime": at(onset),
            "abatementDateTime": at(ended) if ended else None,
            "recordedDate": at(recorded or onset),
            "note": note(words) if words else None,
        }
    )


def allergy(
    code: Json,
    manifestation: Json,
    *,
    onset: str,
    recorded: str,
    certain: bool,
    criticality: str = "low",
    kind: str = "allergy",
    words: str = "",
) -> Json:
    """An allergy or intolerance to a medicine or a group of medicines (CAVE)."""
    return compact(
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
            "verificationStatus": hl7("allergyintolerance-verification", "confirmed" if certain else "unconfirmed"),
            "type": kind,
            "category": ["medication"],
            "criticality": criticality,
            "code": code,
            "onsetDateTime": at(onset),
            "recordedDate": at(recorded),
            "reaction": [{"manifestation": [manifestation], "onset": at(onset)}],
            "note": note(words) if words else None,
        }
    )


def no_known_allergies(recorded: str) -> Json:
    """Somebody asked, and there are none."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": hl7("allergyintolerance-verification", "confirmed"),
        "code": concept("Ingen kendt overfølsomhed", coding("urn:helhed:allergy", "no-known-allergies")),
        "recordedDate": at(recorded),
    }


def flag(
    text: str, start: str, *, kind: str = "", end: str = "", detail: str = "", codings: Sequence[Json] = ()
) -> Json:
    """A warning; ``kind`` "treatment-decision" or "resuscitation" makes it a decision on treatment."""
    category = (
        coding("urn:helhed:flag", kind)
        if kind
        else coding("http://terminology.hl7.org/CodeSystem/flag-category", "clinical")
    )
    return compact(
        {
            "resourceType": "Flag",
            "extension": [extension("flag-detail", "String", detail)] if detail else None,
            "status": "inactive" if end else "active",
            "category": [{"coding": [category]}],
            "code": concept(text, *codings),
            "period": {"start": at(start)} | ({"end": at(end)} if end else {}),
        }
    )
