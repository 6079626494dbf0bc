"""What a calendar goes by, as dated data (``record/data/calendar.json``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType

import msgspec


@dataclass(frozen=True, slots=True)
class Rules:
    """How long what takes, and what a citizen may answer."""

    travel: Mapping[str, timedelta]  #: same-address, same-town, elsewhere, unknown
    without_an_end: timedelta
    trips_within: timedelta
    answers: frozenset[str]  #: confirm, cancel, move
    answer_until: timedelta  #: before it begins
    task_due: timedelta
    manners: Mapping[str, str]  #: by code: in-person, telephone, video, home


@cache
def rules() -> Rules:
    """The rules of this version of the network."""
    read = msgspec.json.decode((resources.files("helhed.record") / "data" / "calendar.json").read_bytes())
    travel = {name: timedelta(minutes=minutes) for name, minutes in read["travel_minutes"].items()}
    return Rules(
        MappingProxyType(travel),
        timedelta(minutes=read["minutes_without_an_end"]),
        timedelta(days=read["trips_within_days"]),
        frozenset(read["answers"]),
        timedelta(hours=read["answer_until_hours"]),
        timedelta(hours=read["task_due_hours"]),
        MappingProxyType(read["manners"]),
    )
