"""Allergies, warnings, problems, results, contacts, plans and relatives in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from helhed.portals.language import Words, capital
from helhed.portals.presenters.charts import interval
from helhed.portals.presenters.names import Names
from helhed.record.contacts import Contact
from helhed.record.measuring import Measured, Series
from helhed.record.people import Relative
from helhed.record.plans import Order, Plan, Visit
from helhed.record.problems import Allergy, Problem, Warning
from helhed.record.sources import Source
from helhed.record.stamkort.rules import card_policy

LATE_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Alert:
    """A box at the top."""

    title: str
    strong: str
    text: str
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list: what, and what more there is to say."""

    title: str
    details: str = ""
    note: str = ""
    when: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The latest value of one thing."""

    name: str
    value: str
    out: str
    out_words: str
    interval: str
    when: str
    source: str
    before: str  #: the value before, "" when there is none


@dataclass(frozen=True, slots=True)
class VisitView:
    """An appointment to come."""

    day: str
    month: str
    machine: str
    when: str
    title: str
    place: str
    instruction: str


@dataclass(frozen=True, slots=True)
class RelativeView:
    """Somebody close, and whether to call."""

    name: str
    relation: str
    phones: tuple[tuple[str, str], ...]
    may_be_called: bool | None
    note: str
    wish: str = ""  #: the citizen's wish in words, where the stamkort says when


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source on the completeness line."""

    name: str
    when: str
    late: str  #: words when it has been silent, "" else
    count: int


def allergy_alert(allergy: Allergy, words: Words, names: Names) -> Alert:
    """CAVE: substance, how it showed itself, how sure, and who says so."""
    code = f" ({allergy.substance.shown_code})" if allergy.substance.shown_code else ""
    known = words("allergy.since", when=words.moment(allergy.since, time=False)) if allergy.since else ""
    parts = [
        known,
        words("allergy.uncertain") if allergy.uncertain else "",
        allergy.note,
        words(
            "source.said", source=names.organisation(allergy.origin), when=words.moment(allergy.recorded, time=False)
        ),
    ]
    return Alert(
        words("allergy.title", substance=allergy.substance.text + code),
        capital(words.listed(list(allergy.reactions))),
        " ".join(part for part in parts if part),
        allergy.uncertain,
    )


def warning_alert(warning: Warning, words: Words, names: Names) -> Alert:
    """A flag in words."""
    said = words("source.said", source=names.organisation(warning.origin), when=words.moment(warning.since, time=False))
    return Alert(warning.concept.text, "", " ".join(part for part in (warning.note, said) if part))


def problem_row(problem: Problem, words: Words, names: Names) -> Row:
    """A problem with its codes, since when and who registered it."""
    codes = ", ".join(problem.codes)
    since = words("problem.since", when=words.moment(problem.since, time=False)) if problem.since else ""
    ended = words("problem.ended", when=words.moment(problem.ended, time=False)) if problem.ended else ""
    sources = words.listed([names.organisation(origin) for origin in problem.origins if names.organisation(origin)])
    details = ", ".join(part for part in (codes, since, ended) if part)
    return Row(problem.concept.text, details, problem.note, source=sources)


def result_row(series: Series, words: Words, names: Names, now: datetime) -> ResultRow:
    """The newest value of a series."""
    newest = series.latest[0]
    numbers = "/".join(words.number(value.value) for value in series.latest if value.value is not None)
    points = series.lines[0].points
    out = next((value.out for value in series.latest if value.out), "")
    return ResultRow(
        name=series.name.words(words.language),
        value=f"{numbers} {words.unit(series.unit)}".strip(),
        out=out,
        out_words=words(f"out.{out}") if out else "",
        interval=interval(newest, words),
        when=words.recent(newest.at, now),
        source=names.organisation(newest.origin),
        before=words.amount(points[-2].value, "") if len(points) > 1 and len(series.lines) == 1 else "",
    )


