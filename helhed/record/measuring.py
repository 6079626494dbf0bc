"""Measurements: values out of Observations, and series of the same thing measured over time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from helhed.record.coding import Coded, coded, codes, tokens
from helhed.record.facts import MEASUREMENTS, PANELS
from helhed.record.moments import Moment
from helhed.record.paths import Json, first, objects, text
from helhed.record.reading import Entry, Record

UNKNOWN_ORDER = 1000
_NEVER = datetime.min.replace(tzinfo=UTC)
_RETRACTED = {"entered-in-error", "cancelled"}
_OUT = {
    "H": "high",
    "HU": "high",
    "HH": "high",
    "L": "low",
    "LU": "low",
    "LL": "low",
    "A": "abnormal",
    "AA": "abnormal",
    "HX": "high",
    ">": "high",
    "LX": "low",
    "<": "low",
}
_NORMAL = "N"


@dataclass(frozen=True, slots=True)
class Name:
    """What was measured: the sender's words and, for what is well known, plain words by language."""

    text: str
    plain: Mapping[str, str]

    def words(self, language: str) -> str:
        """The name in a language, else as sent."""
        return self.plain.get(language, self.text)


@dataclass(frozen=True, slots=True)
class Measured:
    """One value. ``value`` is None when the result is words, which then stand in ``words``."""

    key: str  #: the same for the same thing in the same unit
    name: Name
    order: int
    at: Moment | None
    value: Decimal | None
    words: str
    unit: str
    low: Decimal | None  #: reference interval, as the sender gave it
    high: Decimal | None
    kind: str  #: what the interval is, when its sender says so: personal limits, therapeutic
    out: str  #: "high", "low", "abnormal" or ""
    category: str  #: first observation-category code, "" when none
    origin: int
    entry: Entry
    note: str = ""
    panel: Name | None = None  #: what it is a part of, such as blood pressure


@dataclass(frozen=True, slots=True)
class Line:
    """The values of one thing in order of time, all numbers and all dated."""

    name: Name
    points: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What one chart draws: one line, or several of a panel such as blood pressure."""

    key: str
    name: Name
    order: int
    unit: str
    lines: tuple[Line, ...]

    @property
    def latest(self) -> tuple[Measured, ...]:
        """The newest value of each line."""
        return tuple(line.points[-1] for line in self.lines)

    @property
    def length(self) -> int:
        """How many times it was measured."""
        return max(len(line.points) for line in self.lines)


def decimal(value: object) -> Decimal | None:
    """A finite decimal as FHIR wrote it, or None."""
    try:
        found = Decimal(str(value)) if isinstance(value, int | float | Decimal) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def measured(record: Record) -> Iterator[Measured]:
    """Every value in the record's Observations; panels give one for each component."""
    for entry in record.of("Observation"):
        if entry.content.get("status") not in _RETRACTED:
            yield from values_of(entry)


def values_of(entry: Entry) -> Iterator[Measured]:
    """The values of one Observation: its own, and its components'."""
    own = _measured(entry, entry.content)
    if own:
        yield own
    panel = _panel(entry)
    for component in objects(entry.content.get("component")):
        part = _measured(entry, component)
        if part:
            yield replace(part, panel=panel)


def _panel(entry: Entry) -> Name | None:
    """The name of a panel whose values are read together."""
    known = PANELS.intersection(tokens(entry.content.get("code")))
    return _identity(entry.content.get("code"))[1] if known else None


def _measured(entry: Entry, part: Json) -> Measured | None:
    value, words, unit = _value(part)
    if value is None and not words:
        return None
    key, name, order = _identity(part.get("code"))
    low, high, kind = _interval(part)
    return Measured(
        key=f"{key} {unit}" if value is not None else key,
        name=name,
        order=order,
        at=entry.moment,
        value=value,
        words=words,
        unit=unit,
        low=low,
        high=high,
        kind=kind,
        out=_out(part, value, low, high),
        category=next(iter(sorted(codes(entry.content.get("category")))), ""),
        origin=entry.origin,
        entry=entry,
        note=text(entry.content, "note.text"),
    )


def _identity(code: object) -> tuple[str, Name, int]:
    """Key, name and order of a thing measured, from its first known code, else from its first code."""
    found = tokens(code)
    words = (coded(code) or Coded("?")).text
    known = next((MEASUREMENTS[token] for token in found if token in MEASUREMENTS), None)
    if known:
        return known.key, Name(words, known.names), known.order
    return (found[0] if found else words), Name(words, {}), UNKNOWN_ORDER


