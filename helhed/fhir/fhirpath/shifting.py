"""Dates and times moved by calendar durations (FHIRPath N1, section 6.6.7 and 6.6.8)."""

import calendar
import re
from datetime import datetime, timedelta
from decimal import Decimal

from helhed.fhir.fhirpath.quantities import Amount

_SHAPE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,6})?)?)?)?(Z|[+-]\d\d:\d\d)?)?)?)?(T)?"
)
_TIME = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,6})?)?)?")
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}
#: units by which a moment is told, coarsest first, and how many seconds or months one holds
_DAYS_OF = {"year": 365, "month": 30}
_ORDER = ("year", "month", "day", "hour", "minute", "second")


def shifted(text: str, amount: Amount, sign: int) -> str | None:
    """A date, a time or both, later or earlier by a duration, told as precisely as before; None where that cannot be."""
    unit = (
        amount.unit.removesuffix("s") if amount.system == "calendar" else {"s": "second", "ms": "ms"}.get(amount.unit)
    )
    if unit is None or abs(amount.value) > 10_000_000_000:
        return None
    value = sign * amount.value
    if unit in {"millisecond", "ms"}:
        unit, value = "second", value / 1000
    if _TIME.fullmatch(text):
        return _time(text, unit, value)
    match = _SHAPE.fullmatch(text)
    return None if match is None else _moment(match, unit, value)


def _time(text: str, unit: str, value: Decimal) -> str | None:
    """Times go round at midnight."""
    match = _TIME.fullmatch(text)
    if match is None or unit not in {"hour", "minute", "second"}:
        return None
    told = sum(one is not None for one in match.groups()[:3])
    hour, minute, second = (int(one or 0) for one in match.groups()[:3])
    micro = int(Decimal(match[4] or 0) * 1_000_000)
    start = datetime(2000, 1, 1, hour % 24, minute, second % 60, micro)  # noqa: DTZ001 - a time of no day
    moved = start + timedelta(seconds=float(_cut(unit, value, _ORDER[told + 2])))
    more = f"{moved.microsecond:06d}".rstrip("0")
    return ":".join(moved.strftime("%H:%M:%S").split(":")[:told]) + (f".{more}" if told > 2 and more else "")


def _moment(match: "re.Match[str]", unit: str, value: Decimal) -> str | None:
    told = sum(one is not None for one in match.groups()[:6])
    year, month, day, hour, minute, second = (
        int(one) if one is not None else least
        for one, least in zip(match.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)
    )
    micro = int(Decimal(match[7] or 0) * 1_000_000)
    months, seconds = _parts(unit, value, _ORDER[told - 1])
    try:
        count = year * 12 + month - 1 + months
        year, month = count // 12, count % 12 + 1
        day = min(day, calendar.monthrange(year, month)[1]) if 1 <= year <= 9999 else day
        start = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001 - its zone stands behind it
        moved = start + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    return _written(moved, told, match)


def _parts(unit: str, value: Decimal, precision: str) -> tuple[int, float]:
    """How many months and seconds; what is finer than the moment is told counts in whole units of that."""
    if unit == "year":
        return 12 * int(value), 0.0
    if unit == "month":
        return (12 * int(value / 12) if precision == "year" else int(value)), 0.0
    if precision in _DAYS_OF:
        days = int(value * _SECONDS[unit] / 86_400)
        whole = int(days / _DAYS_OF[precision])
        return (12 * whole if precision == "year" else whole), 0.0
    return 0, float(_cut(unit, value, precision))


def _cut(unit: str, value: Decimal, precision: str) -> Decimal:
    """A duration in seconds, cut down to whole units of the precision; only seconds have decimals (N1, section 6.6.7)."""
    seconds = (value if unit == "second" else Decimal(int(value))) * _SECONDS[unit]
    return seconds if precision == "second" else Decimal(int(seconds / _SECONDS[precision])) * _SECONDS[precision]


def _written(moved: datetime, told: int, match: "re.Match[str]") -> str:
    day = f"{moved.year:04d}-{moved.month:02d}-{moved.day:02d}"
    if told <= 3:
        return day[: (4, 7, 10)[told - 1]] + ("T" if match[9] or "T" in match[0] else "")
    more = f"{moved.microsecond:06d}".rstrip("0")
    clock = ":".join(moved.strftime("%H:%M:%S").split(":")[: told - 3]) + (f".{more}" if told == 6 and more else "")
    return f"{day}T{clock}{match[8] or ''}"


__all__ = ["shifted"]
