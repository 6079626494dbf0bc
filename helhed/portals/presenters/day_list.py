"""Who comes to a unit on a day, in the order of the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports.calendar import OnTheDay
from helhed.portals.presenters.calendar import AppointmentView, Teller
from helhed.portals.presenters.pages import PersonView, person_view
from helhed.record.paths import Json


@dataclass(frozen=True, slots=True)
class DayRow:
    """One line."""

    id: UUID
    time: str
    machine: str
    person: PersonView
    shown: AppointmentView
    unit: str
    answer: str  #: what the citizen said of it
    colour: str
    call_off: bool  #: whose it is, is registered as dead, and it still stands: the unit's move


def to_call_off(one: OnTheDay, now: datetime) -> bool:
    """Whether an appointment waits for its unit to call it off: it is to come, it stands, and whose it is has died."""
    return not one.alive and one.appointment.stands and not one.appointment.over(now)


def day_view(rows: Sequence[OnTheDay], teller: Teller, words: Words, now: datetime) -> list[DayRow]:
    """The lines; those that were called off come along, as such."""
    return [_row(one, teller, words, now) for one in rows]


_COLOURS: Json = {"accepted": "green", "declined": "red", "tentative": "amber"}


def _row(one: OnTheDay, teller: Teller, words: Words, now: datetime) -> DayRow:
    said = one.appointment.said
    assert said.start is not None
    time = words("calendar.all_day") if said.all_day else words.pattern(said.start.at, "time")
    if not said.all_day and said.end is not None and said.lasts:
        time = f"{time}–{words.pattern(said.end.at, 'time')}"
    return DayRow(
        one.appointment.id,
        time,
        said.start.at.isoformat(timespec="minutes"),
        person_view(one, words, now),
        teller.view(one.appointment),
        teller.where(one.appointment).keeper,
        words.either(f"calendar.participation.{said.answer}", ""),
        _COLOURS.get(said.answer, "grey"),
        to_call_off(one, now),
    )
