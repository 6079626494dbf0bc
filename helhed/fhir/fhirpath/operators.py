"""Operators of FHIRPath: collections in, a collection out; an empty one where nothing can be said."""

from collections.abc import Callable, Sequence
from decimal import Decimal, DecimalException
from typing import Any

from helhed.fhir.fhirpath import quantities
from helhed.fhir.fhirpath.moments import compared
from helhed.fhir.fhirpath.quantities import amount_of
from helhed.fhir.fhirpath.shifting import shifted
from helhed.fhir.fhirpath.values import Collection, Environment, Value
from helhed.foundation.errors import HelhedError

#: what a date of FHIR is once it was moved
_MOVED = {"date": "System.Date", "dateTime": "System.DateTime", "instant": "System.DateTime", "time": "System.Time"}
_DATES = frozenset({"date", "dateTime", "instant", "time", "System.Date", "System.DateTime", "System.Time"})
_MOST_INTEGER, _MOST_DECIMAL = 2**31, Decimal("1E28")


class NotOne(HelhedError):
    """The expression wants one value where there are several."""

    code = "invalid"


def boolean(value: bool | None) -> Collection:
    """A truth as a collection; unknown is empty."""
    return [] if value is None else [Value(value, "System.Boolean")]


def text(value: str) -> Collection:
    """A text as a collection."""
    return [Value(value, "System.String")]


def number(value: int | Decimal) -> Collection:
    """A number as a collection; nothing for one beyond what FHIRPath has (N1, sections 2.1.3 and 2.1.4)."""
    if isinstance(value, int):
        return [Value(value, "System.Integer")] if -_MOST_INTEGER <= value < _MOST_INTEGER else []
    return [Value(value, "System.Decimal")] if abs(value) < _MOST_DECIMAL else []


def single(items: Collection) -> Value | None:
    """The one item, None when there is none. Raises NotOne."""
    if len(items) > 1:
        raise NotOne
    return items[0] if items else None


def truth(items: Collection) -> bool | None:
    """A collection as a truth: one boolean is itself, one of anything else is true. Raises NotOne."""
    one = single(items)
    if one is None or (one.value is None and one.extra is None):
        return None
    return one.value if isinstance(one.value, bool) else True


def equal(one: Value, other: Value) -> bool | None:
    """Whether two values are equal; None when their precision leaves it open."""
    first, second = one.value, other.value
    if first is None or second is None:
        return one.extra == other.extra if first is second else False
    if isinstance(first, str) and isinstance(second, str) and (one.kind in _DATES or other.kind in _DATES):
        order = compared(first, second)
        return None if order is None and first != second else first == second or order == 0
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if _is_number(first) and _is_number(second):
        return decimal(first) == decimal(second)
    if isinstance(first, dict) and isinstance(second, dict):
        amounts = amount_of(one), amount_of(other)
        if amounts[0] is None or amounts[1] is None:
            return _same(first, second)
        order = quantities.compared(amounts[0], amounts[1])
        return None if order is None else order == 0
    return type(first) is type(second) and bool(first == second)


def _same(first: Any, second: Any) -> bool:
    """Deep equality that tells true from 1, and not 1 from 1.0; ids of elements do not count."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(value, second[name]) for name, value in first.items())
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def equals(left: Collection, right: Collection) -> bool | None:
    """The operator =."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    verdicts = [equal(a, b) for a, b in zip(left, right, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def equivalent(left: Collection, right: Collection) -> bool:
    """The operator ~: in any order, texts without case and with any white space."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        found = next((other for other in rest if _alike(one, other)), None)
        if found is None:
            return False
        rest.remove(found)
    return True


def _alike(one: Value, other: Value) -> bool:
    if isinstance(one.value, str) and isinstance(other.value, str) and not _DATES & {one.kind, other.kind}:
        return " ".join(one.value.lower().split()) == " ".join(other.value.lower().split())
    if _is_number(one.value) and _is_number(other.value):
        return _near(decimal(one.value), decimal(other.value))
    amounts = amount_of(one), amount_of(other)
    if amounts[0] is not None and amounts[1] is not None:
        return quantities.alike(amounts[0], amounts[1])
    return equal(one, other) is True


def _near(one: Decimal, other: Decimal) -> bool:
    """Equal at the precision of the one that is told less precisely."""
    places = max(int(one.as_tuple().exponent), int(other.as_tuple().exponent))
    try:
        return one.quantize(Decimal(1).scaleb(places)) == other.quantize(Decimal(1).scaleb(places))
    except DecimalException:
        return one == other


def ordered(left: Collection, right: Collection) -> int | None:
    """-1, 0 or 1 of two single values; None when nothing can be said. Raises NotOne."""
    one, other = single(left), single(right)
    if one is None or other is None:
        return None
    first, second = one.value, other.value
    if _is_number(first) and _is_number(second):
        a, b = decimal(first), decimal(second)
        return (a > b) - (a < b)
    if isinstance(first, str) and isinstance(second, str):
        if one.kind in _DATES or other.kind in _DATES:
            return compared(first, second)
        return (first > second) - (first < second)
    amounts = amount_of(one), amount_of(other)
    return None if amounts[0] is None or amounts[1] is None else quantities.compared(amounts[0], amounts[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def decimal(value: Any) -> Decimal:
    """A number as it was written."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


