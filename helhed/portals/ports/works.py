"""What the front page of operations needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from helhed.exchange.messages.modes import State as Exchanged
from helhed.foundation.ask import Ask
from helhed.trust.audit_events.delivering import LogSource
from helhed.trust.evidence.watching import LogState
from helhed.trust.watch.works import Works


@dataclass(frozen=True, slots=True)
class KeyAge:
    """A key that is in use."""

    purpose: str
    since: datetime


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment."""

    workers: int  #: processes of this machine that answer
    pending: Sequence[str]  #: migrations that the database has not had
    indexing: Sequence[str]  #: what is being indexed anew
    indexed: float  #: how far that has come, from 0 to 1
    log: LogState
    sources: Sequence[LogSource]
    keys: Sequence[KeyAge]
    works: Works
    messages: Exchanged | None = None  #: what waits between organisations


class Operations(Protocol):
    """``foundation`` and ``trust``: how the network stands."""

    async def state(self, ask: Ask) -> State:
        """For who keeps it running. Forbidden for everybody else."""
        ...
