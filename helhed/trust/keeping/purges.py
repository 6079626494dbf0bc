"""The dated policy of purging: for which reasons a row may be taken out, and how long a proposal waits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import BadRequest
from helhed.trust.policy import document

#: a number in the organisation's own files. It is shown to citizens, so nothing else is taken: no sentence, no date of birth
_CASE = re.compile(r"(?=.*\d)[0-9A-Za-zÆØÅæøå][0-9A-Za-zÆØÅæøå./-]{1,39}")
_PERSON = re.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{2}-?[0-9A-Z]{4}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a row may be purged, in words for the log of the citizen it was recorded on, and of the one it is about."""

    name: str
    danish: str
    english: str
    rightful_danish: str
    rightful_english: str
    law: str


@dataclass(frozen=True, slots=True)
class PurgePolicy:
    """The policy in force."""

    dated: date
    open_for: timedelta
    grounds: Mapping[str, Ground]


@cache
def purge_policy() -> PurgePolicy:
    """The policy that this version of the network carries."""
    told = document("purges.json")
    grounds = {
        one["ground"]: Ground(
            one["ground"], one["da"], one["en"], one["rightful_da"], one["rightful_en"], one["law"]
        )
        for one in told["grounds"]
    }  # fmt: skip
    return PurgePolicy(date.fromisoformat(told["date"]), timedelta(days=told["open_days"]), MappingProxyType(grounds))


def checked_reason(ground: str, case_number: str) -> None:
    """Raises BadRequest for a ground that the policy does not have, and for what is no case number."""
    if ground not in purge_policy().grounds:
        raise BadRequest(f"The ground is one of {', '.join(purge_policy().grounds)}.")
    if not _CASE.fullmatch(case_number) or _PERSON.search(case_number):
        raise BadRequest(
            "The case number is 2 to 40 letters, digits, points, dashes and strokes, with a digit, and no CPR number: citizens read it."
        )


def as_system(ask: Ask, origin: int) -> Ask:
    """The system of the organisation that recorded something, when it records it anew on the rightful citizen."""
    return Ask(
        ActorKind.SYSTEM, origin, origin, "system", Purpose.OPERATIONS, ask.client, None, None, ask.at, ask.trace
    )
