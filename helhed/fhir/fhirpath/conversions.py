"""Turning values into others of another type, and asking whether that can be (FHIRPath N1, section 5.5)."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from helhed.fhir.fhirpath.operators import boolean, number, single, text
from helhed.fhir.fhirpath.quantities import CALENDAR, amount_of, converted, quantity, told
from helhed.fhir.fhirpath.values import Collection, Environment, Value

Function = Callable[[Collection, Sequence[Collection], Environment], Collection]
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_MOMENT = re.compile(
    r"\d{4}(-\d\d(-\d\d(T(\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?)?)?)?|\d{4}(-\d\d(-\d\d)?)?T"
)
_TIME = re.compile(r"\d\d(:\d\d(:\d\d(\.\d+)?)?)?")
_QUANTITY = re.compile(r"([+-]?\d{1,28}(?:\.\d{1,28})?)\s*(?:'([^']{1,60})'|([a-z]{3,12}))?")
_LONGEST = 20  #: characters of a number that is turned into an integer
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})


def _integer(one: Value) -> Collection:
    value = one.value
    if isinstance(value, (bool, int)):
        return number(int(value))
    if isinstance(value, str) and len(value) < _LONGEST and re.fullmatch(r"[+-]?\d+", value, re.ASCII):
        return number(int(value))
    return []


def _decimal(one: Value) -> Collection:
    value = one.value
    if not isinstance(value, (int, float, str, Decimal)):
        return []
    try:
        found = Decimal(int(value) if isinstance(value, bool) else str(value))
    except InvalidOperation:
        return []
    return number(found) if found.is_finite() else []


def _string(one: Value) -> Collection:
    value = one.value
    if one.kind == "System.Quantity":
        return text(told(value))
    if isinstance(value, bool):
        return text("true" if value else "false")
    return [] if value is None or isinstance(value, (dict, list)) else text(str(value))


def _boolean(one: Value) -> Collection:
    value = str(one.value).lower()
    return boolean(True) if value in _TRUE else boolean(False) if value in _FALSE else []


def _shaped(shape: "re.Pattern[str]", kind: str, length: int = 0) -> Callable[[Value], Collection]:
    def convert(one: Value) -> Collection:
        value = one.value
        if not isinstance(value, str):
            return []
        if length and one.kind in {"dateTime", "instant", "System.DateTime"}:
            value = value[:length].rstrip("T")
        return [Value(value, kind)] if shape.fullmatch(value) else []

    return convert


def _quantity(one: Value) -> Collection:
    value = one.value
    if isinstance(value, dict):
        amount = amount_of(one)
        return [] if amount is None else [one if one.kind == "System.Quantity" else quantity(amount.value, amount.unit)]
    if isinstance(value, (bool, int, float, Decimal)):
        return [quantity(Decimal(int(value)) if isinstance(value, bool) else Decimal(str(value)), "1")]
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None or (match[3] and match[3] not in CALENDAR):
        return []
    return [quantity(Decimal(match[1]), match[2] or match[3] or "1")]


def _in_unit(found: Collection, unit: Collection) -> Collection:
    """In the unit that was asked for; nothing when it cannot be turned into that."""
    wanted, amount = single(unit), amount_of(found[0]) if found else None
    if wanted is None or amount is None or not isinstance(wanted.value, str):
        return []
    value = converted(amount, wanted.value)
    return [] if value is None else [quantity(value, wanted.value)]


_TO: Mapping[str, Callable[[Value], Collection]] = {
    "Integer": _integer,
    "Decimal": _decimal,
    "String": _string,
    "Boolean": _boolean,
    "Date": _shaped(_DATE, "System.Date", len("2026-11-23")),
    "DateTime": _shaped(_MOMENT, "System.DateTime"),
    "Time": _shaped(_TIME, "System.Time"),
    "Quantity": _quantity,
}


def _to(convert: Callable[[Value], Collection]) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one = single(items)
        found = [] if one is None else convert(one)
        return _in_unit(found, arguments[0]) if arguments else found

    return function


def _can(function: Function) -> Function:
    return lambda items, arguments, environment: boolean(bool(function(items, arguments, environment))) if items else []


CONVERSIONS: dict[str, tuple[int, int, Function]] = {}
for _name, _convert in _TO.items():
    _most = 1 if _name == "Quantity" else 0
    CONVERSIONS[f"to{_name}"] = (0, _most, _to(_convert))
    CONVERSIONS[f"convertsTo{_name}"] = (0, _most, _can(_to(_convert)))

__all__ = ["CONVERSIONS", "Function"]
