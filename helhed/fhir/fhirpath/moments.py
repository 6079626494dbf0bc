"""Dates and times of any precision, compared as far as both are told (FHIRPath N1, section 6.2)."""

import re
from datetime import UTC, datetime, timedelta, timezone

_SHAPE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?"
    r"(?:T(?:(?P<hour>\d{2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?)?)?(?P<zone>Z|[+-]\d{2}:\d{2})?)?"
)
_TIME = re.compile(r"(?P<hour>\d{2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?)?")
_PARTS = ("year", "month", "day", "hour", "minute", "second")

Moment = tuple[list[float], bool]


def moment(text: str) -> Moment | None:
    """The parts that are told, as far as they are, and whether with a zone; None for what is neither date nor time."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        match = _TIME.fullmatch(text.removeprefix("T"))
        return None if match is None else ([float(one) for one in match.groups() if one is not None], False)
    parts = [float(match[name]) for name in _PARTS if match[name] is not None]
    zone = match["zone"]
    if zone and len(parts) >= 5:
        return _utc(parts, zone), True
    return parts, False


def _utc(parts: list[float], zone: str) -> list[float]:
    """The same in UTC."""
    sign = -1 if zone[0] == "-" else 1
    offset = timedelta() if zone == "Z" else sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    year, month, day, hour, minute = (int(one) for one in parts[:5])
    try:
        at = datetime(year, month, day, hour, minute, tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return parts
    return [at.year, at.month, at.day, at.hour, at.minute, *parts[5:]]


def compared(one: str, other: str) -> int | None:
    """-1, 0 or 1; None when they are not told precisely enough to say."""
    first, second = moment(one), moment(other)
    if first is None or second is None:
        return None
    if first[1] != second[1] and min(len(first[0]), len(second[0])) > 3:
        return None  # one has a zone and the other has not
    for a, b in zip(first[0], second[0], strict=False):
        if a != b:
            return -1 if a < b else 1
    same = len(first[0]) == len(second[0]) or {len(first[0]), len(second[0])} == {6}
    return 0 if same else None


__all__ = ["compared", "moment"]
