"""Contacts: admissions, visits and consultations."""

from dataclasses import dataclass

from helhed.record.coding import Coded, coded, codes
from helhed.record.moments import Moment, moment
from helhed.record.paths import text, walk
from helhed.record.reading import Entry, Record

_OPEN = {"arrived", "triaged", "in-progress", "onleave"}
_IN_BED = {"IMP", "ACUTE", "EMER", "NONAC", "OBSENC"}
_UNREAL = {"entered-in-error", "cancelled", "planned"}


@dataclass(frozen=True, slots=True)
class Contact:
    """An Encounter, with what a reader asks about it."""

    what: Coded
    setting: str  #: v3 ActCode of Encounter.class: IMP, AMB, EMER, VR, HH, ...
    open: bool
    start: Moment | None
    end: Moment | None
    reasons: tuple[str, ...]
    provider: object  #: Reference to the Organization
    responsible: str
    place: str
    origin: int


def contacts(record: Record) -> list[Contact]:
    """Contacts that took or take place, open ones first (admissions before courses), then the newest."""
    found = [_contact(entry) for entry in record.of("Encounter") if entry.content.get("status") not in _UNREAL]
    return sorted(
        found,
        key=lambda c: (not c.open, c.open and c.setting not in _IN_BED, -c.start.at.timestamp() if c.start else 0.0),
    )


def _contact(entry: Entry) -> Contact:
    content = entry.content
    return Contact(
        what=coded(content.get("type")) or coded(content.get("serviceType")) or Coded(""),
        setting=next(iter(codes(content.get("class"))), ""),
        open=content.get("status") in _OPEN,
        start=moment(text(content, "period.start")),
        end=moment(text(content, "period.end")),
        reasons=_reasons(content),
        provider=content.get("serviceProvider"),
        responsible=text(content, "participant.individual.display"),
        place=text(content, "location.location.display"),
        origin=entry.origin,
    )


def _reasons(content: object) -> tuple[str, ...]:
    found = (coded(reason) for reason in walk(content, "reasonCode"))
    return tuple(dict.fromkeys(reason.text for reason in found if reason))
