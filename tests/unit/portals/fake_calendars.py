"""Calendars in memory: nobody has an appointment, and no link is known."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.portals.ports.calendar import Appointment, Feed, OnTheDay, Opened, Unit


class FakeCalendars:
    """Empty calendars."""

    async def calendar(self, ask: Ask, citizen: int) -> Sequence[Appointment]:
        """Nothing."""
        return []

    async def units(self, keys: Sequence[int], now: datetime) -> Mapping[int, Unit]:
        """None."""
        return {}

    async def day(self, ask: Ask, since: datetime, until: datetime) -> Sequence[OnTheDay]:
        """Nobody comes."""
        return []

    async def feeds(self, ask: Ask) -> Sequence[Feed]:
        """None."""
        return []

    async def open_feed(self, secret: str, now: datetime) -> Opened:
        """No link is known."""
        raise Unknown
