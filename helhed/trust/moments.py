"""Moments as the database tells them."""

from datetime import UTC, datetime


def aware(moment: datetime) -> datetime:
    """The driver tells of infinity as the first or last moment there is, without a time zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
