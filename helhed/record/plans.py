"""What is planned: appointments, orders not yet carried out, and plans with their goals."""

from dataclasses import dataclass
from datetime import datetime

from helhed.record.coding import Coded, coded
from helhed.record.moments import Moment, moment
from helhed.record.paths import Json, objects, text, walk
from helhed.record.reading import Entry, Record


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment to come."""

    what: str
    start: Moment
    place: str
    who: str
    instruction: str
    origin: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An active plan, its activities that are left and its goals."""

    what: str
    since: Moment | None
    activities: tuple[str, ...]
    goals: tuple[str, ...]
    origin: int


@dataclass(frozen=True, slots=True)
class Order:
    """Something ordered and not yet done."""

    what: str
    at: Moment | None
    origin: int


def visits(record: Record, now: datetime) -> list[Visit]:
    """Booked appointments from now on, the nearest first."""
    found = (_visit(entry) for entry in record.of("Appointment") if entry.content.get("status") in _BOOKED)
    return sorted((v for v in found if v and v.start.ends >= now), key=lambda visit: visit.start)


_BOOKED = {"booked", "proposed", "pending", "arrived", "checked-in"}


def _visit(entry: Entry) -> Visit | None:
    content, start = entry.content, moment(entry.content.get("start"))
    if start is None:
        return None
    actors = [actor for actor in walk(content, "participant.actor") if isinstance(actor, dict)]
    return Visit(
        what=_title(content) or (coded(content.get("reasonCode")) or Coded("")).text,
        start=start,
        place=next((text(a, "display") for a in actors if _is_place(a)), ""),
        who=next((text(a, "display") for a in actors if "Practitioner" in text(a, "reference")), ""),
        instruction=text(content, "patientInstruction", "comment"),
        origin=entry.origin,
    )


def _is_place(actor: Json) -> bool:
    return (text(actor, "type") or text(actor, "reference").split("/")[0]) in ("Location", "HealthcareService")


def _title(content: Json) -> str:
    named = coded(content.get("serviceType")) or coded(content.get("appointmentType"))
    return text(content, "description") or (named.text if named else "")


def plans(record: Record) -> list[Plan]:
    """Active plans, the newest first."""
    found = [
        _plan(record, entry) for entry in record.of("CarePlan") if entry.content.get("status") in ("active", "on-hold")
    ]
    return sorted(found, key=lambda plan: -plan.since.at.timestamp() if plan.since else 0.0)


def _plan(record: Record, entry: Entry) -> Plan:
    content = entry.content
    kinds = [concept.text for concept in map(coded, walk(content, "category")) if concept]
    goals = [record.resolve(reference) for reference in objects(content.get("goal"))]
    return Plan(
        what=text(content, "title") or (kinds[-1] if kinds else text(content, "description")),
        since=entry.moment,
        activities=tuple(dict.fromkeys(_activities(content))),
        goals=tuple(words for goal in goals if goal and (words := goal_words(goal))),
        origin=entry.origin,
    )


def _activities(content: Json) -> list[str]:
    details = [detail for detail in walk(content, "activity.detail") if isinstance(detail, dict)]
    return [
        text(detail, "description") or (coded(detail.get("code")) or Coded("?")).text
        for detail in details
        if detail.get("status") not in ("completed", "cancelled", "stopped", "entered-in-error")
    ]


def goal_words(goal: Entry) -> str:
    """What a Goal wants, in the sender's words."""
    wanted = coded(goal.content.get("description"))
    return wanted.text if wanted else ""


def orders(record: Record) -> list[Order]:
    """Orders that wait, the newest first."""
    found = [
        Order((coded(e.content.get("code")) or coded(e.content.get("category")) or Coded("?")).text, e.moment, e.origin)
        for e in record.of("ServiceRequest")
        if e.content.get("status") in ("active", "on-hold")
    ]
    return sorted(found, key=lambda order: -order.at.at.timestamp() if order.at else 0.0)
