"""The rules of the broken glass as dated data: reasons to choose between, deadlines, and where to complain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from helhed.trust.policy import document

REST = ": "  #: between a reason and what somebody added to it


@dataclass(frozen=True, slots=True)
class GlassReason:
    """Why the glass may be broken."""

    code: str
    words: Mapping[str, str]  #: as the professional chooses it, by language
    to_citizen: Mapping[str, str]  #: as the citizen reads it


@dataclass(frozen=True, slots=True)
class GlassPolicy:
    """The rules in force."""

    dated: date
    holds: timedelta
    review_within: timedelta
    escalate_after: timedelta
    reasons: Mapping[str, GlassReason]
    complaints: Sequence[tuple[Mapping[str, str], str]]  #: words and address


@cache
def glass_policy() -> GlassPolicy:
    """The rules that this version of the network carries."""
    found = document("glass.json")
    return GlassPolicy(
        date.fromisoformat(found["date"]),
        timedelta(minutes=found["minutes"]),
        timedelta(hours=found["review_within_hours"]),
        timedelta(hours=found["escalate_after_hours"]),
        {
            one["reason"]: GlassReason(
                one["reason"], {"da": one["da"], "en": one["en"]}, {"da": one["citizen_da"], "en": one["citizen_en"]}
            )
            for one in found["reasons"]
        },
        [({"da": one["da"], "en": one["en"]}, one["address"]) for one in found["complaints"]],
    )


def reason_of(written: str) -> tuple[GlassReason | None, str]:
    """The reason that was chosen, and what was added; None and all of it for what older code let be written."""
    code, _, added = written.partition(REST)
    known = glass_policy().reasons.get(code)
    return (known, added) if known else (None, written)
