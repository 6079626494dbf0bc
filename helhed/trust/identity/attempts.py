"""Counts failed attempts at the token endpoint, so that nobody tries keys, codes and tokens one after another."""

from collections import OrderedDict
from datetime import datetime, timedelta

from helhed.foundation.clock import Clock
from helhed.trust.identity.errors import TooManyAttempts

MOST_FAILED, WITHIN = 20, timedelta(minutes=1)
_MOST_KNOWN = 10_000


class Attempts:
    """By client and address, in each worker; the oldest is forgotten when there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], list[datetime]] = OrderedDict()

    def check(self, client: str, place: str) -> None:
        """Raises TooManyAttempts when enough failed lately, whatever this one would bring."""
        if len(self._lately(client, place)) >= MOST_FAILED:
            raise TooManyAttempts

    def failed(self, client: str, place: str) -> None:
        """One more."""
        self._failed[client, place] = [*self._lately(client, place), self._clock()][-MOST_FAILED:]
        self._failed.move_to_end((client, place))
        if len(self._failed) > _MOST_KNOWN:
            self._failed.popitem(last=False)

    def _lately(self, client: str, place: str) -> list[datetime]:
        since = self._clock() - WITHIN
        return [at for at in self._failed.get((client, place), ()) if at > since]
