"""The proofs of the citizen's own log, as the pages know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError


class NotYet(HelhedError):
    """The log has not come as far as your look just now."""


@dataclass(frozen=True, slots=True)
class LogWitness:
    """Somebody else than who runs the network, who signs what the log says."""

    name: str
    key: str  #: public, in hexadecimal


@dataclass(frozen=True, slots=True)
class LogAnchors:
    """What the proofs are checked against."""

    log: str  #: "" before the log has begun
    witnesses: Sequence[LogWitness]


class Proofs(Protocol):
    """``trust``: the log that can be proved."""

    async def anchors(self) -> LogAnchors:
        """Which log it is, and who witnesses it."""
        ...

    async def export(self, ask: Ask) -> bytes:
        """The asking citizen's log with its proofs. Raises NotYet when the log lags behind."""
        ...
