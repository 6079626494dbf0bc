"""iCalendar (RFC 5545): what is written, folded, escaped and versioned so that the calendars of others follow.

Times are local with ``TZID=Europe/Copenhagen`` and a VTIMEZONE, as people mean them. The hour that a clock shows twice in autumn, and
years before the present rules of summer time, are written in UTC: a local time would say another moment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from helhed.foundation.clock import DANISH_TIME

ZONE = "Europe/Copenhagen"
PRODUCT = "-//Helhed//Kalender//DA"
_LINE = 75  #: octets (section 3.1)
_RULES_SINCE = 1996  #: summer time until the last Sunday of October (directive 94/21/EC)
_LONGEST_TEXT = 4000
_TIMEZONE = (
    "BEGIN:VTIMEZONE",
    f"TZID:{ZONE}",
    "BEGIN:DAYLIGHT",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200",
    "TZNAME:CEST",
    "DTSTART:19960331T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
    "END:DAYLIGHT",
    "BEGIN:STANDARD",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:+0100",
    "TZNAME:CET",
    "DTSTART:19961027T030000",
    "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT. ``start`` and ``end`` are aware; of an all-day event their Danish days count, ``end`` being the day after."""

    uid: str
    sequence: int
    stamp: datetime
    cancelled: bool
    tentative: bool
    start: datetime
    end: datetime
    all_day: bool
    summary: str
    location: str = ""
    description: str = ""


def calendar(name: str, events: Iterable[Event], refresh: timedelta = timedelta(hours=1)) -> bytes:
    """A calendar of these events."""
    hours = max(1, int(refresh.total_seconds() // 3600))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{hours}H",
        f"X-PUBLISHED-TTL:PT{hours}H",
        *_TIMEZONE,
    ]
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return "".join(folded(line) for line in lines).encode()


def _event(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(event.uid)}"
    yield f"DTSTAMP:{_utc(event.stamp)}"
    yield f"LAST-MODIFIED:{_utc(event.stamp)}"
    yield f"SEQUENCE:{max(event.sequence, 0)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'TENTATIVE' if event.tentative else 'CONFIRMED'}"
    yield f"DTSTART{_when(event.start, all_day=event.all_day)}"
    if event.end > event.start:
        yield f"DTEND{_when(event.end, all_day=event.all_day)}"
    yield f"SUMMARY:{escaped(event.summary)}"
    if event.location:
        yield f"LOCATION:{escaped(event.location)}"
    if event.description:
        yield f"DESCRIPTION:{escaped(event.description)}"
    yield "CLASS:PRIVATE"
    yield f"TRANSP:{'TRANSPARENT' if event.cancelled else 'OPAQUE'}"
    yield "END:VEVENT"


def _when(moment: datetime, *, all_day: bool) -> str:
    local = moment.astimezone(DANISH_TIME)
    if all_day:
        return f";VALUE=DATE:{local.year:04d}{local:%m%d}"
    if local.fold or local.year < _RULES_SINCE:
        return f":{_utc(moment)}"
    return f";TZID={ZONE}:{local.year:04d}{local:%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f"{at.year:04d}{at:%m%dT%H%M%S}Z"


def escaped(text: str) -> str:
    """A TEXT value (section 3.3.11). Control characters are dropped: a line end in a name begins no line of ours."""
    cut = text[:_LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    for sign in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c"):
        cut = cut.replace(sign, "\n")
    cut = "".join(sign for sign in cut if sign in {"\n", "\t"} or (sign >= " " and not "\x7f" <= sign <= "\x9f"))
    return cut.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """A content line in pieces of at most 75 octets, none of which splits a character (section 3.1)."""
    pieces: list[str] = []
    piece, size = "", 0
    for sign in line:
        octets = len(sign.encode("utf-8", "replace"))
        if size + octets > _LINE - (1 if pieces else 0):
            pieces.append(piece)
            piece, size = "", 0
        piece += sign
        size += octets
    return "\r\n ".join([*pieces, piece]) + "\r\n"
