"""A citizen's appointments as events of their own calendar, with as much in them as the citizen chose."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from helhed.foundation.clock import DANISH_TIME
from helhed.record.calendar.appointments import Appointment
from helhed.record.calendar.ics import Event
from helhed.record.calendar.places import Unit, whereabouts

KEPT = timedelta(days=60)  #: how long what is over stays in a feed


class Detail(StrEnum):
    """How much somebody else's calendar is told. Only the last says anything about health."""

    TIME = "time"
    ADDRESS = "address"
    FULL = "full"


def events(
    found: Sequence[Appointment],
    units: Mapping[int, Unit],
    detail: Detail,
    words: Mapping[str, str],
    now: datetime,
    since: timedelta = KEPT,
) -> list[Event]:
    """The events of appointments; ``words`` are: appointment, home, telephone, video, call, prepare, with.

    Called off and taken out ones stay, as cancelled, so that calendars that have them let go of them.
    """
    fresh = [one for one in found if (until := one.said.until()) is not None and until > now - since]
    return [_event(one, units, detail, words) for one in fresh]


def _event(one: Appointment, units: Mapping[int, Unit], detail: Detail, words: Mapping[str, str]) -> Event:
    start, until = one.said.start, one.said.until()
    assert start is not None
    assert until is not None
    where = whereabouts(one, units)
    address = words.get(one.said.manner, "") or where.address
    location, description, summary = "", "", words["appointment"]
    if detail is not Detail.TIME:
        location = address
    if detail is Detail.FULL:
        summary = one.said.what or summary
        location = ", ".join(part for part in (where.place, address) if part)
        description = _description(one, where.keeper, where.phone, words)
    begins = start.at.astimezone(DANISH_TIME)
    return Event(
        uid=f"{one.id}@helhed",
        sequence=one.version - 1,
        stamp=one.updated,
        cancelled=not one.stands and (one.said.called_off or one.removed),
        tentative=one.said.status in ("proposed", "pending", "waitlist"),
        start=begins,
        end=until,
        all_day=one.said.all_day,
        summary=summary,
        location=location,
        description=description,
    )


def _description(one: Appointment, keeper: str, phone: str, words: Mapping[str, str]) -> str:
    parts = [
        f"{words['with']}: {', '.join(one.said.who)}" if one.said.who else "",
        *one.said.prepare,
        f"{words['call']}: {keeper} {phone}".strip() if phone else keeper,
    ]
    return "\n".join(part for part in parts if part)
