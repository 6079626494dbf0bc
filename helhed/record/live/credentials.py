"""Proving to a source who we are: client credentials with an assertion that the network's key signs (RFC 7523, SMART Backend Services).

The public half of the key stands where the authorisation server publishes its own (``/oauth/jwks``).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from helhed.foundation.clock import Clock
from helhed.foundation.guarded import NotAllowedThere, NotFetched
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.rules import rules
from helhed.record.live.talking import Exchanges
from helhed.registries.sources import Credentials, Terms

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 60
_LONGEST_USE = timedelta(minutes=15)
_EARLIER = timedelta(seconds=10)  #: before its end a token is used no more
_OK = 200


class _Given(msgspec.Struct):
    access_token: str
    expires_in: float = 60.0


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: datetime


class AccessTokens:
    """Tokens of sources, kept while they hold; each worker has its own."""

    def __init__(self, wire: Exchanges, key: Callable[[], ECKey], clock: Clock) -> None:
        self._wire, self._key, self._clock = wire, key, clock
        self._held: dict[Credentials, _Held] = {}
        self._fetching: defaultdict[Credentials, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, terms: Terms) -> str:
        """An access token; "" for a source that asks for none. Raises SourceFault."""
        if terms.credentials is None:
            return ""
        return await self._one(terms, terms.credentials, "")

    async def another(self, terms: Terms, refused: str) -> str:
        """One beside a token that the source does not take any more. Raises SourceFault."""
        return "" if terms.credentials is None else await self._one(terms, terms.credentials, refused)

    async def _one(self, terms: Terms, credentials: Credentials, refused: str) -> str:
        """Of many who need one at the same time, one asks for it."""
        async with self._fetching[credentials]:
            held = self._held.get(credentials)
            if held is None or held.until <= self._clock() or held.token == refused:
                held = self._held[credentials] = await self._fetched(terms, credentials)
            return held.token

    async def _fetched(self, terms: Terms, credentials: Credentials) -> _Held:
        fields = {
            "grant_type": "client_credentials", "scope": credentials.scope, "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._assertion(credentials),
        }  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        try:
            answer = await self._wire.exchange(
                "POST", credentials.token_endpoint, headers, urlencode(fields).encode(), rules().most_token_bytes,
                internal=terms.internal_network,
            )  # fmt: skip
        except NotAllowedThere:
            raise SourceFault(Fault.SENT_ELSEWHERE) from None
        except NotFetched:
            raise SourceFault(Fault.UNREACHED) from None
        if answer.status != _OK:
            raise SourceFault(Fault.REFUSED)
        try:
            given = msgspec.json.decode(answer.body, type=_Given)
            usable = given.access_token.isascii() and given.access_token.isprintable() and " " not in given.access_token
        except msgspec.DecodeError:
            usable = False
        if not usable:
            raise SourceFault(Fault.UNREADABLE)
        lasts = min(timedelta(seconds=max(given.expires_in, 0)), _LONGEST_USE)
        return _Held(given.access_token, self._clock() + lasts - _EARLIER)

    def _assertion(self, credentials: Credentials) -> str:
        now, key = int(self._clock().timestamp()), self._key()
        claims = {
            "iss": credentials.client_id, "sub": credentials.client_id, "aud": credentials.token_endpoint,
            "jti": str(uuid4()), "iat": now, "exp": now + _ASSERTION_SECONDS,
        }  # fmt: skip
        return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": key.thumbprint()}, claims, key, algorithms=["ES256"])
