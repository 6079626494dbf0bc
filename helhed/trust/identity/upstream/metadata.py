"""What a provider says of itself (OpenID Connect Discovery 1.0), and the keys it signs with, fetched seldom and followed when they change."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from helhed.foundation.clock import Clock
from helhed.foundation.errors import HelhedError
from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Asking, NotAllowedThere, check_url
from helhed.trust.identity.upstream.providers import Provider

PublicKey = RSAKey | ECKey | OKPKey
KEPT_FOR = timedelta(hours=1)
#: how often a key that we do not know makes us look again: who sends us tokens cannot make us ask all the time
LOOK_AGAIN_AFTER = timedelta(minutes=1)
_SMALLEST_RSA = 2048
_MOST_KEYS = 50
_TYPES = frozenset({"RSA", "EC", "OKP"})


class ProviderAway(HelhedError):
    """The identity provider cannot be reached, or says nothing that can be used."""

    code = "overloaded"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider's doors are, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    pushed_requests: str = ""  #: where a request is left beforehand (RFC 9126); "": it goes with the browser
    says_iss: bool = False  #: RFC 9207: it promises to name itself in each answer


@dataclass(slots=True)
class _Kept:
    metadata: Metadata | None = None
    metadata_until: datetime | None = None
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    keys_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class KnownProviders:
    """What providers said last, by provider."""

    def __init__(self, fetching: Asking, clock: Clock) -> None:
        self._fetching = fetching
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def metadata(self, provider: Provider) -> Metadata:
        """Raises ProviderAway."""
        kept = self._kept.setdefault(provider.key, _Kept())
        async with kept.lock:
            if kept.metadata is None or kept.metadata_until is None or kept.metadata_until <= self._clock():
                address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
                kept.metadata = _metadata(await self._json(provider, address), provider)
                kept.metadata_until = self._clock() + KEPT_FOR
            return kept.metadata

    async def key(self, provider: Provider, kid: str | None, kind: str) -> PublicKey:
        """The key that a signature names. An unknown one is looked for once more, at most once a minute. Raises LookupError or ProviderAway."""
        metadata = await self.metadata(provider)
        kept = self._kept[provider.key]
        async with kept.lock:
            now = self._clock()
            if kept.keys_at is None or now - kept.keys_at >= KEPT_FOR:
                await self._look(provider, metadata, kept)
            found = _chosen(kept.keys, kid, kind)
            if found is None and kept.keys_at is not None and now - kept.keys_at >= LOOK_AGAIN_AFTER:
                await self._look(provider, metadata, kept)
                found = _chosen(kept.keys, kid, kind)
        if found is None:
            raise LookupError
        return found

    async def _look(self, provider: Provider, metadata: Metadata, kept: _Kept) -> None:
        kept.keys = _keys(await self._json(provider, metadata.jwks_uri))
        kept.keys_at = self._clock()

    async def _json(self, provider: Provider, address: str) -> dict[str, Any]:
        try:
            answer = await self._fetching.fetch(
                "GET", address, {"accept": "application/json"}, internal=provider.internal_network
            )
        except NotFetched:
            raise ProviderAway from None
        return json_object(answer.status, answer.body)


def json_object(status: int, body: bytes) -> dict[str, Any]:
    """A good answer's JSON object. Raises ProviderAway."""
    try:
        found = msgspec.json.decode(body) if status == 200 else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderAway
    return found


def _metadata(said: dict[str, Any], provider: Provider) -> Metadata:
    """Raises ProviderAway when it is another's, or names doors that we do not go to."""
    if said.get("issuer") != provider.issuer:
        raise ProviderAway
    doors = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(door, str) for door in doors):
        raise ProviderAway
    farewell = said.get("end_session_endpoint")
    farewell = farewell if isinstance(farewell, str) else ""
    pushed = said.get("pushed_authorization_request_endpoint")
    pushed = pushed if isinstance(pushed, str) else ""
    if said.get("require_pushed_authorization_requests") is True and not pushed:
        raise ProviderAway
    if not provider.demo:  # which runs in this process, whatever its host is called
        _check_doors([*map(str, doors), *filter(None, [farewell, pushed])], provider)
    return Metadata(
        provider.issuer, str(doors[0]), str(doors[1]), str(doors[2]), farewell, pushed,
        said.get("authorization_response_iss_parameter_supported") is True,
    )  # fmt: skip


def _check_doors(doors: Sequence[str], provider: Provider) -> None:
    try:
        for door in doors:
            check_url(door, internal=provider.internal_network)
    except NotAllowedThere:
        raise ProviderAway from None


def _keys(said: dict[str, Any]) -> dict[str, PublicKey]:
    """Those we can use, by name. What is private, symmetric, short, or for encrypting is none."""
    listed = said.get("keys")
    if not isinstance(listed, list):
        raise ProviderAway
    found: dict[str, PublicKey] = {}
    for place, one in enumerate(listed[:_MOST_KEYS]):
        if isinstance(one, dict) and one.get("kty") in _TYPES and one.get("use", "sig") == "sig" and "d" not in one:
            if one["kty"] == "RSA" and len(str(one.get("n", ""))) * 6 < _SMALLEST_RSA:
                continue
            try:
                key = import_key(one)
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            if isinstance(key, RSAKey | ECKey | OKPKey):
                found[str(one.get("kid", f" {place}"))] = key
    return found


def _chosen(keys: Mapping[str, PublicKey], kid: str | None, kind: str) -> PublicKey | None:
    """By name; without a name the only one of its kind."""
    if kid is not None:
        found = keys.get(kid)
        return found if found is not None and found.key_type == kind else None
    of_kind = [key for key in keys.values() if key.key_type == kind]
    return of_kind[0] if len(of_kind) == 1 else None