Arithmetic = Callable[[Decimal, Decimal], Decimal]


def calculate(operator: str, left: Collection, right: Collection) -> Collection:
    """Arithmetic and joining of texts. Raises NotOne."""
    one, other = single(left), single(right)
    if operator == "&":
        return text(_written(one) + _written(other))
    if one is None or other is None:
        return []
    if operator == "+" and isinstance(one.value, str) and isinstance(other.value, str):
        return text(one.value + other.value)
    if _is_number(one.value) and _is_number(other.value):
        return _reckoned(operator, one.value, other.value)
    found = _with_quantities(operator, one, other)
    return [] if found is None else [found]


def _reckoned(operator: str, one: Any, other: Any) -> Collection:
    try:
        found = _ARITHMETIC[operator](decimal(one), decimal(other))
    except (DecimalException, ZeroDivisionError):
        return []
    whole = (isinstance(one, int) and isinstance(other, int) and operator != "/") or operator == "div"
    return number(int(found)) if whole and abs(found) < _MOST_DECIMAL else number(found)


def _with_quantities(operator: str, one: Value, other: Value) -> Value | None:
    """Quantities added, multiplied by numbers, and dates moved by durations."""
    amounts, sign = (amount_of(one), amount_of(other)), {"+": 1, "-": -1}.get(operator)
    if amounts[1] is not None and sign is not None:
        if amounts[0] is not None:
            return quantities.added(amounts[0], amounts[1], sign)
        moved = shifted(one.value, amounts[1], sign) if isinstance(one.value, str) and one.kind in _DATES else None
        return None if moved is None else Value(moved, _MOVED.get(one.kind, one.kind))
    amount, factor = (amounts[0], other.value) if amounts[0] is not None else (amounts[1], one.value)
    if (
        amount is None
        or not _is_number(factor)
        or operator not in {"*", "/"}
        or (operator == "/" and amounts[0] is None)
    ):
        return None
    found = _reckoned(operator, amount.value, factor if operator == "/" else decimal(factor))
    return quantities.quantity(decimal(found[0].value), amount.unit) if found else None


def _written(one: Value | None) -> str:
    return one.value if one is not None and isinstance(one.value, str) else ""


_ARITHMETIC: dict[str, Arithmetic] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "div": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
}


def distinct(items: Collection, environment: Environment) -> Collection:
    """Each value once. Raises TooMuch."""
    seen = Known(environment)
    return [one for one in items if seen.add(one)]


class Known:
    """Values met so far: texts and numbers are looked up, others are compared one by one."""

    def __init__(self, environment: Environment, items: Sequence[Value] = ()) -> None:
        self._environment = environment
        self._keys: set[Any] = set()
        self._others: Collection = []
        for one in items:
            self.add(one)

    def add(self, one: Value) -> bool:
        """Keep a value; whether it was new."""
        if one in self:
            return False
        key = _key(one)
        if key is None:
            self._others.append(one)
        else:
            self._keys.add(key)
        return True

    def __contains__(self, one: Value) -> bool:
        key = _key(one)
        if key is not None and key in self._keys:
            return True
        if key is not None and not self._others:
            return False
        self._environment.step(len(self._others))
        return any(equal(other, one) is True for other in self._others)


def _key(one: Value) -> Any:
    """What equal values of one kind share; None for those that have to be compared."""
    value = one.value
    if isinstance(value, bool):
        return value, "truth"
    if isinstance(value, str):
        return None if one.kind in _DATES else value
    return decimal(value) if _is_number(value) else None


def contains(items: Collection, one: Value, environment: Environment) -> bool:
    """Whether a value is in a collection. Raises TooMuch."""
    environment.step(len(items))
    return any(equal(other, one) is True for other in items)


__all__ = [
    "Known",
    "NotOne",
    "boolean",
    "calculate",
    "contains",
    "decimal",
    "distinct",
    "equals",
    "equivalent",
    "number",
    "ordered",
    "single",
    "text",
    "truth",
]
