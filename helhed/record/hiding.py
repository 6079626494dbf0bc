"""What a block would hide, part by part of the citizen's own record.

This compares; it does not decide. Which rows are left, the decision itself answers (``trust.simulator``).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from helhed.record.overview import Overview
from helhed.record.reading import Record


def part_of(record: Record, rows: Collection[UUID]) -> Record:
    """The record of which these rows are left."""
    left = tuple(entry for entry in record.entries if entry.id in rows)
    return Record(left, record.truncated, record.manifest, {entry.reference: entry for entry in left})


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
