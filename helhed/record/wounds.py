"""The wound record: the pictures and the measurements of each wound over time, whoever keeps them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from helhed.record.facts import load
from helhed.record.images import Picture, pictures
from helhed.record.paths import text
from helhed.record.reading import Entry, Record

MEASURES: Mapping[str, Mapping[str, str]] = load("wounds.json")["measures"]


@dataclass(frozen=True, slots=True)
class WoundDay:
    """What was seen of a wound on one day."""

    at: datetime
    measured: Mapping[str, tuple[object, str]]  #: length, width, depth, area: value and unit
    pictures: tuple[Picture, ...]
    origin: int


@dataclass(frozen=True, slots=True)
class Wound:
    """One wound, by where it is on the body; newest day first."""

    site: str
    days: tuple[WoundDay, ...]


def wounds(record: Record) -> list[Wound]:
    """Every wound that was measured, the latest seen first."""
    measured: dict[str, list[tuple[datetime, str, Entry]]] = defaultdict(list)
    for entry in record.of("Observation"):
        key, site = _measure(entry), text(entry.content, "bodySite.text", "bodySite.coding.display")
        if key and site and entry.moment and entry.content.get("status") not in {"entered-in-error", "cancelled"}:
            measured[site].append((entry.moment.at, key, entry))
    shown = pictures(record)
    found = [Wound(site, _days(rows, [one for one in shown if one.site == site])) for site, rows in measured.items()]
    return sorted(found, key=lambda wound: -wound.days[0].at.timestamp())


def _measure(entry: Entry) -> str:
    codes = entry.content.get("code", {}).get("coding", [])
    return next(
        (MEASURES[key]["key"] for one in codes if (key := f"{one.get('system')}|{one.get('code')}") in MEASURES), ""
    )


def _days(rows: list[tuple[datetime, str, Entry]], shown: list[Picture]) -> tuple[WoundDay, ...]:
    days: dict[date, tuple[datetime, dict[str, tuple[object, str]], int]] = {}
    for at, key, entry in rows:
        _, values, _ = days.setdefault(at.date(), (at, {}, entry.origin))
        quantity = entry.content.get("valueQuantity", {})
        values[key] = (quantity.get("value"), text(quantity, "unit", "code"))
    taken: dict[date, list[Picture]] = defaultdict(list)
    for one in shown:
        if one.at:
            taken[one.at.at.date()].append(one)
            days.setdefault(one.at.at.date(), (one.at.at, {}, one.origin))
    told = [WoundDay(at, values, tuple(taken[day]), origin) for day, (at, values, origin) in days.items()]
    return tuple(sorted(told, key=lambda one: -one.at.timestamp()))
