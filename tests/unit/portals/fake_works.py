"""The front page of operations and the emergency copies in memory: a network where nothing waits, and nobody holds a copy."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

from helhed.foundation.ask import Ask
from helhed.portals.ports.emergency import Emergency
from helhed.portals.ports.works import State
from helhed.trust.evidence.watching import LogState
from helhed.trust.watch.works import Deadlines, Works


class FakeOperations:
    """How the network stands."""

    async def state(self, ask: Ask) -> State:
        """Well."""
        none = Deadlines(0, 0, None)
        works = Works((), 0, 0, None, none, (), none, none, {}, (), 0, 0, 0)
        return State(1, (), (), 1.0, LogState(0, 0, 0.0, 0.0, 0), (), (), works)


async def _nobody(ask: Ask) -> Sequence[int]:
    return ()


async def _no(ask: Ask) -> bool:
    return False


def no_copies() -> Emergency:
    """Nobody may hold a copy, and there is none."""
    return cast("Emergency", SimpleNamespace(patients=_nobody, may=_no, all=_nobody, own=_nobody))
