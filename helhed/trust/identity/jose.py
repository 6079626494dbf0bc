"""Signed statements of others (JWT, RFC 7519), read strictly: the header is judged before any cryptography (RFC 8725).

A statement chooses nothing: it brings no key unless its kind says so, no address of a key, and only an algorithm of the list.
"""

import json
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

#: what FAPI 2.0 allows (section 5.4.1), and what SMART App Launch adds for clients that authenticate with it
FAPI_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
SMART_ALGORITHMS = (*FAPI_ALGORITHMS, "ES384", "RS384")
LONGEST = 8192
_FEWEST_RSA_BITS = 2048
_KEY_TYPES: Mapping[str, tuple[type, str]] = {
    "ES256": (ECKey, "P-256"), "ES384": (ECKey, "P-384"), "EdDSA": (OKPKey, "Ed25519"), "Ed25519": (OKPKey, "Ed25519"),
    "PS256": (RSAKey, ""), "RS384": (RSAKey, ""),
}  # fmt: skip
_UNSOUND = (JoseError, Base64Error, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


class Unsound(ValueError):
    """The statement does not hold. Says nothing about why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One whose signature held."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: Key


def read(
    text: str, algorithms: Sequence[str], names: frozenset[str], key_of: Callable[[Mapping[str, Any]], Key]
) -> Statement:
    """The statement, signed by the key that ``key_of`` finds for its header, which has no other members than ``names``.

    Raises Unsound.
    """
    header = header_of(text)
    if not set(header) <= names or header.get("alg") not in algorithms:
        raise Unsound
    try:
        key = key_of(header)
        fit_or_raise(key, header["alg"])
        claims = jwt.decode(text, key, algorithms=[header["alg"]]).claims
    except _UNSOUND:
        raise Unsound from None
    if not isinstance(claims, dict):
        raise Unsound
    return Statement(header, claims, key)


def header_of(text: str) -> dict[str, Any]:
    """What a statement says of itself, unproven. Raises Unsound."""
    return _part(text, 0)


def claims_of(text: str) -> dict[str, Any]:
    """What a statement claims, unproven: to learn whose key to look for, and for nothing else. Raises Unsound."""
    return _part(text, 1)


def _part(text: str, index: int) -> dict[str, Any]:
    try:
        parts = text.split(".")
        if len(text) > LONGEST or len(parts) != 3 or not text.isascii():
            raise Unsound
        part = json.loads(urlsafe_b64decode(parts[index].encode()))
    except _UNSOUND:
        raise Unsound from None
    if not isinstance(part, dict):
        raise Unsound
    return part


def public_key(told: object) -> Key:
    """A public key that somebody publishes (JWK, RFC 7517). Raises Unsound for a secret, a private, a short and an unknown one."""
    if not isinstance(told, dict) or told.keys() & {"d", "k", "p", "q", "dp", "dq", "qi"}:
        raise Unsound
    kinds: dict[object, type[ECKey | RSAKey | OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
    try:
        if told.get("kty") == "RSA" and len(urlsafe_b64decode(told["n"].encode())) * 8 < _FEWEST_RSA_BITS:
            raise Unsound
        return kinds[told.get("kty")].import_key({n: v for n, v in told.items() if n not in {"key_ops", "use", "x5c"}})
    except _UNSOUND:
        raise Unsound from None


def fit_or_raise(key: Key, algorithm: str) -> None:
    """Whether a key is of the kind that the algorithm needs. Raises Unsound."""
    kind, curve = _KEY_TYPES[algorithm]
    if not isinstance(key, kind):
        raise Unsound
    told = key.as_dict(private=False)
    if curve and told.get("crv") != curve:
        raise Unsound


def seconds(claims: Mapping[str, Any], name: str) -> int:
    """A moment (NumericDate, RFC 7519). Raises Unsound."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 40:
        raise Unsound
    return int(value)


def word(claims: Mapping[str, Any], name: str, longest: int = 512) -> str:
    """A text without control characters. Raises Unsound."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise Unsound
    return value
