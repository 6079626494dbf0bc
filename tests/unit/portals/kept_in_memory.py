"""What the pages keep between two requests, for one process: sessions, and what is taken once."""

from collections.abc import Sequence
from datetime import datetime

from helhed.portals.sessions import Principal, Session, from_bytes, to_bytes


class OnceInMemory:
    """Each taken once."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, datetime]] = {}

    async def put(self, key: str, kept: bytes, until: datetime) -> bool:
        """Keeps it; False when there is one already."""
        new = key not in self._kept
        self._kept.setdefault(key, (kept, until))
        return new

    async def take(self, key: str, now: datetime) -> bytes | None:
        """Takes it."""
        kept, until = self._kept.pop(key, (None, now))
        return kept if until > now else None


class SessionsInMemory:
    """Sessions of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def get(self, key: str) -> Session | None:
        """The session, or None."""
        kept = self._kept.get(key)
        return None if kept is None else from_bytes(kept)

    async def put(self, key: str, session: Session) -> None:
        """Keeps a copy."""
        self._kept[key] = to_bytes(session)

    async def change(self, key: str, session: Session) -> None:
        """Keeps a copy, if there is one."""
        if key in self._kept:
            self._kept[key] = to_bytes(session)

    async def drop(self, key: str) -> None:
        """Forgets it."""
        self._kept.pop(key, None)

    async def of(self, principal: Principal) -> list[tuple[str, Session]]:
        """Every session of this person."""
        found = [(key, from_bytes(kept)) for key, kept in self._kept.items()]
        return [(key, one) for key, one in found if one.principal.is_same_person(principal)]

    async def drop_upstream(self, digests: Sequence[str]) -> int:
        """Ends those that a provider knows by one of these."""
        found = [(key, from_bytes(kept).login) for key, kept in self._kept.items()]
        gone = [key for key, login in found if login and set(login.upstream) & set(digests)]
        for key in gone:
            del self._kept[key]
        return len(gone)
