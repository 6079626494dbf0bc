"""Emergency copies in words: what a copy holds of a patient, how the holder sees it, and how the citizen does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helhed.portals.language import Words
from helhed.portals.ports.emergency import CopyLine, Identity, Opened, OwnCopy
from helhed.portals.presenters import clinical
from helhed.portals.presenters.medicine import MedicineView
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.pages import OverviewView, overview_view, person_view
from helhed.record.overview import overview
from helhed.record.reading import Record
from helhed.trust.emergency.rules import emergency_rules

Json = dict[str, Any]


def sections(record: Record, words: Words, names: Names, now: datetime) -> list[Json]:
    """What a copy holds of a record, ready to be read: each part with its lines, or with why there are none."""
    shown = overview_view(overview(record, now), words, names, now)
    kept = [
        _section(words("allergy.head_none" if not shown.allergies else "emergency.cave"), _alerts(shown), _no_cave(shown, words), strong=True),
        _section(words("problem.head"), [_line(row.title, row.details, row.note) for row in shown.problems], words("problem.none")),
        _section(words("medicine.card"), [_medicine(one, words) for one in shown.medicines], words("medicine.none_clinical")),
        _section(words("emergency.results"), _results(record, shown, words, names, now), words("emergency.no_results")),
        _section(words("relatives.head"), [_relative(one, words) for one in shown.relatives], words("relatives.none")),
    ]  # fmt: skip
    if shown.truncated:
        kept.append(_section(words("emergency.not_all"), [_line(shown.truncated)], ""))
    return kept


def _section(title: str, lines: Sequence[Json], empty: str, *, strong: bool = False) -> Json:
    return {"title": title, "lines": list(lines), "empty": empty, "strong": strong and bool(lines)}


def _line(title: str, *details: str) -> Json:
    return {"title": title, "text": ". ".join(one for one in details if one)}


def _alerts(shown: OverviewView) -> list[Json]:
    return [_line(one.title, one.strong, one.text) for one in (*shown.allergies, *shown.warnings, *shown.decisions)]


def _no_cave(shown: OverviewView, words: Words) -> str:
    return words("allergy.none_known") if shown.no_known_allergies else words("allergy.none_registered")


def _medicine(one: MedicineView, words: Words) -> Json:
    paused = words("medicine.paused") if one.paused else ""
    given = f"{words('medicine.last_given')}: {one.last_given}" if one.last_given else ""
    return _line(
        " ".join(part for part in (one.name, one.strength) if part),
        "; ".join(one.doses),
        "" if one.told_why else one.indication,
        paused,
        given,
    )


def _results(record: Record, shown: OverviewView, words: Words, names: Names, now: datetime) -> list[Json]:
    """The newest of each thing that is measured, where it is out of its range."""
    whole = overview(record, now)
    rows = [clinical.result_row(one, words, names, now) for one in (*whole.charts, *whole.others)]
    rows += [clinical.words_row(one, words, names, now) for one in whole.words]
    return [
        _line(f"{row.name}: {row.value}", row.out_words, row.interval, row.when, row.source) for row in rows if row.out
    ]


def _relative(one: clinical.RelativeView, words: Words) -> Json:
    may = {True: "relatives.may", False: "relatives.may_not", None: "relatives.unknown"}[one.may_be_called]
    phones = ", ".join(" ".join(part for part in phone if part) for phone in one.phones)
    return _line(", ".join(part for part in (one.name, one.relation) if part), one.wish or words(may), phones, one.note)


def identity(person: Identity, words: Words, now: datetime) -> Json:
    """The identity minimum: for choosing the patient, and above what is shown."""
    seen = person_view(person, words, now)
    said = [f"{seen.number_label} {seen.number}" if seen.number else "", seen.age, seen.sex]
    return {"patient": str(person.patient), "name": seen.name, "line": ", ".join(part for part in said if part)}


def reasons(words: Words) -> list[Json]:
    """What is chosen between before a patient is opened."""
    return [{"code": one.code, "words": one.words[words.language]} for one in emergency_rules().reasons.values()]


def sections_told(names: Sequence[str], words: Words) -> str:
    """Sections as a citizen reads them."""
    known = emergency_rules().sections
    return words.listed([known[name].words[words.language] for name in names if name in known])


@dataclass(frozen=True, slots=True)
class CopyView:
    """A copy, for its holder and for whoever keeps the log of the place."""

    id: str
    heading: str
    who: str
    facts: tuple[str, ...]
    state: str
    colour: str
    may_end: bool


def copy_view(one: CopyLine, words: Words, now: datetime) -> CopyView:
    """How a copy stands, and whose move it is."""
    state, colour = _state(one, words, now)
    facts = [
        words("emergency.patients_in", n=one.patients),
        words("emergency.opened_times", n=one.openings),
        words("emergency.met", when=words.near(one.met_at, now)) if one.met_at else words("emergency.never_met"),
    ]
    if one.left_in < one.patients and not one.ended_at:
        facts.append(words("emergency.taken_out", n=one.patients - one.left_in))
    return CopyView(
        str(one.id),
        words("emergency.copied_at", when=words.instant(one.issued_at)),
        "" if one.own else one.professional or words("log.somebody"),
        tuple(facts),
        state,
        colour,
        one.closed_at is None and one.ended_at is None,
    )


def _state(one: CopyLine | OwnCopy, words: Words, now: datetime) -> tuple[str, str]:
    if one.unaccounted_at:
        return words("emergency.state_unaccounted"), "red"
    if one.odd_at:
        return words("emergency.state_odd"), "red"
    if one.closed_at:
        return words("emergency.state_closed", when=words.instant(one.closed_at)), "green"
    if one.ended_at:
        return words("emergency.state_ended", when=words.instant(one.report_by)), "amber"
    if now >= one.holds_until:
        return words("emergency.state_over", when=words.instant(one.report_by)), "amber"
    return words("emergency.state_holds", when=words.instant(one.holds_until)), "blue"


@dataclass(frozen=True, slots=True)
class OwnCopyView:
    """A copy, for a citizen who is in it."""

    heading: str
    who: str
    what: str
    until: str
    state: str
    colour: str
    openings: tuple[str, ...]


def own_copy_view(one: OwnCopy, words: Words, now: datetime) -> OwnCopyView:
    """Who had it, what is in it, what was opened, and what became of it."""
    who = (one.professional or words("emergency.name_withheld"), words.role(one.role), one.organisation)
    state, colour = _state(one, words, now)
    if one.ended_at and not one.closed_at and not one.unaccounted_at:
        state = words(f"emergency.why_{(one.ended_why or 'ended').replace('-', '_')}", when=words.instant(one.ended_at))
    return OwnCopyView(
        words.instant(one.issued_at),
        ", ".join(part for part in who if part),
        f"{sections_told(one.sections, words)} ({words('emergency.rows', n=one.rows)})",
        words.instant(one.holds_until),
        state,
        colour,
        tuple(_opening(opened, words) for opened in one.openings),
    )


def _opening(one: Opened, words: Words) -> str:
    known = emergency_rules().reasons.get(one.reason)
    told = words(
        "emergency.opening",
        opened=words.instant(one.opened),
        told=words.instant(one.told),
        why=known.to_citizen[words.language] if known else one.reason,
    )
    return f"{told} {words('emergency.mark_' + one.mark.replace('-', '_'))}" if one.mark else told
