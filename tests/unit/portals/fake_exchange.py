"""Messages between organisations and the sources of the network in memory: nothing was sent, and nobody is asked."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from helhed.exchange.messages.modes import State
from helhed.foundation.ask import Ask
from helhed.portals.ports.messages import MessageDesk
from helhed.portals.ports.sources import SourceRegistry


async def _none(*_: Ask) -> Sequence[Any]:
    return []


async def _at_rest() -> State:
    return State(0, None, 0, 0, 0)


def no_messages() -> MessageDesk:
    """A desk where nothing waits."""
    follow, modes = SimpleNamespace(parked=_none), SimpleNamespace(progress=_none, stuck=_none, state=_at_rest)
    return MessageDesk(cast("Any", follow), cast("Any", modes), cast("Any", None), cast("Any", None))


def no_sources() -> SourceRegistry:
    """A network that asks nobody."""
    return cast("SourceRegistry", SimpleNamespace(all=_none))