def _value(part: Json) -> tuple[Decimal | None, str, str]:
    """Number, words and unit of a value[x]; why there is none counts as words."""
    quantity = part.get("valueQuantity")
    if isinstance(quantity, dict):
        number = decimal(quantity.get("value"))
        comparator = str(quantity.get("comparator", ""))
        unit = str(quantity.get("unit") or quantity.get("code") or "")
        return (None, f"{comparator} {number}", unit) if comparator else (number, "", unit)
    if isinstance(part.get("valueInteger"), int):
        return decimal(part["valueInteger"]), "", ""
    concept = coded(part.get("valueCodeableConcept"))
    words = concept.text if concept else text(part, "valueString", "valueDateTime", "valueTime")
    absent = coded(part.get("dataAbsentReason"))
    return None, words or (absent.text if absent else ""), ""


def _interval(part: Json) -> tuple[Decimal | None, Decimal | None, str]:
    """The first reference interval with a number, and what it is if it says so."""
    for interval in objects(part.get("referenceRange")):
        low, high = decimal(first(interval, "low.value")), decimal(first(interval, "high.value"))
        if low is not None or high is not None:
            return low, high, (coded(interval.get("type")) or Coded("")).text
    return None, None, ""


def _out(part: Json, value: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    """How a value stands out: the sender's interpretation first, else its own reference interval.

    A code that says neither (a trend, a local one) leaves the interval to speak.
    """
    said = codes(part.get("interpretation"))
    told = next((_OUT[code] for code in sorted(said) if code in _OUT), "")
    if told or value is None or _NORMAL in said:
        return told
    if high is not None and value > high:
        return "high"
    return "low" if low is not None and value < low else ""


def series_of(record: Record) -> list[Series]:
    """Everything with numbers, grouped; the well known first, then the oftenest measured."""
    lines: dict[str, list[Measured]] = defaultdict(list)
    panels: dict[str, tuple[str, Name, int]] = {}
    for value in measured(record):
        if value.value is None or value.at is None:
            continue
        lines[value.key].append(value)
        if value.panel:
            panels[value.key] = _identity(value.entry.content.get("code"))
    drawn = [*_single(lines, panels), *_panels(lines, panels)]
    return sorted(drawn, key=lambda series: (series.order, -series.length, series.name.text))


def _line(values: Iterable[Measured]) -> Line:
    points = sorted(values, key=lambda value: value.at.at if value.at else _NEVER)
    return Line(points[-1].name, tuple(points))


def _single(lines: Mapping[str, list[Measured]], panels: Mapping[str, object]) -> Iterator[Series]:
    for key, values in lines.items():
        if key not in panels:
            line = _line(values)
            yield Series(key, line.name, values[0].order, values[0].unit, (line,))


def _panels(lines: Mapping[str, list[Measured]], panels: Mapping[str, tuple[str, Name, int]]) -> Iterator[Series]:
    together: dict[str, list[str]] = defaultdict(list)
    for line_key, (panel_key, _, _) in panels.items():
        together[panel_key].append(line_key)
    for panel_key, line_keys in together.items():
        drawn = sorted((_line(lines[key]) for key in line_keys), key=lambda line: line.points[0].order)
        _, name, order = panels[line_keys[0]]
        yield Series(panel_key, name, order, drawn[0].points[0].unit, tuple(drawn))


def latest_words(record: Record) -> list[Measured]:
    """The newest result in words of each thing that is not measured in numbers."""
    newest: dict[str, Measured] = {}
    for value in measured(record):
        if value.value is None and value.at and (value.key not in newest or _later(value, newest[value.key])):
            newest[value.key] = value
    return sorted(newest.values(), key=lambda value: (value.order, value.name.text))


def _later(one: Measured, other: Measured) -> bool:
    return bool(one.at and other.at and one.at > other.at)


def newest_value(all_series: Iterable[Series], key: str) -> Measured | None:
    """The newest value of a well-known measurement, whatever its unit."""
    found = [value for series in all_series for value in series.latest if value.key.split(" ")[0] == key]
    return max(found, key=lambda value: value.at.at if value.at else _NEVER, default=None)
