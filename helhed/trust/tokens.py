"""Signed demo tokens (JWT, RFC 7519; EdDSA, RFC 8037): who is asking. A token alone never permits anything.

They are accepted in demo mode only. The authorisation server that replaces them speaks the same claims.
"""

import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.ids import key_of, parse_id

ISSUER = "helhed-demo"
TYPE = "at+jwt"
ALGORITHM = "Ed25519"
_LIFETIME_SECONDS = 12 * 3600
_LONGEST, _MOST_CACHED = 4096, 16384
_HEADER_NAMES = {"alg", "typ", "kid"}
_KINDS = {"Patient": ActorKind.CITIZEN, "Practitioner": ActorKind.PROFESSIONAL, "Organization": ActorKind.SYSTEM}
_PURPOSES = {
    ActorKind.CITIZEN: Purpose.OWN,
    ActorKind.PROFESSIONAL: Purpose.TREATMENT,
    ActorKind.SYSTEM: Purpose.OPERATIONS,
}
_LEVELS = {ActorKind.CITIZEN: "patient", ActorKind.PROFESSIONAL: "user", ActorKind.SYSTEM: "system"}


def load_or_create_key(path: Path) -> OKPKey:
    """The installation's signing key, made on first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = OKPKey.generate_key("Ed25519")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            json.dump(fresh.as_dict(private=True), stream)
    return OKPKey.import_key(json.loads(path.read_text()))


class TokenIssuer:
    """Issues tokens to the demo's people."""

    def __init__(self, key: OKPKey, clock: Clock, audience: str) -> None:
        self._key = key
        self._clock = clock
        self._audience = audience

    def issue(self, subject: str, *, organisation: UUID | None = None, role: str = "", scope: str, **more: Any) -> str:
        """A token for ``subject`` (Patient/id, Practitioner/id or Organization/id); ``more`` overrides claims."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": subject,
            "client_id": "helhed-token",
            "scope": scope,
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME_SECONDS,
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
class _Checked:
    """What a token says, once its signature held."""

    kind: ActorKind
    actor: int
    organisation: int | None
    role: str
    client: str
    read_types: frozenset[str] | None
    write_types: frozenset[str] | None
    begins: float
    ends: float


class TokenVerifier:
    """Turns an Authorization header into an ask. Signatures are checked once a token; times at every request."""

    def __init__(self, key: OKPKey, clock: Clock, audience: str, *, demo: bool) -> None:
        self._key = key
        self._kid = key.thumbprint()
        self._clock = clock
        self._audience = audience
        self._demo = demo
        self._known: OrderedDict[bytes, _Checked] = OrderedDict()

    @classmethod
    def for_key(cls, key: OKPKey, clock: Clock, audience: str, *, demo: bool) -> "TokenVerifier":
        """A verifier of tokens signed by ``key``."""
        return cls(key, clock, audience, demo=demo)

    def ask(self, authorization: bytes | None) -> Ask:
        """The ask behind a header. Raises NotAuthenticated, which says nothing about why."""
        if authorization is None or not self._demo:
            raise NotAuthenticated
        now = self._clock()
        checked = self._known.get(authorization)
        if checked is None:
            checked = self._check(authorization)
            self._known[authorization] = checked
            if len(self._known) > _MOST_CACHED:
                self._known.popitem(last=False)
        return self._as_ask(checked, now)

    @staticmethod
    def _as_ask(checked: _Checked, now: datetime) -> Ask:
        if not checked.begins <= now.timestamp() < checked.ends:
            raise NotAuthenticated
        return Ask(
            checked.kind, checked.actor, checked.organisation, checked.role, _PURPOSES[checked.kind], checked.client,
            checked.read_types, checked.write_types, now, uuid4(),
        )  # fmt: skip

    def _check(self, authorization: bytes) -> _Checked:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or len(token) > _LONGEST or not token.isascii():
            raise NotAuthenticated
        try:
            found = jwt.decode(token.decode(), self._key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, KeyError, TypeError):
            raise NotAuthenticated from None
        self._check_header(found.header)
        try:
            return self._read(found.claims)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise NotAuthenticated from None

    def _check_header(self, header: dict[str, Any]) -> None:
        if set(header) != _HEADER_NAMES or header["typ"] != TYPE or header["kid"] != self._kid:
            raise NotAuthenticated

    def _read(self, claims: dict[str, Any]) -> _Checked:
        if claims["iss"] != ISSUER or claims["aud"] != self._audience:
            raise ValueError
        begins, ends = claims["nbf"], claims["exp"]
        if not (isinstance(begins, int) and isinstance(ends, int)) or ends - begins > _LIFETIME_SECONDS:
            raise ValueError
        type_name, _, name = claims["sub"].partition("/")
        kind, subject = _KINDS[type_name], parse_id(name)
        organisation = parse_id(claims["org"].removeprefix("Organization/")) if kind is not ActorKind.CITIZEN else None
        if subject is None or (kind is not ActorKind.CITIZEN and organisation is None):
            raise ValueError
        read, write = types_of(claims["scope"], _LEVELS[kind])
        role = str(claims["role"]) if kind is not ActorKind.CITIZEN else ""
        place = None if organisation is None else key_of(organisation)
        return _Checked(kind, key_of(subject), place, role, str(claims["client_id"])[:64], read, write, begins, ends)


def types_of(scope: str, level: str) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Types that SMART v2 scopes of ``level`` let read and write; None is every type. What does not parse grants nothing."""
    read: set[str] = set()
    write: set[str] = set()
    for one in scope.split():
        where, _, rest = one.partition("/")
        type_name, _, letters = rest.partition(".")
        sound = where == level and letters and letters == "".join(c for c in "cruds" if c in letters)
        if not sound or (type_name != "*" and type_name not in TYPE_NUMBERS):
            continue
        if "r" in letters and "s" in letters:
            read.add(type_name)
        if set(letters) >= {"c", "u", "d"}:
            write.add(type_name)
    return _closed(read), _closed(write)


def _closed(types: set[str]) -> frozenset[str] | None:
    return None if "*" in types else frozenset(types)
