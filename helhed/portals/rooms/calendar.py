"""Calendars, for pages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from helhed.fhir.store import Store
from helhed.foundation.ask import Action, Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.portals.ports.calendar import Answer, Appointment, Booking, Feed, OnTheDay, Opened, Unit
from helhed.record.calendar.answering import Answers
from helhed.record.calendar.booking import Bookings
from helhed.record.calendar.places import unit_of
from helhed.record.calendar.reading import CalendarReader
from helhed.registries.directory import Directory
from helhed.registries.units.history import UnitHistory
from helhed.trust.feeds import Feeds


class PortalCalendars:
    """Appointments of all sectors, answers to them, a unit's own, and links to them."""

    def __init__(self, store: Store) -> None:
        self._reader, self._answers, self._bookings = CalendarReader(store), Answers(store), Bookings(store)
        self._directory = Directory(store.pool)
        self._units, self._feeds = UnitHistory(store.pool), Feeds(store.pool)

    async def calendar(self, ask: Ask, citizen: int) -> list[Appointment]:
        """Everything visible, as one look."""
        return await self._reader.calendar(ask, citizen)

    async def fetched(self, opened: Opened) -> list[Appointment]:
        """The same for a link."""
        return await self._reader.calendar(opened.ask, opened.subject, Action.CALENDAR_FEED)

    async def units(self, keys: Sequence[int], now: datetime) -> dict[int, Unit]:
        """As the register has them today."""
        named = await self._directory.organisations(sorted(set(keys)))
        found = await self._units.as_of(set(keys), now.astimezone(DANISH_TIME).date(), now)
        units = {key: Unit(one.name) for key, one in named.items()}
        return units | {key: unit_of(dict(then.said)) for key, then in found.items()}

    async def answer(self, ask: Ask, citizen: int, one: Appointment, answer: Answer) -> None:
        """A citizen's answer."""
        await self._answers.answer(ask, citizen, one, answer)

    async def day(self, ask: Ask, since: datetime, until: datetime) -> list[OnTheDay]:
        """A unit's."""
        return await self._reader.day(ask, since, until)

    async def make(self, ask: Ask, patient: UUID, unit: str, booking: Booking) -> UUID:
        """A new one."""
        return await self._bookings.make(ask, patient, unit, booking)

    async def change(self, ask: Ask, id: UUID, version: int, booking: Booking) -> None:
        """Changed."""
        await self._bookings.change(ask, id, version, booking)

    async def call_off(self, ask: Ask, id: UUID, version: int, reason: str) -> None:
        """Called off."""
        await self._bookings.call_off(ask, id, version, reason)

    async def make_feed(self, ask: Ask, subject: int, detail: str, language: str) -> str:
        """A link."""
        return await self._feeds.make(ask, subject, detail, language)

    async def feeds(self, ask: Ask) -> list[Feed]:
        """Those there are."""
        return await self._feeds.own(ask)

    async def end_feed(self, ask: Ask, feed: UUID) -> None:
        """One ends."""
        await self._feeds.end(ask, feed)

    async def open_feed(self, secret: str, now: datetime) -> Opened:
        """What one gives."""
        return await self._feeds.open(secret, now)
