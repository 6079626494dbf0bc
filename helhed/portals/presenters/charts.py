"""Trend charts: geometry on a true time scale, ready for inline SVG, with the numbers as a table behind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil, floor

from helhed.portals.language import Words
from helhed.portals.presenters.axes import BOTTOM, LEFT, RIGHT, TOP, Scale, Text, grid, nice_step, ticks
from helhed.record.measuring import Line, Measured, Series
from helhed.record.moments import Precision

FEW_POINTS = 4
MANY_POINTS = 40
GAP_FACTOR = 3
AIR = 0.12
LABEL_WIDTH, LABEL_HEIGHT = 7.0, 12.0


@dataclass(frozen=True, slots=True)
class Dot:
    """One value."""

    x: str
    y: str
    style: str  #: c-dot, c-dot-last, c-out
    radius: str


@dataclass(frozen=True, slots=True)
class Band:
    """The reference interval."""

    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: a treatment began."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark in the picture."""

    x: str
    label: Text


@dataclass(frozen=True, slots=True)
class TableRow:
    """The values of one time, behind the picture."""

    when: str
    values: tuple[str, ...]
    out: tuple[str, ...]  #: words for values that stand out, "" for the others
    source: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, what it says in words, and its table."""

    key: str
    title: str
    latest: str
    when: str
    out: str  #: "high", "low", "abnormal" or ""
    out_words: str
    description: str
    interval: str
    band: Band | None
    grid: tuple[Text, ...]
    ticks: tuple[Text, ...]
    lines: tuple[str, ...]
    gaps: tuple[str, ...]
    dots: tuple[Dot, ...]
    values: tuple[Text, ...]
    marks: tuple[DrawnMark, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    count: int
    has_gap: bool
    ends_before: str  #: the newest mark, when the last value is older than it
    cut: bool  #: only the newest part of the series is drawn


def chart(
    series: Series, words: Words, names: dict[int, str], now: datetime, marks: Sequence[Mark] = (), *, cut: bool = False
) -> Chart:
    """The chart of a series."""
    x, y = _time_scale(series), _value_scale(series)
    inside = [mark for mark in marks if x.low <= mark.at.timestamp() <= x.high]
    pieces = [list(_pieces(line)) for line in series.lines]
    newest = max(series.latest, key=_seconds)
    late = [mark for mark in marks if mark.at.timestamp() > _seconds(newest)]
    out = next((value.out for value in series.latest if value.out), "")
    return Chart(
        key=series.key,
        title=series.name.words(words.language),
        latest=_latest(series, words),
        when=words.recent(newest.at, now),
        out=out,
        out_words=words(f"out.{out}") if out else "",
        description=_description(series, words),
        interval=interval(newest, words),
        band=_band(series, y),
        grid=tuple(grid(y, words)),
        ticks=tuple(ticks(x, words)),
        lines=tuple(_path(piece, x, y) for line in pieces for piece, dashed in line if not dashed and len(piece) > 1),
        gaps=tuple(_path(piece, x, y) for line in pieces for piece, dashed in line if dashed),
        dots=tuple(_dots(series, x, y)),
        values=tuple(_labels(series, x, y, words)),
        marks=tuple(_marks(inside, x)),
        columns=tuple(line.name.words(words.language) for line in series.lines),
        rows=tuple(rows(series, words, names)),
        count=series.length,
        has_gap=any(dashed for line in pieces for _, dashed in line),
        ends_before=late[-1].words if late else "",
        cut=cut,
    )


def _number(value: Measured) -> float:
    return float(value.value if value.value is not None else 0)


def _seconds(value: Measured) -> float:
    return value.at.at.timestamp() if value.at else 0.0


def _all(series: Series) -> list[Measured]:
    return [point for line in series.lines for point in line.points]


def _time_scale(series: Series) -> Scale:
    seconds = [_seconds(value) for value in _all(series)]
    low, high = min(seconds), max(seconds)
    if high == low:
        low, high = low - 43_200, high + 43_200
    return Scale(low, high, LEFT + 6, RIGHT - 8)


def _value_scale(series: Series) -> Scale:
    """Room for the values and, when it does not flatten them, for the reference interval."""
    numbers = [_number(value) for value in _all(series)]
    low, high = min(numbers), max(numbers)
    spread = (high - low) or abs(high) * 0.2 or 1.0
    for limit in _limits(series):
        if low - 2 * spread <= float(limit) <= high + 2 * spread:
            low, high = min(low, float(limit)), max(high, float(limit))
    step = nice_step((high - low) or spread, 3)
    bottom, top = floor((low - spread * AIR) / step) * step, ceil(high / step) * step
    bottom = max(bottom, 0.0) if min(numbers) >= 0 else bottom
    return Scale(bottom, top if top > bottom else bottom + step, BOTTOM, TOP + 10, step)


def _limits(series: Series) -> list[Decimal]:
    newest = series.lines[0].points[-1]
    return [limit for limit in (newest.low, newest.high) if limit is not None] if len(series.lines) == 1 else []


def _band(series: Series, y: Scale) -> Band | None:
    newest = series.lines[0].points[-1]
    if len(series.lines) > 1 or (newest.low is None and newest.high is None):
        return None
    low = max(float(newest.low), y.low) if newest.low is not None else y.low
    high = min(float(newest.high), y.high) if newest.high is not None else y.high
    return Band(f"{y(high):.1f}", f"{y(low) - y(high):.1f}") if high > low else None


def _pieces(line: Line) -> Iterator[tuple[list[Measured], bool]]:
    """The line cut where nothing was measured for long: whole pieces, and the gaps between them as dashed ones."""
    pauses = gaps(line)
    piece: list[Measured] = []
    for index, point in enumerate(line.points):
        if piece and index - 1 in pauses:
            yield piece, False
            yield [piece[-1], point], True
            piece = []
        piece.append(point)
    yield piece, False


def gaps(line: Line) -> set[int]:
    """The steps (by their first point) that are three times as long as the longer of the steps beside them."""
    steps = [_seconds(b) - _seconds(a) for a, b in zip(line.points, line.points[1:], strict=False)]
    return {
        index
        for index, step in enumerate(steps)
        if (beside := [*steps[max(0, index - 1) : index], *steps[index + 1 : index + 2]])
        and step > GAP_FACTOR * max(beside)
    }


def _path(points: Sequence[Measured], x: Scale, y: Scale) -> str:
    return "M" + "L".join(f"{x(_seconds(point)):.1f} {y(_number(point)):.1f}" for point in points)


def _dots(series: Series, x: Scale, y: Scale) -> Iterator[Dot]:
    small = series.length > MANY_POINTS
    for line in series.lines:
        for point in line.points:
            last = point is line.points[-1]
            if small and not (last or point.out):
                continue
            style = "c-out" if point.out else "c-dot-last" if last else "c-dot"
            yield Dot(
                f"{x(_seconds(point)):.1f}", f"{y(_number(point)):.1f}", style, "4.5" if last or point.out else "3"
            )


def _labels(series: Series, x: Scale, y: Scale, words: Words) -> Iterator[Text]:
    """The first and the last value, all of them when they are few; none on top of another, the last before the others."""
    placed: list[Text] = []
    for text in sorted(_wanted_labels(series, x, y, words), key=lambda text: -float(text.x)):
        if not any(_overlap(text, other) for other in placed):
            placed.append(text)
    yield from placed


def _overlap(one: Text, other: Text) -> bool:
    wide = LABEL_WIDTH * max(len(one.words), len(other.words))
    return abs(float(one.x) - float(other.x)) < wide and abs(float(one.y) - float(other.y)) < LABEL_HEIGHT


def _wanted_labels(series: Series, x: Scale, y: Scale, words: Words) -> Iterator[Text]:
    for line in series.lines:
        few = len(line.points) <= FEW_POINTS and len(series.lines) == 1
        for point in line.points if few else {id(p): p for p in (line.points[0], line.points[-1])}.values():
            place, height = x(_seconds(point)), y(_number(point))
            anchor = "start" if place < LEFT + 20 else "end" if place > RIGHT - 20 else "middle"
            lowest = len(line.points) > 1 and _number(point) == min(map(_number, line.points))
            below = height + 17 if lowest and height < BOTTOM - LABEL_HEIGHT else height - 8
            text = words.number(point.value if point.value is not None else 0)
            yield Text(
                f"{place - 5 if anchor == 'start' else place + 5 if anchor == 'end' else place:.1f}",
                f"{below if below > TOP else height + 17:.1f}",
                text,
                anchor,
            )


def _marks(marks: Sequence[Mark], x: Scale) -> Iterator[DrawnMark]:
    for mark in marks:
        place = x(mark.at.timestamp())
        anchor, aside = ("end", -4) if place > (LEFT + RIGHT) / 2 else ("start", 4)
        yield DrawnMark(f"{place:.1f}", Text(f"{place + aside:.1f}", "11", mark.words, anchor))


def _latest(series: Series, words: Words) -> str:
    numbers = "/".join(words.number(value.value) for value in series.latest if value.value is not None)
    return f"{numbers} {words.unit(series.unit)}".strip()


def interval(value: Measured, words: Words) -> str:
    """The reference interval in words, with what it is if its sender says so; "" when there is none."""
    told = _bounds(value.low, value.high, words)
    return f"{told} ({value.kind})" if told and value.kind else told


def _bounds(low: Decimal | None, high: Decimal | None, words: Words) -> str:
    if low is not None and high is not None:
        return words("interval.both", low=words.number(low), high=words.number(high))
    if low is not None:
        return words("interval.above", low=words.number(low))
    return words("interval.below", high=words.number(high)) if high is not None else ""


def _description(series: Series, words: Words) -> str:
    """What somebody who cannot see the picture is told."""
    line = series.lines[0]
    first, last = line.points[0], line.points[-1]
    return words(
        "chart.description",
        name=series.name.words(words.language),
        n=series.length,
        first=words.amount(first.value, first.unit),
        first_day=words.moment(first.at, time=False),
        last=_latest(series, words),
        last_day=words.moment(last.at, time=False),
    )


def rows(series: Series, words: Words, names: dict[int, str]) -> Iterator[TableRow]:
    """The table behind: one row a time, newest first."""
    times: dict[float, dict[int, Measured]] = {}
    for column, line in enumerate(series.lines):
        for point in line.points:
            times.setdefault(_seconds(point), {})[column] = point
    for _, found in sorted(times.items(), reverse=True):
        head = next(iter(found.values()))
        columns = [found.get(column) for column in range(len(series.lines))]
        yield TableRow(
            words.moment(head.at, time=head.at is not None and head.at.precision is Precision.TIME),
            tuple(words.number(v.value) if v and v.value is not None else words("chart.missing") for v in columns),
            tuple(words(f"out.{v.out}") if v and v.out else "" for v in columns),
            names.get(head.origin, ""),
        )
