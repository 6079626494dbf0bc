"""Signed demo tokens (JWT, RFC 7519, in the shape of RFC 9068; Ed25519, RFC 9864): who is asking.

A token alone never permits anything: it becomes an ask, and the ask is decided on every row. Demo tokens are accepted in
demo mode only; the authorisation server that replaces them speaks the same claims.
"""

import json
import os
import re
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.ids import key_of, parse_id
from helhed.trust.scopes import types_of

ISSUER = "helhed-demo"
TYPE = "at+jwt"
ALGORITHM = "Ed25519"
LIFETIME_SECONDS = 12 * 3600  #: the longest a demo token may live: one working day
_LONGEST, _MOST_CACHED, _LONGEST_NAME = 4096, 16384, 64
_HEADER_NAMES = {"alg", "typ", "kid"}
_BARE_TRACE, _VERSION_4 = ~((0xF << 76) | (0b11 << 62)), (4 << 76) | (0b10 << 62)  #: RFC 9562 section 5.4
_SHAPE = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What follows from the type of resource that a token's subject is."""

    kind: ActorKind
    purpose: Purpose
    purpose_code: str  #: HL7 v3 PurposeOfUse
    scope_level: str  #: SMART App Launch 2.2


_STANDINGS = {
    "Patient": _Standing(ActorKind.CITIZEN, Purpose.OWN, "PATRQT", "patient"),
    "Practitioner": _Standing(ActorKind.PROFESSIONAL, Purpose.TREATMENT, "TREAT", "user"),
    "Organization": _Standing(ActorKind.SYSTEM, Purpose.OPERATIONS, "HOPERAT", "system"),
}


def load_or_create_key(path: Path) -> OKPKey:
    """The installation's signing key, made on first use, readable by its owner only.

    The file appears whole or not at all, so that processes that start together agree on one key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create_once(path, json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))
    return OKPKey.import_key(json.loads(path.read_text("utf-8")))


def _create_once(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key is the key
    finally:
        draft.unlink()


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
            "purpose": _STANDINGS[subject.partition("/")[0]].purpose_code,
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
class _Checked:
    """What a token says, once its signature held."""

    kind: ActorKind
    actor: int
    organisation: int | None
    role: str
    purpose: Purpose
    client: str
    read_types: frozenset[str] | None
    write_types: frozenset[str] | None
    begins: int
    ends: int


class TokenVerifier:
    """Turns an Authorization header into an ask. Signatures are checked once a token; times at every request."""

    def __init__(self, keys: Iterable[OKPKey], clock: Clock, audience: str, *, demo: bool) -> None:
        self._keys = {key.thumbprint(): OKPKey.import_key(key.as_dict(private=False)) for key in keys}
        self._clock = clock
        self._audience = audience
        self._demo = demo
        self._known: OrderedDict[bytes, _Checked] = OrderedDict()
        self._random = Random(os.urandom(32))  # traces are unique, not secret: no system call a request

    @classmethod
    def for_key(cls, key: OKPKey, clock: Clock, audience: str, *, demo: bool) -> "TokenVerifier":
        """A verifier of tokens signed by ``key``."""
        return cls([key], clock, audience, demo=demo)

    def ask(self, authorization: bytes | None) -> Ask:
        """The ask behind a header. Raises NotAuthenticated, which says nothing about why."""
        if authorization is None or not self._demo:
            raise NotAuthenticated
        checked = self._known.get(authorization)
        if checked is None:
            checked = self._remember(authorization, self._check(authorization))
        else:
            self._known.move_to_end(authorization)
        return self._as_ask(checked, self._clock())

    def _as_ask(self, checked: _Checked, now: datetime) -> Ask:
        if not checked.begins <= now.timestamp() < checked.ends:
            raise NotAuthenticated
        trace = UUID(int=self._random.getrandbits(128) & _BARE_TRACE | _VERSION_4)
        return Ask(
            checked.kind, checked.actor, checked.organisation, checked.role, checked.purpose, checked.client,
            checked.read_types, checked.write_types, now, trace,
        )  # fmt: skip

    def _remember(self, authorization: bytes, checked: _Checked) -> _Checked:
        self._known[authorization] = checked
        if len(self._known) > _MOST_CACHED:
            self._known.popitem(last=False)
        return checked

    def _check(self, authorization: bytes) -> _Checked:
        shape = _SHAPE.fullmatch(authorization) if len(authorization) <= _LONGEST else None
        if shape is None:
            raise NotAuthenticated
        try:
            token = shape[1].decode()
            return self._read(jwt.decode(token, self._signed_by(token), algorithms=[ALGORITHM]).claims)
        except (JoseError, Base64Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotAuthenticated from None

    def _signed_by(self, token: str) -> OKPKey:
        """The key of ours that the header names. The header is read before any cryptography, and may say nothing else:
        a token brings no key, no address of a key, and chooses no algorithm.
        """
        header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
        if set(header) != _HEADER_NAMES or header["alg"] != ALGORITHM or header["typ"] != TYPE:
            raise ValueError
        return self._keys[header["kid"]]

    def _read(self, claims: dict[str, Any]) -> _Checked:
        if claims["iss"] != ISSUER or claims["aud"] != self._audience:
            raise ValueError
        begins, ends = _seconds(claims["nbf"]), _seconds(claims["exp"])
        if not 0 < ends - begins <= LIFETIME_SECONDS:
            raise ValueError
        type_name, _, name = claims["sub"].partition("/")
        standing, subject = _STANDINGS[type_name], _key(name)
        if claims["purpose"] != standing.purpose_code:
            raise ValueError
        place, role = _acting_from(standing.kind, subject, claims)
        read, write = types_of(claims["scope"], standing.scope_level)
        client = _text(claims["client_id"])
        return _Checked(standing.kind, subject, place, role, standing.purpose, client, read, write, begins, ends)


def _acting_from(kind: ActorKind, subject: int, claims: dict[str, Any]) -> tuple[int | None, str]:
    """Organisation and role. A citizen acts from none; a system is its organisation."""
    if kind is ActorKind.CITIZEN:
        if "org" in claims or "role" in claims:
            raise ValueError
        return None, ""
    type_name, _, name = claims["org"].partition("/")
    organisation, role = _key(name), _text(claims["role"])
    own = kind is ActorKind.PROFESSIONAL or (organisation == subject and role == "system")
    if type_name != "Organization" or not own:
        raise ValueError
    return organisation, role


def _key(name: str) -> int:
    identifier = parse_id(name)
    if identifier is None:
        raise ValueError(name)
    return key_of(identifier)


def _seconds(value: object) -> int:
    if type(value) is not int:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise ValueError
    return value
