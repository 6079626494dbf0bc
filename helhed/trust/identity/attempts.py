"""Counts failed attempts at the token endpoint, so that nobody tries keys, codes and tokens one after another.

The count stands in the database, by client and address: all workers share it, and a flood in the name of one client, or from
one address, stops no other. It fails closed: an attempt that cannot be counted is not made. Thresholds: ``trust/policy/attempts.json``.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import blake2b

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.identity.errors import TooManyAttempts
from helhed.trust.policy import document

_LATELY = "select trust.attempts_lately($1, $2, $3)"
_NOTE = "select trust.note_attempt($1, $2, $3, $4, $5)"
_FORGET = "select trust.forget_attempts($1, $2)"


@dataclass(frozen=True, slots=True)
class AttemptsPolicy:
    """The policy in force."""

    most_failed: int
    within: timedelta
    most_known: int


@cache
def attempts_policy() -> AttemptsPolicy:
    """``trust/policy/attempts.json``."""
    told = document("attempts.json")
    return AttemptsPolicy(told["most_failed"], timedelta(seconds=told["within_seconds"]), told["most_known"])


class Attempts:
    """By client and address, for all workers together. Those under way at once are judged by what failed before them."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def check(self, client: str, place: str) -> None:
        """Raises TooManyAttempts when enough failed lately, whatever this one would bring; DatabaseAway, Overloaded."""
        held = attempts_policy()
        async with lend(self._pool) as connection:
            lately = await connection.fetchval(_LATELY, _pair(client, place), self._clock(), held.within)
        if lately >= held.most_failed:
            raise TooManyAttempts

    async def failed(self, client: str, place: str) -> None:
        """One more."""
        held = attempts_policy()
        values = (_pair(client, place), self._clock(), held.within, held.most_failed, held.most_known)
        async with lend(self._pool) as connection:
            await connection.execute(_NOTE, *values)

    async def forget(self) -> None:
        """Lets go of what counts no more."""
        async with lend(self._pool) as connection:
            await connection.execute(_FORGET, self._clock(), attempts_policy().within)


def _pair(client: str, place: str) -> bytes:
    """No address stands in the database, and no name of a client takes more room than another."""
    return blake2b(f"{len(client)} {client} {place}".encode(), digest_size=16, person=b"attempts").digest()