def words_row(value: Measured, words: Words, names: Names, now: datetime) -> ResultRow:
    """The newest result that is words."""
    return ResultRow(
        name=value.name.words(words.language),
        value=f"{value.words} {words.unit(value.unit)}".strip(),
        out=value.out,
        out_words=words(f"out.{value.out}") if value.out else "",
        interval="",
        when=words.recent(value.at, now),
        source=names.organisation(value.origin),
        before="",
    )


def setting(contact: Contact, words: Words) -> str:
    """What kind of contact it is."""
    return words.either(f"setting.{contact.setting}", words("setting.other"))


def contact_row(contact: Contact, words: Words, names: Names) -> Row:
    """A contact in the past or present."""
    place = names.place(contact.provider) or contact.place or names.organisation(contact.origin)
    reasons = words.listed(list(contact.reasons))
    days = words.moment(contact.start, time=False)
    last = words.moment(contact.end, time=False)
    when = f"{days}–{last}" if contact.end and last != days else days
    kind = setting(contact, words)
    title = contact.what.text or kind
    return Row(title, ", ".join(p for p in (kind if title != kind else "", place) if p), reasons, when, place)


def visit_view(visit: Visit, words: Words, names: Names, now: datetime) -> VisitView:
    """An appointment with a leaf of the calendar."""
    places = [visit.place or names.organisation(visit.origin), visit.who]
    return VisitView(
        day=words.pattern(visit.start.at, "day_number"),
        month=words.pattern(visit.start.at, "month_short"),
        machine=visit.start.at.isoformat(timespec="minutes"),
        when=words.long_instant(visit.start),
        title=visit.what or words("visit.unnamed"),
        place=", ".join(part for part in places if part),
        instruction=visit.instruction,
    )


def plan_row(plan: Plan, words: Words, names: Names) -> Row:
    """An active plan with its goals before its activities."""
    goals = words("plan.goals", goals="; ".join(plan.goals)) if plan.goals else ""
    source = names.organisation(plan.origin)
    when = words.moment(plan.since, time=False)
    return Row(plan.what or words("plan.unnamed"), "; ".join(plan.activities), goals, when, source)


def order_row(order: Order, words: Words, names: Names) -> Row:
    """Something ordered and not done."""
    return Row(order.what, when=words.moment(order.at, time=False), source=names.organisation(order.origin))


def relative_view(relative: Relative, words: Words) -> RelativeView:
    """A relative with the citizen's wish."""
    phones = tuple((words.either(f"phone.{use}", ""), spaced(number)) for use, number in relative.phones)
    return RelativeView(
        relative.name,
        relative.relation.lower(),
        phones,
        relative.may_be_called,
        relative.note,
        wish_words(relative.wish, words),
    )


def wish_words(wish: str, words: Words) -> str:
    """When a relative may be called."""
    return card_policy().wishes[wish][words.language] if wish in card_policy().wishes else ""


def spaced(number: str) -> str:
    """A Danish phone number in pairs; others as they are."""
    digits = number.removeprefix("+45").replace(" ", "")
    danish = digits.isdigit() and len(digits) == len("20000014")
    return " ".join(digits[i : i + 2] for i in range(0, 8, 2)) if danish else number


def source_views(sources: Sequence[Source], words: Words, names: Names, now: datetime) -> list[SourceView]:
    """The completeness line."""
    return [_source_view(source, words, names, now) for source in sources]


def _source_view(source: Source, words: Words, names: Names, now: datetime) -> SourceView:
    organisation = names.organisations.get(source.organisation)
    heard = organisation.last_received if organisation else None
    if heard is not None:
        heard = max(heard, source.delivered)  # what a live source answered is here, and is no delivery to the registry
    late = heard is not None and now - heard > LATE_AFTER
    return SourceView(
        name=organisation.name if organisation else words("source.unknown"),
        when=words.day(source.delivered),
        late=words("sources.late", when=words.day(heard)) if late and heard else "",
        count=source.count,
    )
