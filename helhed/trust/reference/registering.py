"""Until when a registration that is open gives a relation, in the reference: however far ahead its end is planned, not for ever."""

from datetime import UTC, datetime, timedelta

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def holds_until(registered: datetime, planned: datetime | None, days: int) -> datetime:
    """The first moment at which an open contact gives no relation any more: its planned end, or so many days after it was last
    registered, whichever comes first.
    """
    try:
        longest = registered + timedelta(days=days)
    except OverflowError:
        longest = _END_OF_TIME
    return longest if planned is None or planned > longest else planned
