"""Fixed values, patterns, and limits of values (FHIR R4 elementdefinition: fixed[x], pattern[x], minValue, maxLength)."""

from typing import Any

_EXACT = (str, bool, int, float)


def same(wanted: Any, value: Any) -> bool:
    """Exactly that value: no more and no less, in that order."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and wanted.keys() == value.keys()
            and all(same(one, value[name]) for name, one in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(wanted) == len(value) and all(map(same, wanted, value))
    return _same_primitive(wanted, value)


def within(pattern: Any, value: Any) -> bool:
    """At least what the pattern says; each item of a list in it is found somewhere in the list."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and within(one, value[name]) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(within(one, other) for other in value) for one in pattern)
    return _same_primitive(pattern, value)


def _same_primitive(wanted: Any, value: Any) -> bool:
    """True is not 1, but 1 is 1.0."""
    return isinstance(value, _EXACT) and isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def shown(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, dict):
        parts = value.get("coding", [value]) if isinstance(value.get("coding"), list) else [value]
        codes = [f"{one.get('system', '')}|{one['code']}" for one in parts if isinstance(one, dict) and "code" in one]
        return ", ".join(codes)[:200] or "what the profile gives"
    return f"{value!r}"[:200] if isinstance(value, str) else str(value)[:200]


def beyond(value: Any, least: Any, most: Any) -> bool:
    """Whether a number or a date lies outside its limits; what cannot be compared does not."""
    return _less(value, least) or _less(most, value)


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one < other
    if isinstance(one, str) and isinstance(other, str):
        length = min(len(one), len(other), len("2026-11-23"))  # in the precision they share, days at most
        return one[:length] < other[:length]
    return False
