"""People who may be meant, scored and explained in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helhed.portals.language import Words
from helhed.portals.ports import CitizenIdentity
from helhed.portals.presenters.pages import PersonView, person_view
from helhed.registries.directory import CitizenIdentity as Identity
from helhed.registries.matching import Match

_WHOLE = 0.995
_NEARLY = 0.7


@dataclass(frozen=True, slots=True)
class MatchLine:
    """Somebody who may be meant."""

    person: PersonView
    number: str  #: as it is stored, for the button that opens them
    grade: str  #: certain, probable, possible
    percent: int
    reasons: tuple[str, ...]


def identity_shown(found: Identity) -> CitizenIdentity:
    """An identity minimum of the registries as pages have it."""
    return CitizenIdentity(
        found.key, found.patient, found.name, found.cpr or "", found.replacement, found.birth_date, found.sex,
        not found.deceased,
    )  # fmt: skip


def match_lines(found: Sequence[Match], words: Words, now: datetime) -> tuple[MatchLine, ...]:
    """The likeliest first, each with what was compared."""
    return tuple(match_line(one.citizen, words, now, one.reasons, one.grade, one.score) for one in found)


def match_line(
    citizen: Identity,
    words: Words,
    now: datetime,
    alike: Sequence[tuple[str, float]] = (),
    grade: str = "",
    score: float = 0,
) -> MatchLine:
    """Somebody by the identity minimum, and what was compared."""
    reasons = tuple(f"{words(f'match.what.{what}')}: {words(f'match.{_alike(much)}')}" for what, much in alike)
    return MatchLine(
        person_view(identity_shown(citizen), words, now), citizen.cpr or "", grade, round(score * 100), reasons
    )


def _alike(alike: float) -> str:
    return "same" if alike >= _WHOLE else "near" if alike >= _NEARLY else "apart"
