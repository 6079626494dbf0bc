"""FHIR dates as intervals of UTC time, with the precision they were written in (FHIR R4 search, section 3.1.1.4.7)."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from helhed.fhir.moments import TO_THE_SECOND
from helhed.foundation.clock import DANISH_TIME

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_LONGEST = 64  #: dates are remembered, so none may be long
_TICK = timedelta(microseconds=1)
_LAST_OF_SECOND = timedelta(microseconds=999_999)
_DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)

Interval = tuple[datetime, datetime]


def interval(text: str) -> Interval:
    """[first, last] microsecond of a date, dateTime or instant. A value without a zone is Danish time.

    Raises ValueError for what is not a real date.
    """
    if TO_THE_SECOND.fullmatch(text) is None:
        return _interval(text)
    first = datetime.fromisoformat(text).astimezone(UTC)  # in the middle of the calendar, where no zone leaves it
    return first, first + _LAST_OF_SECOND


@lru_cache(maxsize=1 << 16)
def _interval(text: str) -> Interval:
    match = _DATE_TIME.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(text)
    year, month, day, hour = match.group(1, 2, 3, 4)
    if hour is not None:
        return _moment(text, match)
    start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=DANISH_TIME)
    return _utc(start), _before(_next_start(start, month, day))


def _moment(text: str, match: "re.Match[str]") -> Interval:
    _, _, _, _, _, second, fraction, zone = match.groups()
    if second == "60":  # a leap second counts with the second before it
        return interval(text.replace(":60", ":59", 1))
    bare = text[: match.start(8)] if zone else text
    if fraction:
        bare = bare[: match.start(7)] + fraction[:6]
    start = datetime.fromisoformat(bare + ("" if zone is None else zone.replace("Z", "+00:00")))
    if zone is None:
        start = start.replace(tzinfo=DANISH_TIME)
    if second is None:
        length = timedelta(minutes=1)
    elif fraction is None:
        length = timedelta(seconds=1)
    else:
        length = timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
    first = _utc(start)
    return first, first + length - _TICK if first <= LATEST - length else LATEST


def _next_start(start: datetime, month: str | None, day: str | None) -> datetime | None:
    try:
        if day is not None:
            return start + timedelta(days=1)
        if month is not None and start.month < 12:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1)
    except (OverflowError, ValueError):
        return None


def _before(following: datetime | None) -> datetime:
    return LATEST if following is None else _utc(following) - _TICK


def _utc(moment: datetime) -> datetime:
    try:
        return max(moment.astimezone(UTC), EARLIEST)
    except OverflowError:
        return EARLIEST if moment.year < 5000 else LATEST


def interval_of(text: str) -> Interval | None:
    """As ``interval``; None for what is not a real date."""
    try:
        return interval(text)
    except ValueError:
        return None


def period_of(period: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """First and last microsecond of a Period; None for an open end."""
    start, end = period.get("start"), period.get("end")
    return (interval(start)[0] if start else None, interval(end)[1] if end else None)


def timing_of(timing: dict[str, Any]) -> Interval | None:
    """The outer bounds of a Timing: its events and its bounding period."""
    found = [interval(event) for event in timing.get("event", ()) if event]
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    if bounds:
        start, end = period_of(bounds)
        found.append((start or EARLIEST, end or LATEST))
    if not found:
        return None
    return min(lo for lo, _ in found), max(hi for _, hi in found)
