"""``near`` of Location: ``latitude|longitude|distance|units`` (http://hl7.org/fhir/R4/location.html#positional)."""

import re

from helhed.fhir.indexing.near import FACTS, cells_within
from helhed.fhir.query.model import NearAlternative, NearTest
from helhed.fhir.query.text import split
from helhed.fhir.units import measure_of
from helhed.foundation.errors import BadRequest

_NUMBER = re.compile(r"[+-]?\d{1,5}(\.\d{1,17})?", re.ASCII)
_FEWEST, _MOST = 2, 4
_UCUM, _METRE = "http://unitsofmeasure.org", "m"
_FARTHEST = 20_100_000.0  #: half around the earth, in metres


def near_test(number: int, name: str, found: list[str]) -> NearTest:
    """The condition behind the alternatives of a parameter. Raises BadRequest."""
    return NearTest(number, tuple(_alternative(number, name, text) for text in found))


def _alternative(number: int, name: str, text: str) -> NearAlternative:
    parts = split(text, "|")
    if not _FEWEST <= len(parts) <= _MOST:
        raise BadRequest(
            f"The parameter {name} is latitude|longitude, latitude|longitude|distance or the same with |units."
        )
    latitude = _within(name, "latitude", parts[0], 90)
    longitude = _within(name, "longitude", parts[1], 180)
    metres = _metres(name, *parts[2:])
    return NearAlternative(latitude, longitude, metres, cells_within(number, latitude, longitude, metres))


def _within(name: str, what: str, text: str, most: int) -> float:
    if not _NUMBER.fullmatch(text) or abs(float(text)) > most:
        raise BadRequest(
            f"The {what} in the parameter {name} is a number of degrees from -{most} to {most}, not {text[:20]!r}."
        )
    return float(text)


def _metres(name: str, distance: str = "", units: str = "") -> float:
    """The distance, or the one that is meant when none is said; then units do not matter."""
    if not distance:
        return float(FACTS["default_kilometres"]) * 1000
    unit = _unit(units or "km")
    if unit is None:
        raise BadRequest(
            f"The units in the parameter {name} are a UCUM unit of length such as km or m, not {units[:20]!r}."
        )
    if not _NUMBER.fullmatch(distance) or not 0 <= (metres := float(distance) * unit) <= _FARTHEST:
        raise BadRequest(
            f"The distance in the parameter {name} is a number from 0 to half around the earth, not {distance[:20]!r}."
        )
    return metres


def _unit(units: str) -> float | None:
    """Metres in a unit; None when it is no unit of length."""
    if units in FACTS["more_units_metres"]:
        return float(FACTS["more_units_metres"][units])
    measure = measure_of(_UCUM, units)
    return measure.of(1.0) if measure is not None and measure.canonical == _METRE else None


__all__ = ["near_test"]
