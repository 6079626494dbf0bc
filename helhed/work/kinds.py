"""The kinds of pieces of work: their words, their deadlines, and who is told when they are overdue. Dated data, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType

import msgspec

SYSTEM = "urn:helhed:task-kind"
OTHER = "other"  #: the kind of a Task that names none of ours


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work. ``words`` are by language; the stretches of time are those of ``data/kinds.json``."""

    name: str
    words: Mapping[str, str]
    accept_within: timedelta  #: from when it is asked until it has to be accepted or declined
    act_within: timedelta  #: until it has to be done, when the sender gives no deadline
    escalates_to: str  #: "sender" or "above": who is told first when it is overdue
    step: timedelta  #: after which the next unit above is told


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds of this version of the network, by name."""
    read = msgspec.json.decode((resources.files("helhed.work") / "data" / "kinds.json").read_bytes())
    return MappingProxyType({one["kind"]: _kind(one) for one in read["kinds"]})


def kind_named(name: str | None) -> Kind:
    """The kind of that name; the kind ``other`` for a name that is none of ours."""
    known = kinds()
    return known.get(name or OTHER, known[OTHER])


def _kind(one: dict[str, object]) -> Kind:
    hours = {name: timedelta(hours=float(str(one[name]))) for name in ("accept_hours", "act_hours", "step_hours")}
    return Kind(
        str(one["kind"]),
        MappingProxyType({"da": str(one["da"]), "en": str(one["en"])}),
        hours["accept_hours"],
        hours["act_hours"],
        str(one["escalates_to"]),
        hours["step_hours"],
    )
