"""The timeline in words: by month and day, each event with its source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from helhed.portals.language import Words, capital
from helhed.portals.presenters.charts import interval
from helhed.portals.presenters.clinical import setting
from helhed.portals.presenters.medicine import dose_words
from helhed.portals.presenters.names import Names
from helhed.record import contacts, documents, medicines, plans, problems
from helhed.record.facts import KINDS
from helhed.record.measuring import Measured
from helhed.record.moments import Precision, moment
from helhed.record.paths import text
from helhed.record.reading import Record
from helhed.record.timeline import Event, Filter, Stretch

MOST_NAMES = 4
_WITH_NOTES = ("Condition", "ServiceRequest", "Procedure", "Immunization", "MedicationRequest")


@dataclass(frozen=True, slots=True)
class ValueView:
    """One value beneath an event."""

    name: str
    value: str
    out: str
    out_words: str
    interval: str
    time: str


@dataclass(frozen=True, slots=True)
class EventView:
    """One event."""

    kind: str
    type_name: str
    kind_words: str
    title: str
    time: str
    lines: tuple[str, ...]
    values: tuple[ValueView, ...]
    any_out: bool
    letter: str
    letter_label: str
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class DayView:
    """The events of a day, or of a month or year when nothing finer was said."""

    label: str
    machine: str
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True)
class MonthView:
    """The days of a month."""

    label: str
    anchor: str
    days: tuple[DayView, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of a filter."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The timeline of a page."""

    months: tuple[MonthView, ...]
    kinds: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    shown: int
    total: int
    earlier: str  #: value of ``foer`` for the next page, "" at the end
    filtered: bool
    starts_before: str  #: the day the page begins before, "" on the first page
    years: tuple[tuple[int, int], ...]  #: year and how many events, newest first
    undated: int
    truncated: str  #: what the page does not hold all of, "" for nothing


@dataclass(frozen=True, slots=True)
class Teller:
    """What telling an event takes."""

    record: Record
    words: Words
    names: Names


def timeline_view(teller: Teller, shown: Stretch, wanted: Filter, undated: int) -> TimelineView:
    """A stretch of the timeline with its filters."""
    words = teller.words
    by_month = groupby(shown.events, key=lambda event: (event.at.at.year, event.at.at.month))
    return TimelineView(
        months=tuple(_month(teller, list(found)) for _, found in by_month),
        kinds=tuple(_kinds(shown, wanted, words)),
        sources=tuple(_sources(teller, wanted)),
        shown=len(shown.events),
        total=shown.total,
        earlier=shown.before.isoformat() if shown.before else "",
        filtered=bool(wanted.kind or wanted.source is not None),
        starts_before=words.day(wanted.before) if wanted.before else "",
        years=tuple(sorted(shown.years.items(), reverse=True)),
        undated=undated,
        truncated=words.kinds_of_data(teller.record.truncated),
    )


def _kinds(shown: Stretch, wanted: Filter, words: Words) -> Iterable[Choice]:
    yield Choice("", words("timeline.all_kinds"), not wanted.kind)
    for kind in KINDS:
        count = shown.kinds.get(kind, 0)
        if count or kind == wanted.kind:
            yield Choice(kind, words("timeline.choice", name=words(f"kind.{kind}"), count=count), kind == wanted.kind)


def _sources(teller: Teller, wanted: Filter) -> Iterable[Choice]:
    yield Choice("", teller.words("timeline.all_sources"), wanted.source is None)
    named = sorted((teller.names.organisation(key) or str(key), key) for key in teller.record.origins())
    for name, key in named:
        yield Choice(str(key), name, key == wanted.source)


def _month(teller: Teller, events: Sequence[Event]) -> MonthView:
    words, head = teller.words, events[0].at
    label = words.pattern(head.at, "year" if head.precision is Precision.YEAR else "month")
    days = groupby(events, key=lambda event: (event.at.at.date(), min(event.at.precision, Precision.DAY)))
    return MonthView(
        label=capital(label),
        anchor=f"{head.at:%Y-%m}",
        days=tuple(_day(teller, list(found)) for _, found in days),
    )


def _day(teller: Teller, events: Sequence[Event]) -> DayView:
    head, words = events[0].at, teller.words
    precise = head.precision >= Precision.DAY
    label = words.long_day(head.at) if precise else words.moment(head)
    machine = head.at.date().isoformat()
    return DayView(label, machine if precise else machine[: 7 if head.precision is Precision.MONTH else 4],
                   tuple(event_view(teller, event) for event in events))  # fmt: skip


