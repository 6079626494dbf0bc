"""Treatment relations that a place registers for itself: an appointment that stands, for some days around it; and visitation, by
which a municipality (or another place) has taken somebody into a course of care. Which, how and how long, the dated policy says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from helhed.fhir.indexing import period_of
from helhed.fhir.store import Stored
from helhed.foundation.ids import key_of
from helhed.registries.projections import local_target
from helhed.trust.policy import contact_holds, relation_registrations

_LETTERS = MappingProxyType({"A": 2, "B": 3})
_TICK = timedelta(microseconds=1)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Registration:
    """How rows of a type give a relation."""

    type_name: str
    number: int  #: of the class, as the decision numbers it
    statuses: frozenset[str]
    before: timedelta  #: from so long before it begins
    after: timedelta  #: until so long after it has ended
    open_ended: timedelta | None  #: how long one without an end holds; None: such a one gives none
    place: str  #: the element that names a unit beneath; "" for the place that recorded it


class OwnRelation(NamedTuple):
    """What a stored row gives, in the order of ``trust.add_own_relations``."""

    source: Any
    citizen: int
    organisation: int
    relation_class: int
    valid_from: datetime
    valid_to: datetime
    writer: int


@cache
def registrations() -> Mapping[str, Registration]:
    """By type, from ``policy/relation.json``."""
    return MappingProxyType({one["type"]: _registration(one) for one in relation_registrations()})


def _registration(one: dict[str, Any]) -> Registration:
    open_ended = one.get("open_ended_days")
    return Registration(
        one["type"], _LETTERS[one["class"]], frozenset(one["statuses"]), timedelta(days=one["days_before"]),
        timedelta(days=one["days_after"]), None if open_ended is None else timedelta(days=open_ended), one["place"],
    )  # fmt: skip


def own_relation(one: Stored) -> OwnRelation | None:
    """The relation that a row gives to the place that recorded it, or to a unit beneath that it names."""
    rule = registrations()[one.type_name]
    if one.citizen is None or one.resource.get("status") not in rule.statuses:
        return None
    begins, ends = _stretch(one.resource)
    if begins is None:
        return None
    if ends is None:
        if rule.open_ended is None:
            return None
        ends = begins + rule.open_ended
    longest = rule.open_ended or contact_holds()
    unit = local_target(one.resource.get(rule.place), "Organization") if rule.place else None
    place = one.origin if unit is None else key_of(unit)
    try:
        ends = min(ends, max(begins, one.at) + longest)  # an end far ahead gives no relation until then
        return OwnRelation(one.id, one.citizen, place, rule.number, begins - rule.before, ends + rule.after, one.origin)
    except OverflowError:  # at the ends of time there are no days around it, and nobody is treated then
        return None


def _stretch(resource: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """When it begins and is over: of a period, or of an appointment's start and end."""
    period = resource.get("period")
    if not isinstance(period, dict):
        period = {name: resource[name] for name in ("start", "end") if name in resource}
    begins, last = period_of(period)
    named = "start" in period, "end" in period
    over = last + _TICK if named[1] and last is not None and last < _END_OF_TIME else last if named[1] else None
    return (begins if named[0] else None), over
