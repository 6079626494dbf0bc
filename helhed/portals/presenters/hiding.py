"""Who sees a record on a patient's behalf, what is hidden from them, and what could be, in plain words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.parts import listed_elements
from helhed.record.facts import TYPES
from helhed.record.reading import Entry, Record
from helhed.record.timeline import title
from helhed.trust.acting.rights import ActingOn, Hidden
from helhed.trust.policy import BASIS_NUMBERS

_NEVER = datetime(9990, 1, 1, tzinfo=UTC)
_YOUTH = BASIS_NUMBERS["decision-for-youth"]
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class ActingRow:
    """One who acts for the patient."""

    id: UUID
    name: str
    basis: str
    until: str
    ground: str
    may_decide: bool
    may_undo: bool


@dataclass(frozen=True, slots=True)
class HiddenRow:
    """A row that is hidden."""

    id: UUID
    what: str
    whom: str
    reason: str
    until: str
    by: str
    parts: str  #: of a mask of a part, what is hidden
    row: str  #: of such a mask, the row, when the reader sees it


@dataclass(frozen=True, slots=True)
class RowChoice:
    """A row that can be hidden."""

    value: str
    label: str


def _until(until: datetime, words: Words) -> str:
    return words("insight.no_end") if until >= _NEVER else words("acting.to", when=words.instant(until))


def acting_views(found: Sequence[ActingOn], words: Words) -> list[ActingRow]:
    """Those who act now first, then the parents whom a birthday has shut out."""
    return [
        ActingRow(
            one.id,
            one.actor_name,
            words(f"insight.by.{one.basis}") if one.holds else words("insight.by.over"),
            _until(one.until, words) if one.holds else "",
            one.ground,
            one.may_decide,
            one.holds and one.basis == _YOUTH,
        )
        for one in found
    ]


def hidden_views(found: Sequence[Hidden], record: Record, words: Words) -> list[HiddenRow]:
    """What is hidden: named when the reader sees the row, else by its kind."""
    seen = {entry.id: entry for entry in record.entries}
    return [
        HiddenRow(
            one.id,
            _label(record, seen[one.resource], words) if one.resource in seen else words.kind_of_data(one.type_name),
            words("insight.from_citizen" if one.from_citizen else "insight.from_others"),
            one.reason,
            _until(one.until, words),
            one.set_by_name,
            listed_elements(one.elements, words),
            seen[one.resource].reference if one.elements and one.resource in seen else "",
        )
        for one in found
    ]


def rows_of(record: Record, hidden: Collection[UUID], words: Words, names: Names) -> list[RowChoice]:
    """The newest rows that are not hidden yet."""
    kept = [
        entry
        for entry in record.entries
        if entry.type_name in TYPES and TYPES[entry.type_name].kind and entry.id not in hidden
    ]
    kept.sort(key=lambda entry: entry.moment.at.timestamp() if entry.moment else 0.0, reverse=True)
    return [
        RowChoice(
            entry.reference,
            f"{_label(record, entry, words)} ({names.organisation(entry.origin) or words('source.unknown')})",
        )
        for entry in kept[:MOST_ROWS]
    ]


def _label(record: Record, entry: Entry, words: Words) -> str:
    named = title(record, entry) or words.either(f"type.{entry.type_name}", words.kind_of_data(entry.type_name))
    when = words.moment(entry.moment, time=False)
    return f"{when} {named}".strip()
