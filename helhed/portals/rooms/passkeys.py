"""Passkeys, for pages."""

from collections.abc import Sequence
from datetime import datetime

from helhed.foundation.ask import Ask
from helhed.portals.ports.log_in import NobodyKnown, Proven
from helhed.portals.ports.passkeys import KeyOfAnotherKind, PasskeyRefused
from helhed.portals.rooms.log_ins import at_work
from helhed.portals.sessions import LogIn
from helhed.trust.identity.authenticators import AuthenticatorRefused
from helhed.trust.identity.log_ins import Job
from helhed.trust.identity.passkeys import ACR, AMR, Passkey, Passkeys, PasskeyWrong


class PortalPasskeys:
    """Passkeys, their answers made into people."""

    def __init__(self, passkeys: Passkeys) -> None:
        self._passkeys = passkeys
        self.available, self.origin = passkeys.available, passkeys.origin

    async def begin_making(self, ask: Ask, name: str) -> tuple[str, bytes]:
        """What the browser is asked, and what to keep."""
        return await self._passkeys.begin_making(ask, name)

    async def make(self, ask: Ask, state: bytes, answer: str, label: str) -> None:
        """Keeps what the browser made."""
        try:
            await self._passkeys.make(ask, state, answer, label)
        except PasskeyWrong:
            raise PasskeyRefused from None
        except AuthenticatorRefused:
            raise KeyOfAnotherKind from None

    def begin_using(self) -> tuple[str, bytes]:
        """What the browser is asked, and what to keep."""
        return self._passkeys.begin_using()

    async def use(self, state: bytes, answer: str, now: datetime) -> Proven:
        """Whoever proved to have a passkey."""
        try:
            return _proven(await self._passkeys.use(state, answer, now), LogIn(now, "", ACR, AMR))
        except PasskeyWrong:
            raise PasskeyRefused from None

    async def own(self, ask: Ask) -> list[Passkey]:
        """The asker's."""
        return await self._passkeys.own(ask)

    async def revoke(self, ask: Ask, passkey: bytes) -> bool:
        """One of the asker's lets nobody in any more."""
        return await self._passkeys.revoke(ask, passkey)

    async def colleagues(self, ask: Ask) -> Sequence[tuple[int, str, str, str]]:
        """Whom the asker may invite."""
        return await self._passkeys.colleagues(ask)

    async def invite(self, ask: Ask, colleague: int) -> str:
        """A code to be told by hand."""
        return await self._passkeys.invite(ask, colleague)

    async def accept(self, code: str, now: datetime) -> Proven:
        """Whom a code invites."""
        try:
            return _proven(await self._passkeys.accept(code, now), LogIn(now, "", "", ("otp",)))
        except PasskeyWrong:
            raise PasskeyRefused from None


def _proven(jobs: Sequence[Job], login: LogIn) -> Proven:
    if not jobs:
        raise NobodyKnown
    return Proven(tuple(at_work(job) for job in jobs), login)
