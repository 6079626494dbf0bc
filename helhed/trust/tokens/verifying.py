"""Signed tokens (JWT, RFC 7519, in the shape of RFC 9068): who is asking.

A token alone never permits anything: it becomes an ask, and the ask is decided on every row. Demo tokens (Ed25519, RFC 9864) are
accepted in demo mode only; those of the authorisation server (``trust.identity``) are short-lived, and can be revoked.
"""

import json
import os
import re
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.trace import trace_of
from helhed.trust.identity.keys import ALGORITHM as ACCESS_ALGORITHM, access_key
from helhed.trust.tokens.claims import STANDINGS, Held, held_for_one, read_claims
from helhed.trust.tokens.scopes import Use

ISSUER = "helhed-demo"
TYPE = "at+jwt"
ALGORITHM = "Ed25519"
LIFETIME_SECONDS = 12 * 3600  #: the longest a demo token may live: one working day
ACCESS_SECONDS = 300  #: the longest any other may (FAPI 2.0: short-lived)
_LONGEST, _MOST_CACHED = 4096, 16384
_HEADER_NAMES = {"alg", "typ", "kid"}
_SHAPE = re.compile(rb"([Bb][Ee][Aa][Rr][Ee][Rr]|[Dd][Pp][Oo][Pp]) ([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)


def signing_key(secret: bytes) -> OKPKey:
    """The key pair that follows from a secret of 32 bytes, which is its private half (RFC 8032, section 5.1.5)."""
    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    halves = {name: urlsafe_b64encode(half).decode() for name, half in (("d", secret), ("x", public))}
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", **halves})


class TokenIssuer:
    """Issues tokens to the demo's people."""

    def __init__(self, key: OKPKey, clock: Clock, audience: str, *, lifetime_seconds: int = LIFETIME_SECONDS) -> None:
        self._key = key
        self._clock = clock
        self._audience = audience
        self._lifetime = lifetime_seconds

    def issue(self, subject: str, *, organisation: UUID | None = None, role: str = "", scope: str, **more: Any) -> str:
        """A token for ``subject`` (Patient/id, Practitioner/id or Organization/id); ``more`` overrides claims."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": subject,
            "client_id": "helhed-token",
            "scope": scope,
            "purpose": STANDINGS[subject.partition("/")[0]].usual_purpose,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "jti": str(uuid4()),
            **({"org": f"Organization/{organisation}", "role": role} if organisation else {}),
            **more,
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def citizen(self, patient: UUID) -> str:
        """A citizen's token."""
        return self.issue(f"Patient/{patient}", scope="patient/*.rs")

    def professional(self, practitioner: UUID, organisation: UUID, role: str) -> str:
        """A professional's token."""
        return self.issue(f"Practitioner/{practitioner}", organisation=organisation, role=role, scope="user/*.cruds")

    def system(self, organisation: UUID) -> str:
        """The custodian's token."""
        return self.issue(
            f"Organization/{organisation}", organisation=organisation, role="system", scope="system/*.cruds"
        )


@dataclass(frozen=True, slots=True)
class _Signer:
    """A key of ours, and what is signed with it."""

    key: OKPKey | ECKey
    algorithm: str
    demo: bool


class TokenVerifier:
    """Turns an Authorization header into an ask. Signatures are checked once a token; times at every request.

    Whether a token was revoked, and whether its bearer has the key it is bound to, is not in its bytes: ``identity.admission``.
    """

    def __init__(
        self,
        keys: Iterable[OKPKey],
        clock: Clock,
        audience: str,
        *,
        demo: bool,
        issuer: str = "",
        look_again: Callable[[], bool] = lambda: False,
    ) -> None:
        self._keys = _demo_signers(keys) if demo else {}
        self._look_again = look_again  #: whether there are other keys now, which were then given to ``take``
        self._clock = clock
        self._audience = audience
        self._demo = demo
        self._issuer = issuer  #: the authorisation server; "" accepts none of its tokens
        self._known: OrderedDict[bytes, Held] = OrderedDict()
        self._random = Random(os.urandom(32))  # traces are unique, not secret: no system call a request

    def take(self, secrets: Sequence[bytes]) -> None:
        """From now on the keys of these secrets. What was signed by another is refused, also where it was known."""
        self._keys = _demo_signers(map(signing_key, secrets)) if self._demo else {}
        if self._issuer:
            self._keys |= _access_signers(map(access_key, secrets))
        self._known.clear()

    def ask(self, authorization: bytes | None) -> Ask:
        """The ask behind a header that is proof enough by itself. Raises NotAuthenticated, which says nothing about why."""
        held = self.held(authorization)
        if held.token is not None:
            raise NotAuthenticated
        return self.asking(held)

    def held(self, authorization: bytes | None) -> Held:
        """What a header's token says. Raises NotAuthenticated, which says nothing about why."""
        if authorization is None:
            raise NotAuthenticated
        held = self._known.get(authorization)
        if held is None:
            return self._remember(authorization, self._check(authorization))
        self._known.move_to_end(authorization)
        return held

    def asking(self, held: Held, use: Use = Use.ANY) -> Ask:
        """The ask of a token now. Raises NotAuthenticated when it has not begun, or has ended."""
        now = self._clock()
        if not held.begins <= now.timestamp() < held.ends:
            raise NotAuthenticated
        read, write = held.reach[use]
        trace = trace_of(self._random.getrandbits(128))
        return Ask(
            held.kind, held.actor, held.organisation, held.role, held.purpose, held.client, read, write, now, trace,
            held.authorisation, held.for_one,
        )  # fmt: skip

    def _remember(self, authorization: bytes, held: Held) -> Held:
        self._known[authorization] = held
        if len(self._known) > _MOST_CACHED:
            self._known.popitem(last=False)
        return held

    def _check(self, authorization: bytes) -> Held:
        shape = _SHAPE.fullmatch(authorization) if len(authorization) <= _LONGEST else None
        if shape is None:
            raise NotAuthenticated
        try:
            token = shape[2].decode()
            signer = self._signed_by(token)
            claims = jwt.decode(token, signer.key, algorithms=[signer.algorithm]).claims
            held = self._demo_read(claims) if signer.demo else self._read(claims)
        except (JoseError, Base64Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotAuthenticated from None
        if (shape[1].lower() == b"dpop") != bool(held.key):
            raise NotAuthenticated  # a token that is bound to a key is no bearer token, and the other way round
        return held

    def _signed_by(self, token: str) -> _Signer:
        """The key of ours that the header names. The header is read before any cryptography, and may say nothing else:
        a token brings no key, no address of a key, and chooses no algorithm.
        """
        header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
        if set(header) != _HEADER_NAMES or header["typ"] != TYPE:
            raise ValueError
        if header["kid"] not in self._keys:
            self._look_again()
        signer = self._keys[header["kid"]]
        if header["alg"] != signer.algorithm:
            raise ValueError
        return signer

    def _demo_read(self, claims: dict[str, Any]) -> Held:
        if claims["iss"] != ISSUER or claims["aud"] != self._audience:
            raise ValueError
        return read_claims(claims, LIFETIME_SECONDS)

    def _read(self, claims: dict[str, Any]) -> Held:
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise ValueError
        family = claims.get("grant_id")
        held = replace(
            read_claims(claims, ACCESS_SECONDS),
            token=UUID(claims["jti"]),
            authorisation=None if family is None else UUID(family),
            vouched_by=claims.get("vouched_by", ""),
            vouched_for=claims.get("vouched_for", ""),
            key=claims["cnf"]["jkt"] if "cnf" in claims else "",
        )
        return held_for_one(held, claims["scope"])


def _demo_signers(keys: Iterable[OKPKey]) -> dict[str, _Signer]:
    return {
        key.thumbprint(): _Signer(OKPKey.import_key(key.as_dict(private=False)), ALGORITHM, demo=True) for key in keys
    }


def _access_signers(keys: Iterable[ECKey]) -> dict[str, _Signer]:
    return {
        key.thumbprint(): _Signer(ECKey.import_key(key.as_dict(private=False)), ACCESS_ALGORITHM, demo=False)
        for key in keys
    }
