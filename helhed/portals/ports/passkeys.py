"""What the pages of passkeys need."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError, Unknown
from helhed.portals.ports.log_in import Proven


class PasskeyRefused(HelhedError):
    """This passkey, or this code, proves nothing here."""


class KeyOfAnotherKind(HelhedError):
    """Passkeys of this kind are not made here."""


class OwnPasskey(Protocol):
    """One of one's own."""

    @property
    def id(self) -> bytes:
        """Its credential id."""
        ...

    @property
    def label(self) -> str:
        """What its owner calls it."""
        ...

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        ...

    @property
    def used_at(self) -> datetime | None:
        """When it was last used."""
        ...


class Passkeys(Protocol):
    """``trust``: passkeys of professionals."""

    @property
    def available(self) -> bool:
        """Whether browsers make passkeys for the address of this network."""
        ...

    @property
    def origin(self) -> str:
        """The address that they are bound to."""
        ...

    async def begin_making(self, ask: Ask, name: str) -> tuple[str, bytes]:
        """What the browser is asked, and what to keep."""
        ...

    async def make(self, ask: Ask, state: bytes, answer: str, label: str) -> None:
        """Keeps what the browser made. PasskeyRefused, KeyOfAnotherKind, or Forbidden."""
        ...

    def begin_using(self) -> tuple[str, bytes]:
        """What the browser is asked, and what to keep."""
        ...

    async def use(self, state: bytes, answer: str, now: datetime) -> Proven:
        """Whoever proved to have a passkey. PasskeyRefused or NobodyKnown."""
        ...

    async def own(self, ask: Ask) -> Sequence[OwnPasskey]:
        """The asker's."""
        ...

    async def revoke(self, ask: Ask, passkey: bytes) -> bool:
        """One of the asker's lets nobody in any more."""
        ...

    async def colleagues(self, ask: Ask) -> Sequence[tuple[int, str, str, str]]:
        """Whom the asker may invite: key, name, place, role."""
        ...

    async def invite(self, ask: Ask, colleague: int) -> str:
        """A code to be told by hand. Forbidden."""
        ...

    async def accept(self, code: str, now: datetime) -> Proven:
        """Whom a code invites. PasskeyRefused."""
        ...


class NoPasskeys:
    """Where there are none."""

    available = False
    origin = ""

    async def begin_making(self, ask: Ask, name: str) -> tuple[str, bytes]:
        """None."""
        raise Unknown

    async def make(self, ask: Ask, state: bytes, answer: str, label: str) -> None:
        """None."""
        raise Unknown

    def begin_using(self) -> tuple[str, bytes]:
        """None."""
        raise Unknown

    async def use(self, state: bytes, answer: str, now: datetime) -> Proven:
        """Nobody."""
        raise PasskeyRefused

    async def own(self, ask: Ask) -> Sequence[OwnPasskey]:
        """None."""
        return ()

    async def revoke(self, ask: Ask, passkey: bytes) -> bool:
        """None."""
        return False

    async def colleagues(self, ask: Ask) -> Sequence[tuple[int, str, str, str]]:
        """None."""
        return ()

    async def invite(self, ask: Ask, colleague: int) -> str:
        """None."""
        raise Unknown

    async def accept(self, code: str, now: datetime) -> Proven:
        """Nobody."""
        raise PasskeyRefused
