"""Days as plain numbers (``date.toordinal``) and as FHIR writes them, in Danish local time."""

from datetime import date, timedelta
from functools import cache

from helhed.population.facts import facts

YEAR = 365.25
_CLOSED = facts("people")["closed"]
TODAY = date.fromisoformat(facts("people")["today"]).toordinal()


@cache
def day_text(day: int) -> str:
    """A FHIR date."""
    return date.fromordinal(day).isoformat()


@cache
def danish(day: int) -> str:
    """A date as letters write it: 23.11.2026."""
    return f"{date.fromordinal(day):%d.%m.%Y}"


def year_of(day: int) -> int:
    """The calendar year."""
    return date.fromordinal(day).year


def stamp(day: int, minute: int) -> str:
    """A FHIR dateTime at a minute of a day."""
    return f"{day_text(day)}T{minute // 60:02}:{minute % 60:02}:00{_offset(day)}"


@cache
def _offset(day: int) -> str:
    """Europe/Copenhagen at noon: summer time from the last Sunday of March to that of October."""
    moment = date.fromordinal(day)
    summer = _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10)
    return "+02:00" if summer else "+01:00"


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def working_day(day: int) -> int:
    """The same day, or the last day before on which clinics are open."""
    while (day - 1) % 7 > 4 or day in _closed(year_of(day)):
        day -= 1
    return day


@cache
def _closed(year: int) -> frozenset[int]:
    """The days of a year on which Danish clinics are closed, besides weekends."""
    easter = _easter(year)
    moving = [easter + days for days in _CLOSED["after_easter"]]
    if year <= _CLOSED["prayer_day"]["last_year"]:
        moving.append(easter + _CLOSED["prayer_day"]["after_easter"])
    return frozenset([*moving, *(date.fromisoformat(f"{year}-{day}").toordinal() for day in _CLOSED["each_year"])])


def _easter(year: int) -> int:
    """Easter Sunday: the anonymous Gregorian computus (Meeus, *Astronomical Algorithms*, chapter 8)."""
    century = year // 100
    skipped = century - century // 4 - (8 * century + 13) // 25
    epact = (19 * (year % 19) + skipped + 15) % 30
    epact -= (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - year % 19) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    return date(year, 3, 28).toordinal() + epact - weekday
