"""The two big pages, put together: the clinician's overview and the citizen's own record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from helhed.portals.language import Words, age, months, number_with_hyphen
from helhed.portals.presenters import clinical, log
from helhed.portals.presenters.charts import Chart, Mark, chart
from helhed.portals.presenters.medicine import MedicineView, medicine_view
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.sources import ManifestView, manifest_view
from helhed.portals.presenters.stamkort import SaidView, said_view
from helhed.portals.presenters.timeline import EventView, Teller, event_view
from helhed.record import timeline
from helhed.record.measuring import Series, newest_value
from helhed.record.medicines import Medicine
from helhed.record.moments import Moment
from helhed.record.overview import Overview
from helhed.record.people import Home
from helhed.record.reading import Record

NEWS_WITHIN = timedelta(days=7)
MOST_NEWS = 6
MOST_CONTACTS = 6
MOST_MARKS = 2
LONGEST_MARK = 22
RECENT = timedelta(days=90)
IN_MONTHS = 2  #: years of age below which a child's age is told in months
LONG_SERIES = 40  #: more values than this are too many for a small curve


class Identified(Protocol):
    """Anything that carries an identity minimum."""

    @property
    def name(self) -> str:
        """As registered."""
        ...

    @property
    def number(self) -> str:
        """CPR or replacement CPR number, "" when there is none."""
        ...

    @property
    def replacement(self) -> bool:
        """Whether it is a replacement."""
        ...

    @property
    def birth_date(self) -> date | None:
        """None when unknown."""
        ...

    @property
    def sex(self) -> str:
        """FHIR administrative gender."""
        ...

    @property
    def alive(self) -> bool:
        """Whether no death is registered."""
        ...


@dataclass(frozen=True, slots=True)
class PersonView:
    """Who a page is about."""

    name: str
    number: str
    number_label: str
    age: str
    sex: str
    alive: bool
    born: str


@dataclass(frozen=True, slots=True)
class CurrentContact:
    """The contact that is open now, as facts."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OverviewView:
    """What both big pages show of an overview."""

    sources: list[clinical.SourceView]
    manifest: ManifestView
    allergies: list[clinical.Alert]
    no_known_allergies: bool
    warnings: list[clinical.Alert]
    decisions: list[clinical.Alert]
    problems: list[clinical.Row]
    past_problems: list[clinical.Row]
    medicines: list[MedicineView]
    stopped: list[MedicineView]
    charts: list[Chart]
    newest_treatment: str
    results: list[clinical.ResultRow]
    current: list[CurrentContact]
    contacts: list[clinical.Row]
    visits: list[clinical.VisitView]
    orders: list[clinical.Row]
    plans: list[clinical.Row]
    relatives: list[clinical.RelativeView]
    home: Home
    said: SaidView | None
    weight: str
    truncated: str  #: what the page does not hold all of, "" for nothing
    empty: bool


@dataclass(frozen=True, slots=True)
class NewsView:
    """Something that came within the last days."""

    event: EventView
    when: str


def person_view(found: Identified, words: Words, now: datetime) -> PersonView:
    """An identity minimum in words."""
    return PersonView(
        name=found.name,
        number=number_with_hyphen(found.number),
        number_label=words("person.replacement" if found.replacement else "person.cpr"),
        age=_age(found.birth_date, words, now) if found.alive else "",
        sex=words.either(f"sex.{found.sex}", ""),
        alive=found.alive,
        born=words.day(found.birth_date) if found.birth_date else "",
    )


def _age(born: date | None, words: Words, now: datetime) -> str:
    years = age(born, now)
    if years is None:
        return ""
    return words("person.age", n=years) if years >= IN_MONTHS else words("person.months", n=months(born, now))


def overview_view(
    shown: Overview, words: Words, names: Names, now: datetime, since: datetime | None = None
) -> OverviewView:
    """An overview in words, with its curves from ``since`` on."""
    marks = treatment_marks([m for m in shown.medicines if m.current])
    everything = [*shown.charts, *shown.others]
    weight = newest_value(everything, "weight")
    organisations = names.all()
    return OverviewView(
        sources=clinical.source_views(shown.sources, words, names, now),
        manifest=manifest_view(shown.manifest, words, now),
        allergies=[clinical.allergy_alert(one, words, names) for one in shown.allergies],
        no_known_allergies=shown.no_known_allergies,
        warnings=[clinical.warning_alert(one, words, names) for one in shown.warnings],
        decisions=[clinical.warning_alert(one, words, names) for one in shown.decisions],
        problems=[clinical.problem_row(one, words, names) for one in shown.problems if one.active],
        past_problems=[clinical.problem_row(one, words, names) for one in shown.problems if not one.active],
        medicines=[medicine_view(one, words, names, now) for one in shown.medicines if one.current],
        stopped=[medicine_view(one, words, names, now) for one in shown.medicines if not one.current],
        charts=[
            chart(one, words, organisations, now, marks, cut=cut)
            for one, cut in chosen_period(shown.charts, since, now)
        ],
        newest_treatment=f"{marks[-1].words} {words.day(marks[-1].at)}" if marks else "",
        results=_results(shown, words, names, now),
        current=[_current(shown, index, words, names) for index, one in enumerate(shown.contacts) if one.open],
        contacts=[clinical.contact_row(one, words, names) for one in shown.contacts if not one.open][:MOST_CONTACTS],
        visits=[clinical.visit_view(one, words, names, now) for one in shown.visits],
        orders=[clinical.order_row(one, words, names) for one in shown.orders],
        plans=[clinical.plan_row(one, words, names) for one in shown.plans],
        relatives=[clinical.relative_view(one, words) for one in shown.relatives],
        home=shown.home,
        said=said_view(shown.said, words, now) if shown.said else None,
        weight=f"{words.amount(weight.value, weight.unit)} ({words.moment(weight.at, time=False)})" if weight else "",
        truncated=words.kinds_of_data(shown.truncated),
        empty=shown.empty,
    )