def event_view(teller: Teller, event: Event) -> EventView:
    """One event in words."""
    words, names = teller.words, teller.names
    letter = documents.words_of(teller.record, event.entry) if event.kind in ("document", "result") else ""
    provider = names.place(event.entry.content.get("serviceProvider"))
    source = names.organisation(event.origin) or words("source.unknown")
    values = tuple(value_views(event.values, words, dated=event.days > 1))
    return EventView(
        kind=event.kind,
        type_name=event.type_name,
        kind_words=words(f"one.{event.kind}"),
        title=_title(teller, event),
        time=words.time(event.at.at) if event.at.precision is Precision.TIME else "",
        lines=tuple(line for line in _lines(teller, event) if line),
        values=values,
        any_out=any(value.out for value in values),
        letter=letter,
        letter_label=words("timeline.read_letter" if event.kind == "document" else "timeline.read_answer"),
        source=source,
        place=provider if provider != source else "",
    )


def value_views(values: Sequence[Measured], words: Words, *, dated: bool = False) -> Iterable[ValueView]:
    """Values in words; those of a panel, such as blood pressure, as one."""
    for _, found in groupby(values, key=lambda value: id(value.entry) if value.panel else id(value)):
        parts = list(found)
        yield _value_view(parts[0], "/".join(_number(part, words) for part in parts), words, dated=dated)


def _number(value: Measured, words: Words) -> str:
    return words.number(value.value) if value.value is not None else value.words


def _when(value: Measured, words: Words, *, dated: bool) -> str:
    if value.at is None:
        return ""
    time = words.pattern(value.at.at, "time") if value.at.precision is Precision.TIME else ""
    return f"{words.pattern(value.at.at, 'short')} {time}".strip() if dated else time


def _value_view(value: Measured, number: str, words: Words, *, dated: bool) -> ValueView:
    return ValueView(
        name=(value.panel or value.name).words(words.language),
        value=f"{number} {words.unit(value.unit)}".strip(),
        time=_when(value, words, dated=dated),
        out=value.out,
        out_words=words(f"out.{value.out}") if value.out else "",
        interval=interval(value, words),
    )


def _title(teller: Teller, event: Event) -> str:
    words = teller.words
    if event.type_name == "Observation" and len(event.values) > 1:
        names = list(dict.fromkeys((value.panel or value.name).words(words.language) for value in event.values))
        more = len(names) - MOST_NAMES
        return ", ".join(names[:MOST_NAMES]) + (words("timeline.and_more", n=more) if more > 0 else "")
    if event.type_name == "Observation" and event.values:
        return event.values[0].name.words(words.language)
    if event.type_name == "AllergyIntolerance" and not problems.says_none(event.entry):
        return words("timeline.allergy", substance=event.title)
    return event.title or words.either(f"type.{event.type_name}", event.type_name)


def _lines(teller: Teller, event: Event) -> Iterable[str]:
    alone = Record((event.entry,))
    if event.since is not None:
        until = teller.words.moment(event.at, time=False)
        yield teller.words(
            "timeline.run", n=event.days, since=teller.words.moment(event.since, time=False), until=until
        )
    if event.type_name == "Encounter":
        yield from _contact_lines(teller, contacts.contacts(alone))
    elif event.type_name in ("MedicationRequest", "MedicationStatement"):
        for medicine in medicines.medicines(alone, event.at.at):
            yield "; ".join(dose_words(dose, teller.words) for dose in medicine.doses)
            told = not medicine.indication or medicine.told_why
            yield "" if told else teller.words("medicine.against", what=medicine.indication)
            yield "" if event.entry.content.get("status") == "active" else _status(teller, event)
    elif event.type_name == "CarePlan":
        for plan in plans.plans(alone):
            yield "; ".join(plan.activities)
    elif event.type_name in ("Condition", "ServiceRequest", "Appointment", "EpisodeOfCare"):
        yield _condition_end(teller, event) or _status(teller, event)
    elif event.type_name == "Immunization" and event.entry.content.get("status") == "not-done":
        yield teller.words("vaccine.not_done")
        yield text(event.entry.content, "statusReason.text", "statusReason.coding.display")
    if event.type_name in _WITH_NOTES:
        yield text(event.entry.content, "note.text")
    yield from dict.fromkeys(value.note for value in event.values)


def _contact_lines(teller: Teller, found: Sequence[contacts.Contact]) -> Iterable[str]:
    for contact in found:
        words = teller.words
        yield setting(contact, words) if contact.what.text else ""
        yield words.listed(list(contact.reasons))
        ended = words.moment(contact.end, time=False)
        if ended and contact.start and ended != words.moment(contact.start, time=False):
            yield words("timeline.until", when=ended)
        yield words("timeline.open") if contact.open else ""


def _condition_end(teller: Teller, event: Event) -> str:
    ended = event.entry.content.get("abatementDateTime")
    from_record = moment(ended)
    return teller.words("problem.ended", when=teller.words.moment(from_record, time=False)) if from_record else ""


def _status(teller: Teller, event: Event) -> str:
    status = str(event.entry.content.get("status", ""))
    return teller.words.either(f"status.{status}", "")
