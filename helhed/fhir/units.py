"""UCUM units on a common measure, so that 1 g finds 1000 mg (https://ucum.org/ucum; the table is compiled)."""

import json
import re
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

UCUM = "http://unitsofmeasure.org"
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_LONGEST = 60


class Measure(NamedTuple):
    """What one unit is worth: ``value * factor + offset`` of the canonical one."""

    canonical: str
    factor: float
    offset: float

    def of(self, value: float) -> float:
        """A value on the canonical measure, to twelve digits: products of decimals leave noise behind them."""
        return float(f"{value * self.factor + self.offset:.12g}")


@cache
def _table() -> dict[str, list[object]]:
    text = (resources.files(__package__) / "units.json").read_text("utf-8")
    units: dict[str, list[object]] = json.loads(text)["units"]
    return units


@lru_cache(maxsize=4096)
def _measure(code: str) -> Measure | None:
    plain = _ANNOTATION.sub("", code).rstrip("/.") or "1"
    found = _table().get(plain)
    return None if found is None else Measure(str(found[0]), float(str(found[1])), float(str(found[2])))


def measure_of(system: str | None, code: str | None) -> Measure | None:
    """The measure of a UCUM unit; None for other systems, and for units the table does not hold."""
    if system != UCUM or not code or len(code) > _LONGEST:
        return None
    return _measure(code)
