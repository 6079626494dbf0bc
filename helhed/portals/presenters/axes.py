"""Axes of charts: straight scales, round numbers and round times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil, floor, log10

from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words

LEFT, RIGHT, TOP, BOTTOM = 34.0, 276.0, 24.0, 144.0  #: of the drawing within its 290 by 168 units
MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Text:
    """Words in the picture."""

    x: str
    y: str
    words: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to places."""

    low: float
    high: float
    start: float
    end: float
    step: float = 1.0  #: between the lines of the grid

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def nice_step(span: float, parts: int) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that covers ``span`` in about ``parts`` steps."""
    rough = span / parts
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def grid(y: Scale, words: Words) -> Iterator[Text]:
    """The lines of the grid with their numbers."""
    step = y.step
    places = max(0, -floor(log10(step) + 1e-9))
    for number in range(round((y.high - y.low) / step + 0.499) + 1):
        value = y.low + number * step
        if value <= y.high + step / 1000:
            yield Text(f"{LEFT - 6:g}", f"{y(value):.1f}", words.exact(Decimal(f"{value:.{places}f}")), "end")


_HOUR, _DAY = 3600.0, 86_400.0


def ticks(x: Scale, words: Words) -> Iterator[Text]:
    """Round times beneath the axis: hours, days, months or years, by how long the chart is."""
    start, end = (datetime.fromtimestamp(at, DANISH_TIME) for at in (x.low, x.high))
    moments, shape = _round_moments(start, end)
    shown = [moment for moment in moments if start <= moment <= end]
    if len(shown) < 2:
        shown, shape = (
            [start, end],
            ("time" if x.high - x.low < _DAY else "short" if x.high - x.low < 300 * _DAY else "month_year"),
        )
    for moment in shown:
        place = x(moment.timestamp())
        anchor = "start" if place < LEFT + 16 else "end" if place > RIGHT - 16 else "middle"
        yield Text(f"{place:.1f}", f"{BOTTOM + 17:g}", words.pattern(moment, shape), anchor)


def _round_moments(start: datetime, end: datetime) -> tuple[list[datetime], str]:
    span = (end - start).total_seconds()
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if span <= 2 * _DAY:
        step = next(hours for hours in (1, 2, 3, 6, 12) if span / _HOUR / hours <= MOST_TICKS or hours == 12)
        return [midnight + timedelta(hours=step * n) for n in range(ceil(72 / step))], "time"
    if span <= 60 * _DAY:
        days = ceil(span / _DAY / (MOST_TICKS - 1))
        return [midnight + timedelta(days=days * n) for n in range(1, MOST_TICKS + 2)], "short"
    if span <= 900 * _DAY:
        months = ceil(span / _DAY / 30 / (MOST_TICKS - 1))
        shape = "short" if span < 300 * _DAY else "month_year"
        return [_month(start, months * n) for n in range(1, MOST_TICKS + 2)], shape
    years = ceil(span / _DAY / 365 / MOST_TICKS)
    return [
        start.replace(year=start.year + years * n + 1, month=1, day=1, hour=0, minute=0) for n in range(MOST_TICKS + 1)
    ], "year"


def _month(start: datetime, ahead: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + ahead, 12)
    return datetime(year, month + 1, 1, tzinfo=start.tzinfo)
