"""A search of AuditEvents as the filter of the log that it means (``trust.log_page``). The database decides and finds."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing.dates import EARLIEST, LATEST
from helhed.fhir.virtual.wish import Test, Wish
from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of, parse_id
from helhed.trust.audit_events import codes
from helhed.trust.audit_events.shape import row_of

Filter = dict[str, Any]
#: what each condition adds to; of the others, what meets the one has to meet the next
_ADDED = frozenset({"spans", "arrived", "not_roles", "not_types"})
_NOBODY: Filter = {"ids": []}  #: what finds nothing


class Contradiction(Exception):
    """Nothing can meet the search."""


def patients_of(wish: Wish) -> list[int] | None:
    """The citizens whose log is meant; None when the search names none."""
    named = [{_key("Patient", one) for one in test.values} for test in wish.of("patient")]
    if not named:
        return None
    return [key for key in set.intersection(*named) if key is not None]


def all_named(wish: Wish) -> list[int]:
    """Every citizen whom the search names, whatever it asks of them."""
    return sorted(
        {key for test in wish.of("patient") for one in test.values if (key := _key("Patient", one)) is not None}
    )


def filter_of(wish: Wish) -> Filter:
    """The filter behind a wish."""
    told: Filter = {}
    try:
        for test in wish.tests:
            for name, value in _READ[test.code](test).items():
                _narrow(told, name, value)
    except Contradiction:
        return dict(_NOBODY)
    if wish.after:
        told["after"] = list(wish.after)
    return told


def _narrow(told: Filter, name: str, value: Any) -> None:
    """Two conditions of one name hold together."""
    if name not in told:
        told[name] = value
    elif name in _ADDED:
        told[name] = [*told[name], *value]
    elif isinstance(value, list):
        told[name] = [one for one in told[name] if one in value]
    elif told[name] != value:
        raise Contradiction


def _key(type_name: str, reference: str) -> int | None:
    name, _, identifier = reference.rpartition("/")
    parsed = parse_id(identifier)
    return key_of(parsed) if parsed is not None and name in {"", type_name} else None


def _turned(test: Test, name: str) -> str:
    return f"not_{name}" if test.modifier == "not" else name


def _none(test: Test) -> Filter:
    return {}


def _ids(test: Test) -> Filter:
    rows = [row_of(parsed) for _, text in test.values if (parsed := parse_id(text)) is not None]
    return {"ids": [row for row in rows if row is not None]}


def _dates(test: Test) -> Filter:
    return {"spans": [[span for value in test.values for span in _spans(*value)]]}


def _spans(prefix: str, lo: datetime, hi: datetime) -> list[list[str]]:
    """The moments that meet a date, as spans: an event has no length."""
    first, last = EARLIEST.isoformat(), LATEST.isoformat()
    before, after = [first, _told(lo, before=True)], [_told(hi, after=True), last]
    return {
        "eq": [[_told(lo), _told(hi)]], "ap": [[_told(lo), _told(hi)]], "ne": [before, after],
        "gt": [after], "sa": [after], "lt": [before], "eb": [before],
        "ge": [[_told(lo), last]], "le": [[first, _told(hi)]],
    }[prefix]  # fmt: skip


def _told(moment: datetime, *, before: bool = False, after: bool = False) -> str:
    tick = timedelta(microseconds=(-1 if before else 1 if after else 0))
    return (moment.astimezone(UTC) + tick).isoformat()


def _agents(test: Test) -> Filter:
    people = []
    for value in test.values:
        name, _, identifier = value.rpartition("/")
        parsed = parse_id(identifier)
        kinds = [kind for kind, told in codes.KINDS.items() if name in {"", told}]
        if parsed is not None:
            people += [{"kind": kind, "actor": key_of(parsed), "withheld": False} for kind in kinds]
    return {"people": people}


def _entities(test: Test) -> Filter:
    found: list[UUID] = []
    for value in test.values:
        parsed = parse_id(value.rpartition("/")[2])
        if parsed is not None:
            found.append(parsed)
    return {"seen": [str(one) for one in found]}


def _codes(test: Test, every: Sequence[Any], meant: Callable[[Any, str | None, str], bool]) -> list[Any]:
    met = [one for one in every if any(meant(one, system, code) for system, code in test.values)]
    return [one for one in every if one not in met] if test.modifier == "not" else met


def _actions(test: Test) -> Filter:
    return {"actions": _codes(test, list(Action), lambda one, _, code: codes.action_code(one) == code)}


def _subtypes(test: Test) -> Filter:
    def meant(one: Any, system: str | None, code: str) -> bool:
        own = codes.subtype(one)
        return (system is None or system == own[0]) and code in {"", own[1]}

    return {"actions": _codes(test, list(Action), meant)}


def _types(test: Test) -> Filter:
    met = any((system in {None, codes.EVENT_TYPE}) and code in {"", "rest"} for system, code in test.values)
    return {} if met is not (test.modifier == "not") else {"ids": []}


def _outcomes(test: Test) -> Filter:
    shown = _codes(test, [True, False], lambda one, _, code: code == (codes.SHOWN if one else codes.DENIED))
    if len(shown) == 1:
        return {"permitted": shown[0]}
    return {} if shown else {"ids": []}


def _roles(test: Test) -> Filter:
    return {_turned(test, "roles"): [code for system, code in test.values if system in {None, codes.ROLE}]}


def _entity_types(test: Test) -> Filter:
    names = [code for system, code in test.values if system in {None, codes.RESOURCE_TYPE} and code in TYPE_NUMBERS]
    return {_turned(test, "types"): [TYPE_NUMBERS[name] for name in names]}


def _sources(test: Test) -> Filter:
    keys = [_key("Organization", value) for value in test.values]
    return {"sources": [key for key in keys if key is not None]}


def _arrived(test: Test) -> Filter:
    return {"arrived": _dates(test)["spans"]}


_READ: dict[str, Callable[[Test], Filter]] = {
    "_id": _ids, "_lastUpdated": _arrived, "patient": _none, "date": _dates, "agent": _agents, "agent-role": _roles,
    "entity": _entities, "entity-type": _entity_types, "type": _types, "subtype": _subtypes, "action": _actions,
    "outcome": _outcomes, "source": _sources,
}  # fmt: skip
__all__ = ["filter_of", "patients_of"]
