"""A calendar in plain words: what, when, where, how, with whom, whom to call; what changed; what collides and whose move that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words, capital
from helhed.record.calendar.answering import allowed, answered
from helhed.record.calendar.appointments import Appointment, Said
from helhed.record.calendar.changes import Change, changes
from helhed.record.calendar.conflicts import Conflict
from helhed.record.calendar.places import Unit, Whereabouts, whereabouts

MOST_CHANGES = 6


class Told(NamedTuple):
    """Something that was changed: when, for people and machines, and what."""

    when: str
    machine: str
    text: str


@dataclass(frozen=True, slots=True)
class AppointmentView:
    """An appointment."""

    id: UUID
    version: int
    day: str
    month: str
    machine: str
    when: str
    title: str
    state: str  #: words, "" when it simply stands
    colour: str  #: of the state: red, amber, grey, green
    struck: bool  #: nobody is expected
    manner: str
    manner_for_staff: str
    place: str
    address: str
    who: str
    prepare: tuple[str, ...]
    keeper: str
    phone: str
    changes: tuple[Told, ...]
    answers: tuple[str, ...]
    answered: str


@dataclass(frozen=True, slots=True)
class ConflictView:
    """What does not go together, and whose move it is."""

    kind: str
    text: str
    move: str
    first: UUID
    second: UUID
    phone: str


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The page."""

    coming: list[AppointmentView]
    past: list[AppointmentView]
    conflicts: list[ConflictView]
    hints: list[ConflictView]


