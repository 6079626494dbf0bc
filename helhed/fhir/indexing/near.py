"""Places in the index: where they lie, and in which cell of a grid over the earth (WGS84, degrees)."""

from collections.abc import Iterator
from math import asin, cos, degrees, floor, radians, sin
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.indexing.numbers import Value, pair_of
from helhed.fhir.tokens import cell_token, present_token

FACTS = facts.document("near.json")
_CELL, _MOST_CELLS = float(FACTS["cell_degrees"]), int(FACTS["most_cells"])
_RADIUS = float(FACTS["earth_radius_metres"])
_ROUND = round(360 / _CELL)  #: cells around the earth


def place_of(number: int, position: Any) -> Iterator[tuple[Value, tuple[int, int]]]:
    """The coordinates of a position, and its tokens."""
    latitude, longitude = float(position["latitude"]), float(position["longitude"])
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        token = cell_token(number, _row(latitude), _column(longitude))
        yield pair_of(latitude, longitude), (token, present_token(number))


def cells_within(number: int, latitude: float, longitude: float, metres: float) -> tuple[int, ...] | None:
    """Tokens of every cell that the circle meets; None when they are too many to name."""
    up = degrees(metres / _RADIUS)
    low, high = latitude - up, latitude + up
    if low <= -90 or high >= 90:
        return None  # around a pole every longitude is near
    aside = degrees(asin(min(1.0, sin(radians(up)) / cos(radians(latitude)))))
    rows = range(_row(low), _row(high) + 1)
    first, last = floor((longitude - aside + 180) / _CELL), floor((longitude + aside + 180) / _CELL)
    if len(rows) * (last - first + 1) > _MOST_CELLS:
        return None
    return tuple(cell_token(number, row, column % _ROUND) for row in rows for column in range(first, last + 1))


def _row(latitude: float) -> int:
    return floor((latitude + 90) / _CELL)


def _column(longitude: float) -> int:
    return floor((longitude + 180) / _CELL) % _ROUND


__all__ = ["FACTS", "cells_within", "place_of"]
