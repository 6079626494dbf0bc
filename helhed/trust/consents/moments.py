"""Periods: ours end before a moment, FHIR's end with it, as finely as it was written (http://hl7.org/fhir/R4/datatypes.html#Period)."""

import re
from datetime import UTC, date, datetime, time, timedelta

from helhed.foundation.clock import DANISH_TIME

_TICK = timedelta(microseconds=1)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FINEST = 6


def written(first: datetime | None, end: datetime | None) -> dict[str, str]:
    """A Period from and including ``first`` until and excluding ``end``."""
    parts = {"start": first and _said(first), "end": end and _said(end - _TICK)}
    return {name: said for name, said in parts.items() if said}


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def first_moment(text: str) -> datetime | None:
    """Where a period begins: a day in Denmark, or an instant. None for what is neither, or finer than is kept."""
    if _DAY.fullmatch(text):
        return _midnight(text, 0)
    found = _INSTANT.fullmatch(text)
    return _instant(text) if found and len(found.group(1) or ".") - 1 <= _FINEST else None


def moment_after(text: str) -> datetime | None:
    """The first moment after a period that ends with ``text``."""
    if _DAY.fullmatch(text):
        return _midnight(text, 1)
    found = _INSTANT.fullmatch(text)
    digits = len(found.group(1) or ".") - 1 if found else _FINEST + 1
    begun = _instant(text) if digits <= _FINEST else None
    return None if begun is None else begun + timedelta(seconds=1) / 10**digits


def _midnight(text: str, later: int) -> datetime | None:
    try:
        day = date.fromisoformat(text) + timedelta(days=later)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(0), DANISH_TIME).astimezone(UTC)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