def _results(shown: Overview, words: Words, names: Names, now: datetime) -> list[clinical.ResultRow]:
    numbers = [clinical.result_row(one, words, names, now) for one in shown.others]
    return numbers + [clinical.words_row(one, words, names, now) for one in shown.words]


def _current(shown: Overview, index: int, words: Words, names: Names) -> CurrentContact:
    contact = shown.contacts[index]
    place = names.place(contact.provider) or names.organisation(contact.origin)
    facts = (
        (words("contact.kind"), clinical.setting(contact, words) if contact.what.text else ""),
        (words("contact.arrived"), words.moment(contact.start)),
        (words("contact.place"), ", ".join(part for part in (place, contact.place) if part)),
        (words("contact.reason"), words.listed(list(contact.reasons))),
        (words("contact.responsible"), contact.responsible),
    )
    return CurrentContact(contact.what.text or clinical.setting(contact, words), tuple(f for f in facts if f[1]))


def treatment_marks(current: Sequence[Medicine]) -> list[Mark]:
    """The newest treatments, oldest first, to be drawn where their curves change; what is taken as needed changes none."""
    steady = (m for m in current if not (m.doses and all(dose.as_needed for dose in m.doses)))
    begun: list[tuple[Moment, Medicine]] = [(m.since, m) for m in steady if m.since is not None]
    newest = sorted(begun, key=lambda pair: pair[0].at)[-MOST_MARKS:]
    return [Mark(since.at, short_drug(medicine.drug.text)) for since, medicine in newest]


def short_drug(name: str) -> str:
    """A drug's name without strength and form, short enough for a mark in a chart."""
    head = name.split(",", 1)[0]
    parts = [part for part in head.split() if part]
    kept = parts[:1] if len(head) > LONGEST_MARK else parts
    return " ".join(kept)[:LONGEST_MARK]


def chosen_period(series: Sequence[Series], since: datetime | None, now: datetime) -> list[tuple[Series, bool]]:
    """Series cut to a period, and whether that left anything out. Without a period long ones are cut to their newest part.

    A series that would have fewer than two values left keeps all of them, so that nothing vanishes.
    """
    starts = (since or (now - RECENT if one.length > LONG_SERIES else None) for one in series)
    return [_cut(one, start) for one, start in zip(series, starts, strict=True)]


def _cut(series: Series, since: datetime | None) -> tuple[Series, bool]:
    if since is None:
        return series, False
    lines = tuple(
        replace(line, points=tuple(p for p in line.points if p.at and p.at.at >= since)) for line in series.lines
    )
    kept = replace(series, lines=lines)
    drawable = all(len(line.points) > 1 for line in lines)
    return (kept, kept.length < series.length) if drawable else (series, False)


def news(record: Record, words: Words, names: Names, now: datetime) -> list[NewsView]:
    """What happened within the last days, newest first."""
    recent = [e for e in timeline.events(record, now) if now - NEWS_WITHIN < e.at.at]
    teller = Teller(record, words, names)
    told: dict[str, NewsView] = {}
    for event in recent:
        seen = event_view(teller, event)
        told.setdefault(seen.title, NewsView(seen, words.recent(event.at, now)))
    return list(told.values())[:MOST_NEWS]


@dataclass(frozen=True, slots=True)
class Lookers:
    """Who looked lately, for the citizen's front page."""

    denied: list[log.Visit]
    lately: list[tuple[str, log.Visit]]


def lookers(days: Sequence[log.LogDay], most: int = 4) -> Lookers:
    """The newest looks of others with their day; denied attempts come along however many there are."""
    others = [(day.label, visit) for day in days for visit in day.visits if visit.looked]
    return Lookers([visit for _, visit in others if visit.denied], others[:most])
