"""Proof of possession (DPoP, RFC 9449): a token that is bound to a key is worth nothing without it, nor a proof a second time."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from helhed.foundation.clock import Clock
from helhed.trust.identity.errors import InvalidProof, UseNonce
from helhed.trust.identity.jose import FAPI_ALGORITHMS, Unsound, public_key, read, seconds, word
from helhed.trust.identity.once import Once
from helhed.trust.identity.secrets import digest

OLDEST, AHEAD = 60, 10  #: seconds around now in which a proof was made
NONCE_SECONDS, NONCES_TAKEN = 60, 3  #: a new nonce each minute; the last three are taken
_HEADER = frozenset({"alg", "typ", "jwk"})
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Proof:
    """One that held."""

    key: str  #: thumbprint (RFC 7638) of the key that signed it
    nonce_is_old: bool  #: it is time to tell the client a new one
    digest: bytes  #: by which it is known when it comes again
    until: datetime  #: when it would be too old by itself


class Nonces:
    """Nonces that follow from a key and the minute, so that no worker has to remember them."""

    def __init__(self, clock: Clock, secrets: Sequence[bytes] = ()) -> None:
        self._clock = clock
        self._keys: list[bytes] = []
        self.take(secrets)

    def take(self, secrets: Sequence[bytes]) -> None:
        """From now on by these secrets, the first of which makes new ones."""
        self._keys = [hmac.digest(secret, b"helhed dpop nonces", "sha256") for secret in secrets]

    def new(self) -> str:
        """The nonce of this minute."""
        return _nonce(self._keys[0], self._slot())

    def age(self, nonce: str) -> int | None:
        """How many minutes old a nonce is; None when it is not one of ours, or too old."""
        if not nonce.isascii():
            return None
        slot = self._slot()
        ours = ((age, _nonce(key, slot - age)) for age in range(NONCES_TAKEN) for key in self._keys)
        return next((age for age, one in ours if hmac.compare_digest(one.encode(), nonce.encode())), None)

    def _slot(self) -> int:
        return int(self._clock().timestamp()) // NONCE_SECONDS


class Proofs:
    """Checks proofs."""

    def __init__(self, nonces: Nonces, once: Once, clock: Clock) -> None:
        self.nonces = nonces
        self._once = once
        self._clock = clock

    def judge(self, text: str, method: str, url: str, token: str | None = None) -> Proof:
        """The proof of whoever asks for ``url`` by ``method``, with ``token`` if they bring one; not yet whether it is fresh.

        Raises InvalidProof, or UseNonce when it lacks only a nonce of now.
        """
        try:
            statement = read(text, FAPI_ALGORITHMS, _HEADER, lambda header: public_key(header["jwk"]))
            if statement.header.get("typ") != "dpop+jwt":
                raise Unsound
            claims = statement.claims
            made = self._fits(claims, method, url, token)
            id = word(claims, "jti", 256)
        except Unsound:
            raise InvalidProof from None
        age = self.nonces.age(str(claims.get("nonce", "")))
        if age is None:
            raise UseNonce
        key = statement.key.thumbprint()
        until = datetime.fromtimestamp(made, UTC) + timedelta(seconds=OLDEST + 2 * AHEAD)
        return Proof(key, age > 0, digest("proof", key, id), until)

    async def take(self, proof: Proof) -> None:
        """Uses it up. Raises InvalidProof when it was used before."""
        if not await self._once.take(proof.digest, proof.until):
            raise InvalidProof

    def _fits(self, claims: Mapping[str, Any], method: str, url: str, token: str | None) -> int:
        """When it was made. Raises Unsound unless it is for this request, made now."""
        now, made = int(self._clock().timestamp()), seconds(claims, "iat")
        if claims.get("htm") != method or _bare(word(claims, "htu", 2048)) != _bare(url):
            raise Unsound
        if not now - OLDEST <= made <= now + AHEAD or ("exp" in claims and seconds(claims, "exp") <= now):
            raise Unsound
        if token is not None and claims.get("ath") != hash_of(token):
            raise Unsound
        return made


def hash_of(token: str) -> str:
    """The ``ath`` of an access token."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def _nonce(key: bytes, slot: int) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, slot.to_bytes(8, "big"), "sha256")[:18]).decode()


def _bare(url: str) -> tuple[str, str, int | None, str]:
    """An address without query and fragment, its scheme and host in small letters (RFC 9449, section 4.3; RFC 3986, section 6.2).

    Raises Unsound.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise Unsound from None
    if parts.username is not None or parts.scheme not in _PORTS:
        raise Unsound
    return parts.scheme, parts.hostname or "", port, parts.path or "/"
