"""What the log-in pages need: who vouches, what came of it, and what is kept once between two requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError
from helhed.portals.sessions import LogIn, Principal
from helhed.trust.identity.log_ins import KeptLogIn
from helhed.trust.identity.upstream.flow import Farewell


class NobodyKnown(HelhedError):
    """Who was vouched for is nobody here: no citizen of that number, or nobody with work at a place the provider may speak for."""


class LogInBroken(HelhedError):
    """A log-in that was not begun in this browser, was begun too long ago, or came back with something that proves nothing."""


class LogInDeclined(HelhedError):
    """The log-in was broken off at the identity provider."""


class NotSure(HelhedError):
    """The identity provider is not sure enough of who this is."""


class ProviderSilent(HelhedError):
    """The identity provider cannot be reached."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who vouches."""

    key: str
    name: Mapping[str, str]  #: by language
    for_citizens: bool
    demo: bool


@dataclass(frozen=True, slots=True)
class Proven:
    """Who it may be: a citizen, or a professional once for each job."""

    principals: tuple[Principal, ...]
    login: LogIn


class LogIns(Protocol):
    """``trust``: identity providers and log-ins."""

    base_url: str  #: where the providers send people back to

    def providers(self) -> Sequence[Provider]:
        """Those who vouch, in order."""
        ...

    async def begin(self, key: str, *, proves_again: bool) -> tuple[str, bytes]:
        """Where to send the person, and what to keep until they come back. Unknown or ProviderSilent."""
        ...

    async def finish(self, key: str, kept: bytes, answer: Mapping[str, str]) -> Proven:
        """Who came back. LogInBroken, LogInDeclined, NotSure, NobodyKnown or ProviderSilent."""
        ...

    async def farewell(self, login: LogIn) -> Farewell | None:
        """How the person logs out at the provider as well; None when there is no such place."""
        ...

    async def ended(self, key: str, token: str) -> Sequence[str]:
        """What a provider's logout token ends: digests by which sessions are found. Unknown or LogInBroken."""
        ...

    async def note(self, ask: Ask, login: LogIn, device: str, refused: str = "") -> None:
        """Keeps a log-in of the asker for them to see, and counts it."""
        ...

    def refused(self, key: str, place: str) -> None:
        """Counts a log-in of nobody known that was refused."""
        ...

    async def recent(self, ask: Ask, limit: int) -> Sequence[KeptLogIn]:
        """The asker's own, newest first."""
        ...

    async def works(self, principal: Principal, now: datetime) -> bool:
        """Whether a professional still has the job; True for citizens."""
        ...


class Once(Protocol):
    """Small things kept between two requests, each taken once."""

    async def put(self, key: str, kept: bytes, until: datetime) -> bool:
        """Keeps it; False when there is one already."""
        ...

    async def take(self, key: str, now: datetime) -> bytes | None:
        """Takes it: whoever comes second finds nothing."""
        ...