class Teller:
    """Tells appointments in a language, by the register's units."""

    def __init__(self, words: Words, units: Mapping[int, Unit], now: datetime) -> None:
        self._words, self._units, self._now = words, units, now

    def where(self, one: Appointment) -> Whereabouts:
        """Where, and whom to call."""
        return whereabouts(one, self._units)

    def view(self, one: Appointment) -> AppointmentView:
        """An appointment as the page has it."""
        words, said, where = self._words, one.said, self.where(one)
        assert said.start is not None
        state, colour = self._state(one)
        return AppointmentView(
            id=one.id,
            version=one.version,
            day=words.pattern(said.start.at, "day_number"),
            month=words.pattern(said.start.at, "month_short"),
            machine=said.start.at.isoformat(timespec="minutes"),
            when=self.when(said),
            title=said.what or words("visit.unnamed"),
            state=state,
            colour=colour,
            struck=not one.stands,
            manner=words(f"calendar.manner.{said.manner}") if said.manner else "",
            manner_for_staff=words.either(f"appointment.manner.{said.manner}", ""),
            place=where.place,
            address=where.address,
            who=words.listed(list(said.who)),
            prepare=said.prepare,
            keeper=where.keeper,
            phone=where.phone,
            changes=tuple(self._told(change, where.keeper) for change in reversed(changes(one)))[:MOST_CHANGES],
            answers=allowed(one, self._now),
            answered=self._answered(one),
        )

    def when(self, said: Said) -> str:
        """Fredag 27.11.2026 kl. 10.45-11.15; the second day too, where it ends on another."""
        words = self._words
        if said.start is None:
            return ""
        shown = words.long_instant(said.start)
        if said.all_day or said.end is None or not said.lasts:
            return shown
        one_day = said.start.at.astimezone(DANISH_TIME).date() == said.end.at.astimezone(DANISH_TIME).date()
        end = words.pattern(said.end.at, "time") if one_day else words.long_instant(said.end)
        return words("calendar.from_to", start=shown, end=end)

    def _state(self, one: Appointment) -> tuple[str, str]:
        words = self._words
        if one.removed:
            return words("calendar.state.removed"), "red"
        if one.said.called_off:
            return words("calendar.state.called_off"), "red"
        if one.said.status in ("proposed", "pending", "waitlist"):
            return words("calendar.state.proposed"), "amber"
        if one.said.status == "noshow":
            return words("calendar.state.noshow"), "grey"
        moved = [change for change in changes(one) if change.what in ("time", "place")]
        if moved and one.stands and not one.over(self._now):
            return words("calendar.state.changed"), "amber"
        return "", ""

    def _told(self, change: Change, keeper: str) -> Told:
        words, before, after = self._words, change.before, change.after
        values: dict[str, object] = {
            "keeper": keeper or words("calendar.the_place"),
            "before": self._of(change.what, before),
            "after": self._of(change.what, after),
            "reason": after.reason,
        }
        key = f"calendar.change.{change.what}"
        if change.what == "called-off":
            key = "calendar.change.called_off_why" if after.reason else "calendar.change.called_off"
        elif change.what == "stands-again":
            key = "calendar.change.stands_again"
        return Told(words.instant(change.at), change.at.isoformat(timespec="seconds"), words(key, **values))

    def _of(self, what: str, said: Said) -> str:
        words = self._words
        if what == "time":
            when = self.when(said)
            return (
                when[:1].lower() + when[1:] if words.language == "da" else when
            )  # a day of the week within a sentence
        if what == "place":
            return ", ".join(part for part in (said.place, said.address) if part) or words("calendar.nothing")
        if what == "manner":
            return words(f"calendar.manner.{said.manner}") if said.manner else words("calendar.nothing")
        if what == "who":
            return words.listed(list(said.who)) or words("calendar.nothing")
        if what == "prepare":
            return " ".join(said.prepare) or words("calendar.nothing")
        return words.either(f"calendar.participation.{said.answer}", said.answer) if what == "answer" else ""

    def _answered(self, one: Appointment) -> str:
        found = answered(one)
        if found is None or not one.stands:
            return ""
        return self._words(f"calendar.answered.{found[0]}", when=self._words.instant(found[1]))

    def conflict(self, hit: Conflict) -> ConflictView:
        """What collides, in words."""
        words = self._words
        first, second = self._short(hit.first), self._short(hit.second)
        text = words(
            f"calendar.conflict.{hit.kind}", first=first, second=second, minutes=hit.minutes, needed=hit.needed
        )
        move, phone = words("calendar.move.trips"), self.where(hit.second).phone
        if hit.mover is not None:
            where = self.where(hit.mover)
            phone = where.phone
            found = answered(hit.first), answered(hit.second)
            asked = next((one for one in found if one and one[0] in ("move", "cancel")), None)
            key = "calendar.move.asked" if asked else "calendar.move.call"
            when = words.instant(asked[1]) if asked else ""
            move = words(key, keeper=where.keeper or words("calendar.the_place"), when=when)
        return ConflictView(hit.kind, text, move, hit.first.id, hit.second.id, phone)

    def _short(self, one: Appointment) -> str:
        where = self.where(one)
        assert one.said.start is not None
        title = one.said.what or self._words("visit.unnamed")
        when = self._words.instant(one.said.start.at) if not one.said.all_day else self._words.day(one.said.start.at)
        return words_of(title, where.keeper, when)


def words_of(title: str, keeper: str, when: str) -> str:
    """An appointment in half a line."""
    return f"{title} ({', '.join(part for part in (keeper, when) if part)})"


def calendar_view(
    found: Sequence[Appointment], hits: Sequence[Conflict], teller: Teller, now: datetime, since: datetime
) -> CalendarView:
    """The page: what is coming, the nearest first; what is over since a moment, the latest first."""
    coming = [one for one in found if not one.over(now)]
    past = [one for one in reversed(found) if one.over(now) and one.said.start and one.said.start.at >= since]
    told = [teller.conflict(hit) for hit in hits]
    return CalendarView(
        [teller.view(one) for one in coming],
        [teller.view(one) for one in past],
        [one for one in told if one.kind != "trips"],
        [one for one in told if one.kind == "trips"],
    )


def feed_words(words: Words) -> dict[str, str]:
    """What events of a feed are called."""
    return {
        "appointment": words("calendar.feed.appointment"),
        "call": words("calendar.call"),
        "with": capital(words("calendar.with")),
        "home": words("calendar.manner.home"),
        "telephone": words("calendar.manner.telephone"),
        "video": words("calendar.manner.video"),
    }
