"""What a history is asked for (http://hl7.org/fhir/R4/http.html#history)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from helhed.fhir.indexing.dates import interval
from helhed.fhir.query import DEFAULT_COUNT, MOST_COUNT
from helhed.fhir.query.text import DATE_SHAPE
from helhed.fhir.store.past import Past
from helhed.foundation.errors import BadRequest

_LONGEST_COUNT = 9
_FORMATTING = frozenset({"_format", "_pretty"})
_ORDERS = frozenset({"none", "-_lastUpdated"})


def asked_past(pairs: Sequence[tuple[str, str]], type_name: str | None, identifier: UUID | None) -> Past:
    """The history that decoded ``pairs`` ask for. Raises BadRequest that names the parameter, also when it stands twice."""
    past = Past(type_name, identifier, DEFAULT_COUNT)
    seen: set[str] = set()
    for name, value in pairs:
        if name in _FORMATTING:
            continue
        if name in seen:
            raise BadRequest(f"History takes {name} once.")
        seen.add(name)
        past = _taken(past, name, value)
    return past


def _taken(past: Past, name: str, value: str) -> Past:
    if name == "_count":
        if not (value.isascii() and value.isdigit() and len(value) < _LONGEST_COUNT):
            raise BadRequest("The parameter _count is a whole number.")
        return replace(past, count=min(max(int(value), 1), MOST_COUNT))
    if name == "_since":
        return replace(past, since=_period(name, value)[0])
    if name == "_at":
        return replace(past, at=_period(name, value))
    if name == "_cursor":
        return replace(past, cursor=value)
    if name == "_sort" and value in _ORDERS:
        return past
    if name == "_sort":
        raise BadRequest("A history is sorted by -_lastUpdated, newest first.")
    raise BadRequest(f"History has no parameter called {name[:60]!r} here.")


def _period(name: str, value: str) -> tuple[datetime, datetime]:
    text = value.replace(" ", "+")  # a plus sign that was not encoded
    try:
        if not DATE_SHAPE.fullmatch(text):
            raise ValueError(text)
        return interval(text)
    except ValueError:
        raise BadRequest(f"The parameter {name} needs a real date such as 2026-11-23, not {value[:40]!r}.") from None


def kept_pairs(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What belongs in the links of a page."""
    return [(name, value) for name, value in pairs if name not in _FORMATTING | {"_cursor"}]
