"""Sessions: on the server, behind a random cookie, with an idle and an absolute limit and a token against forged forms."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from helhed.foundation.ask import ActorKind
from helhed.trust.identity.session_policy import session_policy

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

    def is_same_person(self, other: "Principal") -> bool:
        """Whether it is the same person, wherever they work."""
        return (self.kind, self.actor) == (other.kind, other.actor)


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
class LogIn:
    """How somebody proved who they are, and when."""

    at: datetime
    provider: str = ""  #: the key of the identity provider that vouched; "" for a passkey of ours
    acr: str = ""  #: how sure it is, in the provider's words
    amr: tuple[str, ...] = ()  #: by which means (RFC 8176)
    upstream: tuple[str, ...] = ()  #: digests of the session and the subject there, by which the provider ends it
    hint: str = ""  #: the ID token, for logging out there


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What somebody was about to do when they were asked to prove who they are."""

    purpose: str  #: a purpose of trust/policy/sessions.json
    address: str
    fields: Mapping[str, str] | None = None  #: of the form; None for a page that was only opened


@dataclass(frozen=True, slots=True)
class Behalf:
    """Another citizen, for whom the logged-in one acts. Whether they still may is asked at each request."""

    citizen: int
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """What the server keeps between two requests of one person."""

    principal: Principal
    csrf: str
    started: datetime
    seen: datetime
    opened: Mapping[str, Opened] = field(default_factory=dict)
    notice: str = ""  #: message to show once on the next page
    login: LogIn | None = None
    interrupted: Interrupted | None = None
    behalf: Behalf | None = None  #: None: a citizen is here on their own behalf
    chosen: bool = False  #: the citizen has said on whose behalf
    device: str = ""  #: what the browser calls itself, in a few words
    jobs: tuple[Principal, ...] = ()  #: everything that was vouched for, when that is more than one job
    choosing: bool = False  #: until one of them is chosen, the session opens nothing
    onward: str = ""  #: where to go after that

    @property
    def authenticated(self) -> datetime:
        """When the person last proved who they are."""
        return self.login.at if self.login else self.started

    def lives(self, now: datetime) -> bool:
        """Whether neither the idle nor the absolute limit has passed."""
        policy = session_policy()
        return now - self.seen < policy.idle and now - self.started < policy.absolute

    def is_fresh(self, purpose: str, now: datetime) -> bool:
        """Whether the log-in is young enough for an act. KeyError for a purpose that the policy does not know."""
        rule = session_policy().fresh[purpose]
        return self.principal.role in rule.not_for_roles or now - self.authenticated < rule.within

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

    async def change(self, key: str, session: Session) -> None:
        """Replaces a session that still stands. One that was ended meanwhile stays ended."""
        ...

    async def drop(self, key: str) -> None:
        """Ends a session; unknown keys are fine."""
        ...

    async def of(self, principal: Principal) -> Sequence[tuple[str, Session]]:
        """Every session of this person, with its key."""
        ...

    async def drop_upstream(self, digests: Sequence[str]) -> int:
        """Ends every session that a provider knows by one of these; how many that were."""
        ...


def new_token() -> str:
    """A cookie or form token with 256 random bits."""
    return secrets.token_urlsafe(32)


def key_of_cookie(cookie: str) -> str:
    """What a session is stored under: SHA-256 of its cookie, in hexadecimal."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def start(principal: Principal, now: datetime, login: LogIn | None = None, device: str = "") -> Session:
    """A fresh session."""
    return Session(principal, new_token(), now, now, login=login or LogIn(now), device=device)


def to_bytes(session: Session) -> bytes:
    """A session as JSON, for stores that keep bytes."""
    return msgspec.json.encode(session)


def from_bytes(kept: bytes) -> Session:
    """The session behind ``to_bytes``; msgspec.ValidationError when it is from another version."""
    return msgspec.json.decode(kept, type=Session)
