"""Goals, plans, treatments, letters, messages and relatives."""

from collections.abc import Sequence

from demo.datatypes import (
    HL7,
    Json,
    at,
    attachment,
    coding,
    compact,
    concept,
    extension,
    hl7,
    human_name,
    note,
    period,
    phone,
    reference,
)

Activity = str | tuple[str, str]  # words, or words and a CarePlan activity status
_LETTERS = {
    "epikrise": ("Epikrise", "18842-5", "Discharge summary"),
    "notat": ("Notat", "11506-3", "Progress note"),
    "henvisning": ("Henvisning", "57133-1", "Referral note"),
    "vejledning": ("Patientvejledning", "51855-5", "Patient note"),
}


def goal(text: str, start: str, *, due: str = "", status: str = "active", achieved: str = "in-progress") -> Json:
    """A goal in the citizen's own words."""
    return compact(
        {
            "resourceType": "Goal",
            "lifecycleStatus": status,
            "achievementStatus": hl7("goal-achievement", achieved),
            "description": concept(text),
            "startDate": start,
            "target": [{"dueDate": due}] if due else None,
        }
    )


def care_plan(
    title: str,
    start: str,
    activities: Sequence[Activity],
    *,
    goals: Sequence[str] = (),
    category: Json | None = None,
    words: str = "",
    end: str = "",
    replaces: str = "",
) -> Json:
    """A plan; an activity is words, or words and a status (default in-progress)."""
    return compact(
        {
            "resourceType": "CarePlan",
            "replaces": [reference(replaces)] if replaces else None,
            "status": "completed" if end else "active",
            "intent": "plan",
            "category": [category] if category else None,
            "title": title,
            "description": words,
            "period": period(start, end or None),
            "created": at(start),
            "goal": [reference(one) for one in goals],
            "activity": [_activity(one) for one in activities],
        }
    )


def _activity(one: Activity) -> Json:
    words, status = one if isinstance(one, tuple) else (one, "in-progress")
    return {"detail": {"status": status, "description": words}}


def procedure(
    what: Json, performed: str, *, end: str = "", words: str = "", status: str = "completed", site: str = ""
) -> Json:
    """A treatment or an examination that was done."""
    when = {"performedPeriod": period(performed, end)} if end else {"performedDateTime": at(performed)}
    return compact(
        {
            "resourceType": "Procedure",
            "status": status,
            "code": what,
            **when,
            "bodySite": [concept(site)] if site else None,
            "note": note(words) if words else None,
        }
    )


def letter(kind: str, title: str, written: str, text: str, *, start: str = "", end: str = "", masked: str = "") -> Json:
    """A letter or a note as a DocumentReference; ``masked`` says from whom it is kept."""
    name, code, display = _LETTERS[kind]
    label = concept(masked, coding("urn:helhed:mask", "parent")) if masked else None
    return compact(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "docStatus": "final",
            "type": concept(name, coding("http://loinc.org", code, display)),
            "date": at(written if " " in written else f"{written} 12:00"),
            "description": title,
            "securityLabel": [label] if label else None,
            "content": [{"attachment": attachment(text, title, written)}],
            "context": {"period": period(start, end or None)} if start else None,
        }
    )


def message(topic: str, sent: str, text: str, *, to: Sequence[Json] = (), category: str = "") -> Json:
    """A message."""
    return compact(
        {
            "resourceType": "Communication",
            "status": "completed",
            "category": [concept(category)] if category else None,
            "topic": concept(topic),
            "recipient": list(to),
            "sent": at(sent),
            "payload": [{"contentString": text}],
        }
    )


def related_person(
    name: str,
    relation: tuple[str, str],
    *,
    phones: Sequence[tuple[str, str]] = (),
    may_be_called: bool | None = None,
    wish: str = "",
    identifiers: Sequence[Json] = (),
    gender: str = "",
) -> Json:
    """Somebody close: relation as (v3 RoleCode, Danish word), phones as (number, use), and what the citizen allows."""
    code, word = relation
    allowed = [extension("may-be-called", "Boolean", may_be_called)] if may_be_called is not None else []
    wishes = [extension("may-be-called-note", "String", wish)] if wish else []
    return compact(
        {
            "resourceType": "RelatedPerson",
            "extension": [*allowed, *wishes],
            "identifier": list(identifiers),
            "active": True,
            "relationship": [concept(word, coding(HL7 + "v3-RoleCode", code))],
            "name": [human_name(name)],
            "telecom": [phone(number, use) for number, use in phones],
            "gender": gender,
        }
    )
