"""Links by which a calendar program fetches appointments: a secret in an address, kept as its hash, that permits nothing by itself.

Each fetch is the ask of the citizen who made the link, decided when it reads. What the citizen may see no more, the link has no more.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Pool
from helhed.foundation.errors import TooMany, Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.policy import document

CLIENT = "calendar-feed"
_BYTES = 32
_LONGEST = 64
_MAKE = "select trust.make_feed($1::fhir.ask, $2, $3, $4, $5, $6, $7)"
_OWN = "select * from trust.own_feeds($1::fhir.ask)"
_END = "select trust.end_feed($1::fhir.ask, $2)"
_OPEN = "select * from trust.open_feed($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class FeedRules:
    """How many, how often, and how long before."""

    at_most: int
    an_hour: int
    remind: timedelta


@cache
def feed_rules() -> FeedRules:
    """The rules of this version of the network (``policy/feeds.json``)."""
    told = document("feeds.json")
    return FeedRules(told["at_most"], told["fetches_an_hour"], timedelta(days=told["remind_days"]))


@dataclass(frozen=True, slots=True)
class Feed:
    """A link, as its holder sees it, and whom it is about. The secret was shown once and is not here."""

    id: UUID
    mine: bool  #: the asker made it
    subject: int
    about_me: bool
    other_name: str  #: whom it is about, of one's own; who made it, of those to one's own calendar
    detail: str  #: time, address, full
    made_at: datetime
    fetched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link gives: an ask of its holder, about whom, and how much of it may be told."""

    ask: Ask
    subject: int
    detail: str
    language: str


class Feeds:
    """Links to calendars."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make(self, ask: Ask, subject: int, detail: str, language: str) -> str:
        """A new link's secret, which is told this once. Unknown when the asker does not see those appointments, Unprocessable for too many."""
        secret = secrets.token_urlsafe(_BYTES)
        values = (uuid4(), hashed(secret), subject, detail, language, feed_rules().at_most)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            problem = await connection.fetchval(_MAKE, ask_row(ask), *values)
        if problem == "unknown":
            raise Unknown
        if problem:
            raise Unprocessable("There are as many links as one may have: end one first.")
        return secret

    async def own(self, ask: Ask) -> list[Feed]:
        """The asker's, and those to the asker's calendar."""
        async with lend(self._pool) as connection:
            return [_feed(row) for row in await connection.fetch(_OWN, ask_row(ask))]

    async def end(self, ask: Ask, feed: UUID) -> None:
        """It opens nothing from the next fetch on. Unknown."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_END, ask_row(ask), feed):
                raise Unknown

    async def open(self, secret: str, now: datetime) -> Opened:
        """What the link with this secret gives now. Unknown for none, one that has ended, or whose holder sees nothing any more;
        TooMany.
        """
        if not secret.isascii() or len(secret) > _LONGEST:
            raise Unknown
        trace = uuid4()
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            row = await connection.fetchrow(_OPEN, hashed(secret), now, trace, feed_rules().an_hour)
        if row is None:
            raise Unknown
        if row["outcome"] != "open":
            raise TooMany
        ask = Ask(
            ActorKind.CITIZEN, row["holder"], None, "", Purpose.OWN, CLIENT, frozenset({"Appointment", "Location"}), frozenset(), now, trace
        )  # fmt: skip
        return Opened(ask, row["subject"], row["detail"], row["language"])


def hashed(secret: str) -> bytes:
    """As the database keeps it."""
    return sha256(b"calendar feed " + secret.encode()).digest()


def _feed(row: Any) -> Feed:
    return Feed(**{name: row[name] for name in Feed.__slots__})
