"""The one source of time. Everything that needs "now" is given a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]

DANISH_TIME = ZoneInfo("Europe/Copenhagen")


def system_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)
