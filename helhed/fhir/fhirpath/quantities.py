"""Quantities: amounts of units, compared and added where one can be turned into the other (FHIRPath N1, section 4.1.2).

Units of UCUM come from the compiled table. Calendar words (year, month, …) are durations of their own: a year of a calendar
is not the annum of UCUM, so nothing is said where the two meet, but for seconds, which are the same.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from helhed.fhir.fhirpath.values import Value
from helhed.fhir.units import UCUM, measure_of

#: calendar words on the measure they share (N1, section 2.1.6: 12 months a year, 30 days a month, 365 days a year)
_SECONDS = {
    "second": Decimal(1), "millisecond": Decimal("0.001"), "minute": Decimal(60), "hour": Decimal(3600),
    "day": Decimal(86_400), "week": Decimal(604_800),
}  # fmt: skip
_MONTHS = {"month": Decimal(1), "year": Decimal(12)}
_SAME = {"second": "s", "millisecond": "ms"}
_ALIKE = {"year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", **_SAME}
CALENDAR = frozenset(word + ending for word in (*_SECONDS, *_MONTHS) for ending in ("", "s"))
_KINDS = frozenset({"System.Quantity", "Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity"})


class Amount(NamedTuple):
    """A number of a unit."""

    value: Decimal
    unit: str
    system: str  #: UCUM, "calendar", or whatever else FHIR names

    def on(self) -> tuple[str, float] | None:
        """The measure it is on and its value there; None for a unit nothing is known of."""
        if self.system == "calendar":
            word = self.unit.removesuffix("s")
            if word in _MONTHS:
                return "calendar months", float(self.value * _MONTHS[word])
            return "calendar seconds", float(self.value * _SECONDS[word])
        measure = measure_of(self.system, self.unit)
        return None if measure is None else (measure.canonical, measure.of(float(self.value)))


def amount_of(one: Value) -> Amount | None:
    """The amount a value tells; None for what is no quantity, or tells more than one (a comparator)."""
    held = one.value
    if one.kind not in _KINDS or not isinstance(held, dict) or "comparator" in held:
        return None
    value = held.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if one.kind == "System.Quantity":
        unit = str(held["code"])
        return Amount(number, unit, "calendar" if unit in CALENDAR else UCUM)
    if held.get("code") is None:
        return Amount(number, str(held.get("unit", "1")), "" if "unit" in held else UCUM)
    return Amount(number, str(held["code"]), str(held.get("system", "")))


def quantity(value: Decimal, unit: str) -> Value:
    """A quantity of FHIRPath."""
    return Value({"value": value, "code": unit}, "System.Quantity")


def compared(one: Amount, other: Amount) -> int | None:
    """-1, 0 or 1; None where neither can be turned into the other."""
    one, other = _met(one, other), _met(other, one)
    if (one.unit.removesuffix("s"), one.system) == (other.unit.removesuffix("s"), other.system) or _bare(one, other):
        return (one.value > other.value) - (one.value < other.value)
    first, second = one.on(), other.on()
    if first is None or second is None or first[0] != second[0]:
        return None
    # both to twelve digits, as conversion leaves noise behind them
    return (first[1] > second[1]) - (first[1] < second[1])


def alike(one: Amount, other: Amount) -> bool:
    """Whether they are equivalent: a calendar's year is the annum of UCUM, and so on (N1, section 6.1.2)."""
    return compared(_definite(one), _definite(other)) == 0


def _definite(one: Amount) -> Amount:
    code = _ALIKE.get(one.unit.removesuffix("s")) if one.system == "calendar" else None
    return one if code is None else Amount(one.value, code, UCUM)


def _bare(one: Amount, other: Amount) -> bool:
    """Units of which one side names no system: the words decide."""
    return one.unit == other.unit and "" in {one.system, other.system}


def _met(one: Amount, other: Amount) -> Amount:
    """A calendar's second beside one of UCUM: it is that."""
    code = _SAME.get(one.unit.removesuffix("s")) if one.system == "calendar" and other.system == UCUM else None
    return one if code is None else Amount(one.value, code, UCUM)


def converted(one: Amount, unit: str) -> Decimal | None:
    """Its value in another unit; None where it cannot be turned into that."""
    target = Amount(Decimal(1), unit, "calendar" if unit in CALENDAR else UCUM)
    one = _met(one, target)
    if one.unit == unit:
        return one.value
    nought, first, second = target._replace(value=Decimal(0)).on(), one.on(), target.on()
    if first is None or second is None or nought is None or first[0] != second[0]:
        return None
    return Decimal(f"{(first[1] - nought[1]) / (second[1] - nought[1]):.12g}")


def added(one: Amount, other: Amount, sign: int) -> Value | None:
    """Their sum or difference in the first's unit; None where the second cannot be turned into it."""
    value = converted(other, one.unit)
    return None if value is None else quantity(one.value + sign * value, one.unit)


def told(value: Any) -> str:
    """A quantity as text (N1, section 5.5.5)."""
    unit = str(value["code"])
    return f"{value['value']} {unit}" if unit in CALENDAR else f"{value['value']} '{unit}'"


__all__ = ["CALENDAR", "Amount", "added", "alike", "amount_of", "compared", "converted", "quantity", "told"]
