"""Sessions: on the server, behind a random cookie, with an idle and an absolute limit and a token against forged forms."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from helhed.foundation.ask import ActorKind

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=8)
TOUCH_EVERY = timedelta(minutes=1)
MOST_OPENED = 20


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is logged in, as the identity provider vouched."""

    kind: ActorKind
    actor: int  #: citizen: Patient key; professional: Practitioner key
    name: str
    organisation: int | None = None
    organisation_name: str = ""
    role: str = ""
    persona: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A citizen a professional found in this session. Pages know the citizen by an opaque handle only."""

    citizen: int
    patient: UUID
    name: str
    number: str
    replacement: bool
    birth_date: date | None
    sex: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Session:
    """What the server keeps between two requests of one person."""

    principal: Principal
    csrf: str
    started: datetime
    seen: datetime
    opened: Mapping[str, Opened] = field(default_factory=dict)
    notice: str = ""  #: message to show once on the next page

    def lives(self, now: datetime) -> bool:
        """Whether neither the idle nor the absolute limit has passed."""
        return now - self.seen < IDLE_LIMIT and now - self.started < ABSOLUTE_LIMIT

    def with_opened(self, found: Opened) -> tuple[str, "Session"]:
        """The session knowing this citizen, and the handle; the oldest handle goes when there are too many."""
        handle = next((h for h, o in self.opened.items() if o.citizen == found.citizen), secrets.token_urlsafe(12))
        kept = dict(list({**self.opened, handle: found}.items())[-MOST_OPENED:])
        return handle, replace(self, opened=kept)


class SessionStore(Protocol):
    """Where sessions live. Keys are hashes of cookies, so that a copy of the store opens nothing."""

    async def get(self, key: str) -> Session | None:
        """The session, or None."""
        ...

    async def put(self, key: str, session: Session) -> None:
        """Stores or replaces a session, durable before it returns."""
        ...

    async def drop(self, key: str) -> None:
        """Ends a session; unknown keys are fine."""
        ...


class SessionsInMemory:
    """Sessions of one process, for tests and previews."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def get(self, key: str) -> Session | None:
        """The session, or None."""
        kept = self._kept.get(key)
        return None if kept is None else from_bytes(kept)

    async def put(self, key: str, session: Session) -> None:
        """Keeps a copy."""
        self._kept[key] = to_bytes(session)

    async def drop(self, key: str) -> None:
        """Forgets it."""
        self._kept.pop(key, None)


def new_token() -> str:
    """A cookie or form token with 256 random bits."""
    return secrets.token_urlsafe(32)


def key_of_cookie(cookie: str) -> str:
    """What a session is stored under: SHA-256 of its cookie, in hexadecimal."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def start(principal: Principal, now: datetime) -> Session:
    """A fresh session."""
    return Session(principal, new_token(), now, now)


def to_bytes(session: Session) -> bytes:
    """A session as JSON, for stores that keep bytes."""
    return msgspec.json.encode(session)


def from_bytes(kept: bytes) -> Session:
    """The session behind ``to_bytes``; msgspec.ValidationError when it is from another version."""
    return msgspec.json.decode(kept, type=Session)
