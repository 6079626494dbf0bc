"""Clients prove who they are by a signed assertion (``private_key_jwt``: RFC 7523, FAPI 2.0 section 5.3.2.1, SMART Backend Services)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from helhed.foundation.clock import Clock
from helhed.trust.identity.client_keys import ClientKeys
from helhed.trust.identity.clients import Client, Clients
from helhed.trust.identity.errors import InvalidClient, InvalidGrant
from helhed.trust.identity.jose import Unsound, claims_of, header_of, read, seconds, word
from helhed.trust.identity.once import Once
from helhed.trust.identity.secrets import digest

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300  #: seconds from now that an assertion may go on
SKEW = 10  #: seconds that a client's clock may be ahead (FAPI 2.0, section 5.3.2.1)
_HEADER = frozenset({"alg", "typ", "kid"})
_TYPES = {None, "JWT", "client-authentication+jwt"}


class Authentication:
    """Authenticates clients."""

    def __init__(self, clients: Clients, keys: ClientKeys, once: Once, clock: Clock, issuer: str) -> None:
        self._clients = clients
        self._keys = keys
        self._once = once
        self._clock = clock
        self._issuer = issuer
        self._token_endpoint = issuer + "/oauth/token"

    async def client(self, form: Mapping[str, str]) -> Client:
        """Who sent a form: by its assertion, or, for public clients, by its name alone. Raises InvalidClient or InvalidGrant."""
        if "client_secret" in form:
            raise InvalidClient
        if "client_assertion" in form or "client_assertion_type" in form:
            return await self._by_assertion(form)
        if form.get("grant_type") == "refresh_token" and "client_id" not in form:
            return await self._by_refresh_token(form)
        client = await self._clients.named(form.get("client_id", ""), self._clock())
        if client is None or client.kind != "public":
            raise InvalidClient
        return client

    async def _by_refresh_token(self, form: Mapping[str, str]) -> Client:
        """A public app that refreshes need not say its name (SMART App Launch 2.2, "Refresh access token"): its token was given to it alone."""
        client = await self._clients.given(digest(form.get("refresh_token", "")), self._clock())
        if client is None or client.kind != "public":
            raise InvalidGrant
        return client

    async def _by_assertion(self, form: Mapping[str, str]) -> Client:
        if form.get("client_assertion_type") != TYPE:
            raise InvalidClient
        text = form.get("client_assertion", "")
        try:
            id = word(claims_of(text), "iss", 256)
            client = await self._clients.named(id, self._clock())
            if client is None or form.get("client_id", id) != id:
                raise Unsound
            await self._check(text, client)
        except Unsound:
            raise InvalidClient from None
        return client

    async def _check(self, text: str, client: Client) -> None:
        header = header_of(text)
        if not set(header) <= _HEADER or header.get("alg") not in client.algorithms or header.get("typ") not in _TYPES:
            raise Unsound  # before anything is fetched
        key = await self._keys.find(client, header)
        claims = read(text, client.algorithms, _HEADER, lambda _: key).claims
        if claims.get("iss") != client.id or claims.get("sub") != client.id or not self._is_for_us(claims, client):
            raise Unsound
        until = self._until(claims)
        if not await self._once.take(digest("assertion", client.id, word(claims, "jti")), until):
            raise Unsound

    def _is_for_us(self, claims: Mapping[str, Any], client: Client) -> bool:
        """FAPI 2.0 clients name the issuer and nothing else; others the token endpoint, too."""
        audience = claims.get("aud")
        if client.profile == "fapi":
            return audience == self._issuer
        named = audience if isinstance(audience, list) else [audience]
        return len(named) == 1 and named[0] in {self._issuer, self._token_endpoint}

    def _until(self, claims: Mapping[str, Any]) -> datetime:
        now = int(self._clock().timestamp())
        ends = seconds(claims, "exp")
        begins = [seconds(claims, name) for name in ("nbf", "iat") if name in claims]
        if not now < ends <= now + LONGEST_LIFE + SKEW or any(begin > now + SKEW for begin in begins):
            raise Unsound
        return datetime.fromtimestamp(ends, UTC) + timedelta(seconds=SKEW)
