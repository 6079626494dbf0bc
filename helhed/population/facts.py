"""The dated facts that a population is made from (``data/``)."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

Json = dict[str, Any]


@cache
def facts(name: str) -> Any:
    """One of the data files."""
    return orjson.loads((files(__package__) / "data" / f"{name}.json").read_bytes())


def step(table: Sequence[Sequence[Any]], age: float) -> float:
    """The value of the last row that begins at or below this age; nothing below the first."""
    found = 0.0
    for start, value in table:
        if age < start:
            break
        found = value
    return found


def slope(ages: Sequence[float], values: Sequence[float], age: float) -> float:
    """The value at an age, on straight lines between the points given."""
    if age >= ages[-1]:
        return values[-1]
    upper = next(index for index, limit in enumerate(ages) if age < limit)
    if upper == 0:
        return values[0]
    low, high = ages[upper - 1], ages[upper]
    return values[upper - 1] + (values[upper] - values[upper - 1]) * (age - low) / (high - low)
