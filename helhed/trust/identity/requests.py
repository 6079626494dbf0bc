"""Authorisation requests (OAuth 2.1, section 4.1.1): read strictly, kept until somebody answers."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.identity.asked_scopes import LONGEST
from helhed.trust.identity.clients import Client
from helhed.trust.identity.errors import (
    InvalidRedirect,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnsupportedResponseType,
)
from helhed.trust.identity.secrets import digest, new_secret

PREFIX = "urn:ietf:params:oauth:request_uri:"
PUSHED_FOR = timedelta(seconds=60)
PENDING_FOR = timedelta(minutes=10)  #: in which somebody logs in and answers
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 1024
_PROMPTS = {"", "none", "login", "consent"}


@dataclass(frozen=True, slots=True)
class AuthorisationRequest:
    """What a client asks for."""

    redirect_uri: str
    scope: str
    state: str | None
    challenge: str  #: S256 (RFC 7636)
    nonce: str | None
    launch: str | None
    prompt: str
    max_age: int | None
    key: str  #: thumbprint of the key that the code is bound to; "" for none


def parameters_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters, each there once. Raises InvalidRequest."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidRequest
    return found


def redirect_of(client: Client, parameters: Mapping[str, str]) -> str:
    """Where the answer goes: an address that the client registered, letter for letter. Raises InvalidRedirect."""
    wanted = parameters.get("redirect_uri", "")
    if wanted not in client.redirect_uris:
        raise InvalidRedirect
    return wanted


def read_request(
    client: Client, parameters: Mapping[str, str], audiences: Sequence[str], key: str = ""
) -> AuthorisationRequest:
    """A sound request; ``key`` signed the proof that came with it. Raises InvalidRedirect, and other OAuthErrors after it."""
    redirect = redirect_of(client, parameters)
    if parameters.get("response_type") != "code":
        raise UnsupportedResponseType
    if client.kind == "system" or parameters.keys() & {"request", "registration", "access_token"}:
        raise InvalidRequest
    if parameters.get("response_mode", "query") != "query":
        raise InvalidRequest
    _aimed_or_raise(client, parameters, audiences)
    return AuthorisationRequest(
        redirect,
        _scope(parameters),
        _text(parameters, "state"),
        _challenge(parameters),
        _text(parameters, "nonce"),
        _text(parameters, "launch"),
        _prompt(parameters),
        _max_age(parameters),
        _key(parameters, key),
    )


def _aimed_or_raise(client: Client, parameters: Mapping[str, str], audiences: Sequence[str]) -> None:
    """SMART apps say which server they believe this is, so that none is led to ask here for another's tokens."""
    named = [parameters[name] for name in ("aud", "resource") if name in parameters]
    if any(one.rstrip("/") not in audiences for one in named) or (
        client.profile == "smart" and "aud" not in parameters
    ):
        raise InvalidTarget


def _scope(parameters: Mapping[str, str]) -> str:
    scope = parameters.get("scope", "")
    words = scope.split()
    if not words or len(scope) > LONGEST or any(one.startswith("system/") for one in words):
        raise InvalidScope
    return " ".join(words)


def _challenge(parameters: Mapping[str, str]) -> str:
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "S256" or not _THUMBPRINT.fullmatch(challenge):
        raise InvalidRequest("PKCE with code_challenge_method=S256 is needed.")
    return challenge


def _text(parameters: Mapping[str, str], name: str) -> str | None:
    value = parameters.get(name)
    if value is not None and (len(value) > _LONGEST or not value.isprintable()):
        raise InvalidRequest
    return value


def _prompt(parameters: Mapping[str, str]) -> str:
    prompt = parameters.get("prompt", "")
    if prompt not in _PROMPTS:
        raise InvalidRequest
    return prompt


def _max_age(parameters: Mapping[str, str]) -> int | None:
    told = parameters.get("max_age")
    if told is None:
        return None
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise InvalidRequest
    return int(told)


def _key(parameters: Mapping[str, str], proven: str) -> str:
    told = parameters.get("dpop_jkt", proven)
    if told and (not _THUMBPRINT.fullmatch(told) or (proven and told != proven)):
        raise InvalidRequest("The proof is by another key than dpop_jkt.")
    return told


class Requests:
    """Requests that wait for an answer, kept for all workers."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def push(self, client: Client, request: AuthorisationRequest) -> str:
        """Keeps a request; the request_uri that opens it once."""
        secret = new_secret()
        statement = "select trust.push_request($1, $2, $3, $4)"
        until = self._clock() + PUSHED_FOR
        async with lend(self._pool) as connection:
            await connection.execute(statement, digest(secret), client.id, json.dumps(asdict(request)), until)
        return PREFIX + secret

    async def open(self, client: Client, request_uri: str) -> tuple[str, AuthorisationRequest]:
        """The handle of the page that asks, and the request. Raises InvalidRequest for one that is not to be opened (any more)."""
        handle, now = new_secret(), self._clock()
        statement = "select trust.open_request($1, $2, $3, $4, $5)"
        named = digest(request_uri.removeprefix(PREFIX))
        async with lend(self._pool) as connection:
            kept = await connection.fetchval(statement, named, client.id, digest(handle), now, now + PENDING_FOR)
        if kept is None or not request_uri.startswith(PREFIX):
            raise InvalidRequest("This request_uri is unknown, was used, or is too old.")
        return handle, AuthorisationRequest(**json.loads(kept))

    async def begin(self, client: Client, request: AuthorisationRequest) -> str:
        """The handle of the page that asks, for a request that a browser brought."""
        handle = new_secret()
        statement = "select trust.begin_request($1, $2, $3, $4)"
        until = self._clock() + PENDING_FOR
        async with lend(self._pool) as connection:
            await connection.execute(statement, digest(handle), client.id, json.dumps(asdict(request)), until)
        return handle

    async def pending(self, handle: str) -> tuple[str, AuthorisationRequest, datetime] | None:
        """The client's id, the request behind a handle that waits for an answer, and since when it does."""
        statement = "select client, parameters, expires_at from trust.pending_request($1, $2)"
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(statement, digest(handle), self._clock())
        if row is None:
            return None
        return row["client"], AuthorisationRequest(**json.loads(row["parameters"])), row["expires_at"] - PENDING_FOR

    async def answer(self, handle: str) -> bool:
        """Takes the answer; False when it waits no longer."""
        async with lend(self._pool) as connection:
            taken = await connection.fetchval("select trust.answer_request($1, $2)", digest(handle), self._clock())
        return bool(taken)
