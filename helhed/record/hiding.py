"""What a block would hide: tried on the citizen's own record before anything is saved.

This explains; it does not decide. The decision is ``trust``'s, in the statement that reads. Both follow the same rule: a
block hides what organisation *what* (with its units) delivered from organisation *who* (with its units).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from helhed.record.overview import Overview
from helhed.record.reading import Entry, Record


@dataclass(frozen=True, slots=True)
class Rule:
    """A block, in force or only tried. None is everybody, or everything."""

    who: int | None
    what: int | None


@dataclass(frozen=True, slots=True)
class Places:
    """The hierarchy: for each organisation itself and everything above it."""

    above: Mapping[int, Sequence[int]]

    def within(self, organisation: int, unit: int) -> bool:
        """Whether ``organisation`` is ``unit`` or stands beneath it."""
        return unit == organisation or unit in self.above.get(organisation, ())


def visible(record: Record, reader: int, rules: Iterable[Rule], places: Places) -> Record:
    """What somebody treating the citizen at ``reader`` would see with these blocks in force."""
    against = [rule for rule in rules if rule.who is None or places.within(reader, rule.who)]
    left = tuple(entry for entry in record.entries if not any(_hides(rule, entry, places) for rule in against))
    return Record(left, record.truncated, {entry.reference: entry for entry in left})


def _hides(rule: Rule, entry: Entry, places: Places) -> bool:
    return rule.what is None or places.within(entry.origin, rule.what)


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the record: what the reader sees today and what would be left."""

    part: str  #: allergies, warnings, medicine, problems, results, contacts, documents, vaccines, plans, relatives
    today: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def hidden(self) -> tuple[str, ...]:
        """What disappears; of two that are called the same, the one that does."""
        return tuple((Counter(self.today) - Counter(self.left)).elements())


def compare(
    today: Overview, then: Overview, language: str, extra: Mapping[str, tuple[Sequence[str], Sequence[str]]]
) -> list[Share]:
    """The parts that hold something today, the most dangerous to lose first."""
    before, after = _parts(today, language), _parts(then, language)
    shares = [Share(part, tuple(before[part]), tuple(after[part])) for part in before]
    shares += [Share(part, tuple(was), tuple(now)) for part, (was, now) in extra.items()]
    return [share for share in shares if share.today]


def _parts(shown: Overview, language: str) -> dict[str, list[str]]:
    return {
        "allergies": [allergy.substance.text for allergy in shown.allergies],
        "warnings": [warning.concept.text for warning in [*shown.warnings, *shown.decisions]],
        "medicine": [medicine.drug.text for medicine in shown.medicines if medicine.current],
        "problems": [problem.concept.text for problem in shown.problems if problem.active],
        "results": [series.name.words(language) for series in [*shown.charts, *shown.others]],
        "plans": [plan.what for plan in shown.plans] + [visit.what for visit in shown.visits],
        "relatives": [relative.name for relative in shown.relatives],
    }
