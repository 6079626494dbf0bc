"""The timeline: everything that happened, in one order of time over all organisations."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from helhed.record.coding import coded
from helhed.record.facts import TYPES
from helhed.record.measuring import Measured, values_of
from helhed.record.medicines import drug_of
from helhed.record.moments import Moment
from helhed.record.paths import Json, objects, text, walk
from helhed.record.reading import Entry, Record

PAGE_SIZE = 40
_RETRACTED = {"entered-in-error", "cancelled", "nullified"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing on the timeline. Measurements of one visit stand together as one event."""

    kind: str
    type_name: str
    at: Moment
    title: str  #: the sender's words; "" when the type is all that is known
    origin: int
    entry: Entry
    values: tuple[Measured, ...] = ()
    since: Moment | None = None  #: the oldest of several days of the same measurements, told as one
    days: int = 1


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show: a kind ("" for all), a source (None for all) and only what happened before a day."""

    kind: str = ""
    source: int | None = None
    before: date | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page of the timeline: whole days, newest first, and where the next begins."""

    events: tuple[Event, ...]
    before: date | None  #: pass on as ``Filter.before`` for the next page; None at the end
    total: int
    kinds: dict[str, int]  #: how many of each kind there are with the same source
    years: dict[int, int]  #: how many each year has


def events(record: Record, until: datetime) -> list[Event]:
    """Everything with a kind and a date up to a moment, newest first."""
    reported = _reported(record)
    single = [event for entry in record.entries if (event := _event(record, entry, reported)) is not None]
    happened = [event for event in [*single, *_days_measured(record, reported)] if event.at.at <= until]
    return _runs(sorted(happened, key=_newest_first))


def _runs(found: list[Event]) -> list[Event]:
    """Days after days of the same measurements (some days fewer) from one source, nothing between them: one event a month."""
    told: list[Event] = []
    for event in found:
        if told and _continues(told[-1], event):
            run = told[-1]
            values = tuple(_sorted([*run.values, *event.values]))
            told[-1] = replace(run, values=values, since=event.at, days=run.days + 1)
        else:
            told.append(event)
    return told


def _continues(run: Event, event: Event) -> bool:
    same = run.type_name == event.type_name == "Observation" and run.origin == event.origin
    month = (run.at.at.year, run.at.at.month) == (event.at.at.year, event.at.at.month)
    before, after = {value.key for value in run.values}, {value.key for value in event.values}
    return same and month and (before <= after or after <= before)


def undated(record: Record) -> int:
    """How many things would be on the timeline if they had a date."""
    return sum(1 for entry in record.entries if _kind(entry) and entry.moment is None)


def stretch(found: Sequence[Event], wanted: Filter, size: int = PAGE_SIZE) -> Stretch:
    """The newest events that the filter lets through, cut at the end of a day once there are enough."""
    of_source = [event for event in found if wanted.source in (None, event.origin)]
    of_kind = [event for event in of_source if wanted.kind in ("", event.kind)]
    left = [event for event in of_kind if wanted.before is None or event.at.at.date() < wanted.before]
    shown = _whole_days(left, size)
    more = left[len(shown)].at.at.date() if len(shown) < len(left) else None
    return Stretch(
        events=tuple(shown),
        before=None if more is None else shown[-1].at.at.date(),
        total=len(of_kind),
        kinds=dict(Counter(event.kind for event in of_source)),
        years=dict(Counter(event.at.at.year for event in of_kind)),
    )


def _whole_days(found: Sequence[Event], size: int) -> Sequence[Event]:
    if len(found) <= size:
        return found
    last = found[size - 1].at.at.date()
    end = next((i for i in range(size, len(found)) if found[i].at.at.date() != last), len(found))
    return found[:end]


def _newest_first(event: Event) -> tuple[float, str, str]:
    return (-event.at.at.timestamp(), event.kind, event.title)


def _kind(entry: Entry) -> str:
    status = entry.content.get("status")
    return TYPES[entry.type_name].kind if entry.type_name in TYPES and status not in _RETRACTED else ""


def _event(record: Record, entry: Entry, reported: dict[str, Entry]) -> Event | None:
    kind, at = _kind(entry), entry.moment
    if not kind or at is None or entry.type_name == "Observation":
        return None
    values: tuple[Measured, ...] = ()
    if entry.type_name == "DiagnosticReport":
        results = [found for ref in objects(entry.content.get("result")) if (found := record.resolve(ref))]
        values = tuple(value for result in results for value in values_of(result))
    return Event(kind, entry.type_name, at, title(record, entry), entry.origin, entry, values)


def title(record: Record, entry: Entry) -> str:
    """What the sender called it, from the paths in ``data/types.json``; for medicine the drug."""
    if entry.type_name.startswith("Medication"):
        return drug_of(record, entry).text
    paths = TYPES[entry.type_name].titles if entry.type_name in TYPES else ()
    return next((words for path in paths for words in _titles(record, entry.content, path)), "")


def _titles(record: Record, content: Json, path: str) -> Iterator[str]:
    for value in walk(content, path):
        if isinstance(value, str) and value:
            yield value
        elif concept := coded(value):
            yield concept.text
        elif isinstance(value, dict) and "reference" in value:
            behind = record.resolve(value)
            named = coded(behind.content.get("code")) if behind else None
            yield from filter(None, [text(value, "display") or (named.text if named else "")])


def _reported(record: Record) -> dict[str, Entry]:
    """Which observations stand beneath a report."""
    return {
        found.reference: report
        for report in record.of("DiagnosticReport")
        if _kind(report)
        for reference in objects(report.content.get("result"))
        if (found := record.resolve(reference))
    }


def _days_measured(record: Record, reported: dict[str, Entry]) -> Iterator[Event]:
    """Observations outside reports, those of one day and source together, dated by the newest."""
    together: dict[tuple[date, int], list[Entry]] = defaultdict(list)
    for entry in record.of("Observation"):
        if _kind(entry) and entry.moment and entry.reference not in reported:
            together[entry.moment.at.date(), entry.origin].append(entry)
    for entries in together.values():
        values = tuple(_sorted(value for entry in entries for value in values_of(entry)))
        head = max(entries, key=lambda entry: entry.moment.at.timestamp() if entry.moment else 0.0)
        if head.moment and values:
            named = title(record, head) if len(entries) == 1 else ""
            yield Event("result", "Observation", head.moment, named, head.origin, head, values)


def _sorted(values: Iterable[Measured]) -> list[Measured]:
    return sorted(
        values, key=lambda value: (value.order, value.name.text, -value.at.at.timestamp() if value.at else 0.0)
    )
