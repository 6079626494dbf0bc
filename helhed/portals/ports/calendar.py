"""What the pages of calendars need. The shapes are those of ``record.calendar`` and ``trust.feeds``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.record.calendar.answering import Answer
from helhed.record.calendar.appointments import Appointment
from helhed.record.calendar.booking import Booking
from helhed.record.calendar.places import Unit
from helhed.record.calendar.reading import OnTheDay
from helhed.trust.feeds import Feed, Opened

__all__ = ["Answer", "Appointment", "Booking", "Calendars", "Feed", "OnTheDay", "Opened", "Unit"]


class Calendars(Protocol):
    """``record`` and ``trust``: appointments of all sectors, answers to them, a unit's own, and links to them."""

    async def calendar(self, ask: Ask, citizen: int) -> Sequence[Appointment]:
        """Everything that the ask may see, with its past, the nearest first: one look."""
        ...

    async def fetched(self, opened: Opened) -> Sequence[Appointment]:
        """The same for a link, logged as such."""
        ...

    async def units(self, keys: Sequence[int], now: datetime) -> Mapping[int, Unit]:
        """Units as the register has them now."""
        ...

    async def answer(self, ask: Ask, citizen: int, one: Appointment, answer: Answer) -> None:
        """A citizen's answer. NotTaken, Unknown, PreconditionFailed."""
        ...

    async def day(self, ask: Ask, since: datetime, until: datetime) -> Sequence[OnTheDay]:
        """What the asker's unit has between two moments: one look."""
        ...

    async def make(self, ask: Ask, patient: UUID, unit: str, booking: Booking) -> UUID:
        """A new appointment of the asker's unit."""
        ...

    async def change(self, ask: Ask, id: UUID, version: int, booking: Booking) -> None:
        """Another time, or what else is said. PreconditionFailed."""
        ...

    async def call_off(self, ask: Ask, id: UUID, version: int, reason: str) -> None:
        """It does not stand any more. PreconditionFailed."""
        ...

    async def make_feed(self, ask: Ask, subject: int, detail: str, language: str) -> str:
        """A link's secret, told this once. Unknown, Unprocessable."""
        ...

    async def feeds(self, ask: Ask) -> Sequence[Feed]:
        """Links that the asker made, and those to the asker's calendar."""
        ...

    async def end_feed(self, ask: Ask, feed: UUID) -> None:
        """It opens nothing any more. Unknown."""
        ...

    async def open_feed(self, secret: str, now: datetime) -> Opened:
        """What a link gives. Unknown, TooMany."""
        ...
