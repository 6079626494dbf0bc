"""Contacts, appointments and referrals."""

from collections.abc import Sequence

from demo.datatypes import HL7, Json, at, coding, compact, concept, period

_EXTENSION = "urn:helhed:extension:appointment-"
_SETTINGS = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "FLD": "field",
    "HH": "home health",
    "IMP": "inpatient encounter",
    "VR": "virtual",
}


def encounter(
    setting: str,
    title: str,
    start: str,
    end: str | None = None,
    *,
    status: str = "",
    unit: Json | None = None,
    reasons: Sequence[Json] = (),
    place: str = "",
    discharged_to: str = "",
    admitted_from: str = "",
) -> Json:
    """A contact; without an end it is open. ``setting`` is a v3 ActCode (AMB, EMER, HH, IMP, VR, FLD)."""
    stay = compact(
        {
            "admitSource": concept(admitted_from) if admitted_from else None,
            "dischargeDisposition": concept(discharged_to) if discharged_to else None,
        }
    )
    return compact(
        {
            "resourceType": "Encounter",
            "status": status or ("finished" if end else "in-progress"),
            "class": coding(HL7 + "v3-ActCode", setting, _SETTINGS[setting]),
            "type": [concept(title)],
            "reasonCode": list(reasons),
            "period": period(start, end),
            "hospitalization": stay,
            "location": [{"location": {"display": place}}] if place else None,
            "serviceProvider": unit,
        }
    )


def appointment(
    title: str,
    start: str,
    end: str,
    *,
    unit: Json,
    who: Json | None = None,
    patient_words: str = "",
    status: str = "booked",
    manner: str = "in-person",
    answers: Sequence[str] = (),
) -> Json:
    """An appointment at a unit, perhaps with somebody. The citizen is added with the record.

    ``manner`` is in-person, telephone, video or home; ``answers`` is what the citizen may say, when not everything: confirm, cancel, move.
    """
    place = {"type": "Location", "display": unit["display"]}  # R4 knows no Organization as a participant
    others = [*([] if manner == "home" else [place]), *([who] if who else [])]
    participants = [{"actor": actor, "status": "accepted"} for actor in others]
    return compact(
        {
            "resourceType": "Appointment",
            "extension": [
                {"url": f"{_EXTENSION}manner", "valueCode": manner},
                *({"url": f"{_EXTENSION}answers", "valueCode": answer} for answer in answers),
            ],
            "status": status,
            "description": title,
            "start": at(start),
            "end": at(end),
            "patientInstruction": patient_words,
            "participant": participants,
        }
    )


def referral(
    what: Json,
    written: str,
    *,
    to: Json | None = None,
    status: str = "active",
    reasons: Sequence[Json] = (),
    category: Json | None = None,
    when: str = "",
    text: str = "",
    priority: str = "routine",
) -> Json:
    """A ServiceRequest. Active with a performer, it stands accepted at that unit."""
    return compact(
        {
            "resourceType": "ServiceRequest",
            "status": status,
            "intent": "order",
            "priority": priority,
            "category": [category] if category else None,
            "code": what,
            "authoredOn": at(written),
            "occurrenceDateTime": at(when) if when else None,
            "performer": [to] if to else None,
            "reasonCode": list(reasons),
            "note": [{"text": text}] if text else None,
        }
    )


def implant(what: str, *, since: str = "", words: str = "") -> Json:
    """A device the citizen carries in the body."""
    return compact(
        {
            "resourceType": "Device",
            "status": "active",
            "type": concept(what),
            "manufactureDate": at(since) if since else None,
            "note": [{"text": words}] if words else None,
        }
    )
