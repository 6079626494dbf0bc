"""Points in time as FHIR writes them: a year, a month, a day or an instant, each kept as precise as it was said."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from re import compile as pattern

from helhed.foundation.clock import DANISH_TIME


class Precision(IntEnum):
    """How much of the moment was said."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    TIME = 4


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A FHIR date or dateTime: its first instant, in Danish time, and how precisely it was given."""

    at: datetime
    precision: Precision = Precision.TIME

    @property
    def ends(self) -> datetime:
        """The first instant after the year, month or day; the instant itself when a time was given."""
        if self.precision is Precision.YEAR:
            return self.at.replace(year=self.at.year + 1)
        if self.precision is Precision.MONTH:
            return self.at + timedelta(days=monthrange(self.at.year, self.at.month)[1])
        return self.at + timedelta(days=1) if self.precision is Precision.DAY else self.at


_DATE = pattern(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?")


def moment(value: object) -> Moment | None:
    """The moment behind a FHIR date, dateTime or instant (R4 2.24.0.1), or None when it is not one."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, time = found.groups()
    try:
        if time:
            return Moment(datetime.fromisoformat(found.string).astimezone(DANISH_TIME))
        precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
        return Moment(datetime(int(year), int(month or 1), int(day or 1), tzinfo=DANISH_TIME), precision)
    except (ValueError, OverflowError):
        return None
