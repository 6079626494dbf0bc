"""How many different people somebody may look up in a short time (attacks 46 and 85 of the access model).

The thresholds are data: ``trust/policy/lookups.json``. The count stands in the database, so that all workers and machines
share it and a restart changes nothing. It fails closed: a look-up that cannot be counted is not made, and as it would have
been answered by the same database, nothing is lost by that. Reading a record that is known by its id counts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.trust.policy import document
from helhed.trust.watch.events import EventKind, SecurityEvents

_NOTE = "select slowed, refused from registries.note_lookups($1, $2, $3, $4, $5, $6)"
_FORGET = "select registries.forget_lookups()"
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold."""

    within: timedelta
    slow_after: int
    refuse_after: int


class Verdict(NamedTuple):
    """What a look-up has to bear."""

    pause: float = 0.0  #: seconds to wait first
    refused: bool = False


@cache
def limits() -> tuple[dict[str, tuple[Limit, ...]], float]:
    """The limits by whom they hold for, and the pause in seconds."""
    data = document("lookups.json")
    found: dict[str, tuple[Limit, ...]] = {}
    for one in data["limits"]:
        limit = Limit(timedelta(minutes=one["minutes"]), one["slow_after"], one["refuse_after"])
        found[one["who"]] = (*found.get(one["who"], ()), limit)
    return found, float(data["pause_seconds"])


class Lookups:
    """Counts look-ups for all workers together, and says which are too many."""

    def __init__(self, pool: Pool, secret: bytes, events: SecurityEvents | None = None) -> None:
        self._pool = pool
        self._events = events  #: who watches over the network is told of what is refused
        self._key = blake2b(secret, digest_size=32, person=b"look-ups").digest()
        self._log = logger("lookups")

    async def note(self, who: str, asker: str, people: Sequence[str], now: datetime) -> Verdict:
        """``asker``, of the kind ``who``, looks ``people`` up now. Who is refused does not count against later ones.

        Raises DatabaseAway or Overloaded.
        """
        held, pause = limits()
        mine = held.get(who, ())
        if not mine or not people:
            return Verdict()
        seconds = [int(limit.within.total_seconds()) for limit in mine]
        most = [limit.slow_after for limit in mine], [limit.refuse_after for limit in mine]
        named = self._digest(f"{who} {asker}"), [self._digest(one) for one in people]
        async with lend(self._pool) as connection:
            ((slowed, refused),) = await connection.fetch(_NOTE, *named, now, seconds, *most)
        if refused:
            self._log.warning("look-ups refused", who=who, asker="" if who == "address" else asker)
            self._tell(who, asker)
        return Verdict(pause if slowed or refused else 0.0, refused)

    def _tell(self, who: str, asker: str) -> None:
        if self._events is not None:
            told = {"address": "place", "session": "session"}.get(who)
            whose = {told: asker} if told else {"actor": int(asker)}
            self._events.note(EventKind.LOOKUPS_REFUSED, **whose)

    async def forget(self) -> None:
        """Let go of what no limit looks at any more."""
        async with lend(self._pool) as connection:
            await connection.execute(_FORGET)

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode(), digest_size=_DIGEST_BYTES, key=self._key).digest()
