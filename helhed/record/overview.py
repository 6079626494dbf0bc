"""The whole citizen on one page: what a clinician asks, in the order it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helhed.record import contacts, measuring, medicines, people, plans, problems, sources
from helhed.record.manifest import NOTHING_ASKED, Manifest
from helhed.record.reading import Record
from helhed.record.stamkort.card import Kept, OwnCard, own_said

MOST_CHARTS = 6
MOST_LATEST = 24
WORTH_A_CURVE = 3


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview shows; nothing in it is beyond the record it came from."""

    allergies: list[problems.Allergy]
    no_known_allergies: bool
    warnings: list[problems.Warning]
    decisions: list[problems.Warning]
    problems: list[problems.Problem]
    medicines: list[medicines.Medicine]
    charts: list[measuring.Series]
    others: list[measuring.Series]
    words: list[measuring.Measured]
    contacts: list[contacts.Contact]
    visits: list[plans.Visit]
    orders: list[plans.Order]
    plans: list[plans.Plan]
    relatives: list[people.Relative]
    home: people.Home
    sources: list[sources.Source]
    said: tuple[OwnCard, Kept] | None  #: what the citizen says of themselves, on the stamkort
    truncated: frozenset[str]  #: types of which the oldest rows are missing
    manifest: Manifest = NOTHING_ASKED  #: which sources answered this look

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all to show."""
        return not self.sources


def overview(record: Record, now: datetime) -> Overview:
    """The overview of a record at a moment."""
    series = measuring.series_of(record)
    charts = chosen_for_charts(series)
    warned, decided = problems.split(problems.warnings(record))
    return Overview(
        allergies=problems.allergies(record),
        no_known_allergies=problems.says_no_known_allergies(record),
        warnings=warned,
        decisions=decided,
        problems=problems.problems(record),
        medicines=medicines.medicines(record, now),
        charts=charts,
        others=[one for one in series if one not in charts][:MOST_LATEST],
        words=measuring.latest_words(record),
        contacts=contacts.contacts(record),
        visits=plans.visits(record, now),
        orders=plans.orders(record),
        plans=plans.plans(record),
        relatives=people.relatives(record),
        home=people.home(record),
        sources=sources.sources(record),
        said=own_said(record),
        truncated=record.truncated,
        manifest=record.manifest,
    )


def chosen_for_charts(series: Sequence[measuring.Series], most: int = MOST_CHARTS) -> list[measuring.Series]:
    """Those worth a curve: measured at least twice, the well known first, then the oftenest measured."""
    drawn = [one for one in series if one.length > 1]
    drawn.sort(key=lambda one: (one.order >= measuring.UNKNOWN_ORDER, one.length < WORTH_A_CURVE, one.order))
    return drawn[:most]
