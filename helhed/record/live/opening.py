"""Putting the live sources of a process together."""

from collections.abc import Callable

from joserfc.jwk import ECKey

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.record.live.credentials import AccessTokens
from helhed.record.live.gathering import LiveSources
from helhed.record.live.keeping import LiveRows
from helhed.record.live.rounds import run
from helhed.record.live.talking import Wire
from helhed.registries.sources import Sources


async def open_live_sources(pool: Pool, key: Callable[[], ECKey], secret: bytes, clock: Clock) -> LiveSources:
    """Over the network, with the network's own key."""
    wire = Wire()
    live = LiveSources(Sources(pool), LiveRows(pool), wire, AccessTokens(wire, key, clock), secret, clock)
    await live.look_again()
    return live


__all__ = ["LiveSources", "open_live_sources", "run"]
