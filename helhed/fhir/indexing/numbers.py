"""Numbers and quantities as a row's index holds them.

A value is eight numbers: its key, the least and the greatest it may be as written, the canonical unit with the two on that
measure, and what its unit is called by code and by name (0 for none). Units and keys of composites are 53-bit hashes, which
a double holds exactly.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import inf
from typing import Any

from helhed.fhir.tokens import LONGEST_REMEMBERED, number_key, unit_key
from helhed.fhir.units import Measure, measure_of

WIDTH = 8
Value = tuple[float, float, float, float, float, float, float]  #: a value without its key
_CURRENCIES = "urn:iso:std:iso:4217"


def values_of(kind: str, value: Any) -> Iterator[Value]:
    """The values of a number-like element; none when it says no number."""
    if kind in {"decimal", "integer", "positiveInt", "unsignedInt"}:
        yield (float(value), float(value), 0.0, 0.0, 0.0, 0.0, 0.0)
    elif kind == "Range":
        low, high = value.get("low", {}), value.get("high", {})
        if "value" in low or "value" in high:
            yield _value(float(low.get("value", -inf)), float(high.get("value", inf)), low or high)
    elif kind == "Money":
        if "value" in value:
            money = {"system": _CURRENCIES, "code": value.get("currency")}
            yield _value(float(value["value"]), float(value["value"]), money)
    elif kind != "SampledData" and "value" in value:
        number, comparator = float(value["value"]), value.get("comparator", "")
        yield _value(-inf if comparator in {"<", "<="} else number, inf if comparator in {">", ">="} else number, value)


def _value(lo: float, hi: float, unit: dict[str, Any]) -> Value:
    system, code, name = unit.get("system"), unit.get("code"), unit.get("unit")
    short = len(system or "") + len(code or "") + len(name or "") <= LONGEST_REMEMBERED
    canonical, measure, by_code, by_name = _unit(system, code, name) if short else _of_unit(system, code, name)
    if measure is None:
        return (lo, hi, canonical, lo, hi, by_code, by_name)
    least = measure.of(lo)
    return (lo, hi, canonical, least, least if hi == lo else measure.of(hi), by_code, by_name)


def _of_unit(system: str | None, code: str | None, name: str | None) -> tuple[float, Measure | None, float, float]:
    """The canonical unit and the way to it, and what a unit is called."""
    by_code, by_name = unit_key("", code) if code else 0.0, unit_key("", name) if name else 0.0
    measure = measure_of(system, code)
    if measure is not None:
        return unit_key("canonical", measure.canonical), measure, by_code, by_name
    return unit_key(f"system {system}", code) if system and code else 0.0, None, by_code, by_name


_unit = lru_cache(maxsize=4096)(_of_unit)


def pair_of(first: float, second: float) -> Value:
    """Two numbers of one element, for composites of two numbers."""
    return (first, first, 0.0, second, second, 0.0, 0.0)


__all__ = ["WIDTH", "Value", "number_key", "pair_of", "unit_key", "values_of"]
