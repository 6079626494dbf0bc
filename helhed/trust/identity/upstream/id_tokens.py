"""What a provider signs (OpenID Connect Core 1.0, section 3.1.3.7; Back-Channel Logout 1.0, section 2.6), read without trust.

Only asymmetric algorithms, only keys from the provider's own key set, and only for us. Whatever is wrong is one answer.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError

from helhed.foundation.errors import HelhedError
from helhed.trust.identity.upstream.metadata import KnownProviders
from helhed.trust.identity.upstream.providers import Provider

#: algorithm (RFC 7518, 8037, 9864) -> type of its keys
ALGORITHMS = {
    "RS256": "RSA", "PS256": "RSA", "RS512": "RSA", "PS512": "RSA", "ES256": "EC", "ES384": "EC", "ES512": "EC",
    "EdDSA": "OKP", "Ed25519": "OKP",
}  # fmt: skip
LEEWAY_SECONDS = 60
LONGEST_SECONDS = 24 * 3600
_LONGEST_TOKEN = 16_384
_LONGEST_SUBJECT = 255
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class NotVouched(HelhedError):
    """What came back from the identity provider proves nothing."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must match."""

    nonce: str
    access_token: str = ""
    most_age: int | None = None  #: seconds since the person proved who they are; None asks nothing


async def read_id_token(
    token: str, provider: Provider, known: KnownProviders, expected: Expected, now: datetime
) -> Mapping[str, Any]:
    """Its claims. Raises NotVouched or ProviderAway."""
    header, claims = await _signed(token, provider, known)
    seconds = int(now.timestamp())
    try:
        _check_for_us(claims, provider, seconds)
        issued, expires = _whole(claims, "iat"), _whole(claims, "exp")
        sound = (
            header.get("typ", "JWT") == "JWT"
            and expires > seconds - LEEWAY_SECONDS
            and 0 < expires - issued <= LONGEST_SECONDS
            and hmac.compare_digest(str(claims.get("nonce", "")).encode(), expected.nonce.encode())
            and _fresh(claims, expected.most_age, seconds)
            and _belongs(claims.get("at_hash"), expected.access_token, str(header["alg"]))
        )
    except (KeyError, ValueError, TypeError):
        sound = False
    if not sound:
        raise NotVouched
    return claims


async def read_logout_token(
    token: str, provider: Provider, known: KnownProviders, now: datetime
) -> tuple[str, str, str]:
    """Session, subject and token id (RFC 7519) of a logout token; "" for a part it does not name. Raises NotVouched or ProviderAway."""
    header, claims = await _signed(token, provider, known)
    seconds = int(now.timestamp())
    try:
        _check_for_us(claims, provider, seconds, subject=False)
        session, subject = str(claims.get("sid", "")), str(claims.get("sub", ""))
        events = claims.get("events")
        sound = (
            header.get("typ", "logout+jwt").lower() == "logout+jwt"
            and isinstance(events, dict)
            and isinstance(events.get(_LOGOUT_EVENT), dict)
            and "nonce" not in claims
            and bool(session or subject)
            and isinstance(claims["jti"], str)
            and seconds - _whole(claims, "iat") < 5 * LEEWAY_SECONDS
        )
    except (KeyError, ValueError, TypeError):
        sound = False
    if not sound:
        raise NotVouched
    return session, subject, str(claims["jti"])


async def _signed(token: str, provider: Provider, known: KnownProviders) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, once the signature held. The header is read first, and may bring no key and no address of one."""
    try:
        if len(token) > _LONGEST_TOKEN:
            raise ValueError
        header = msgspec.json.decode(_unpadded(token.split(".", maxsplit=1)[0]), type=dict[str, Any])
        algorithm, kid = header["alg"], header.get("kid")
        if {"jwk", "jku", "x5u", "x5c", "crit", "zip"} & set(header) or not isinstance(kid, str | None):
            raise ValueError
        key = await known.key(provider, kid, ALGORITHMS[algorithm])
        return header, jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError, LookupError, TypeError, msgspec.DecodeError, RecursionError):
        raise NotVouched from None


def _check_for_us(claims: dict[str, Any], provider: Provider, seconds: int, *, subject: bool = True) -> None:
    """Raises ValueError unless it is this provider's, for us alone, of somebody, and of now."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    alone = provider.client_id in audiences and (len(audiences) == 1 or claims.get("azp") == provider.client_id)
    if claims.get("iss") != provider.issuer or not alone or claims.get("azp", provider.client_id) != provider.client_id:
        raise ValueError
    named = claims.get("sub")
    if subject and (not isinstance(named, str) or not 0 < len(named) <= _LONGEST_SUBJECT):
        raise ValueError
    if _whole(claims, "iat") > seconds + LEEWAY_SECONDS or claims.get("nbf", 0) > seconds + LEEWAY_SECONDS:
        raise ValueError


def _fresh(claims: dict[str, Any], most_age: int | None, seconds: int) -> bool:
    return most_age is None or seconds - _whole(claims, "auth_time") <= most_age + LEEWAY_SECONDS


def _belongs(said: object, access_token: str, algorithm: str) -> bool:
    """Whether the access token is the one that the ID token was made with, where it says so."""
    if said is None:
        return True
    size = "512" if algorithm in {"EdDSA", "Ed25519"} else algorithm[-3:]
    digest = hashlib.new(f"sha{size}", access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    return isinstance(said, str) and hmac.compare_digest(said.encode(), half.encode())


def _whole(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(name)
    return int(value)


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
