"""The identity providers that an operator trusts, each for what it may vouch for: a file, checked whole before anybody logs in.

How to write one stands in ``docs/how-to/connect-an-identity-provider.md``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from helhed.foundation.errors import HelhedError
from helhed.foundation.outward import NotAllowedThere, check_url

ClientKey = RSAKey | ECKey | OKPKey
_CLASSES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PAGES = frozenset({"sted", "farvel", "noegle"})
_KEY_NAME = re.compile("[a-z][a-z0-9-]{0,39}")


class ProvidersWrong(HelhedError):
    """The file of identity providers cannot be used."""


class DemoAndReal(ProvidersWrong):
    """The demo's identity provider lets anybody be anybody. It never runs beside a real one: unset HELHED_IDENTITY_PROVIDERS, or HELHED_DEMO."""


class Whom(StrEnum):
    """Whom a provider vouches for."""

    CITIZENS = "citizens"
    STAFF = "staff"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A claim that says who somebody is: the value of an identifier of this system (CPR, authorisation, a local user id)."""

    claim: str
    system: str


class Assurance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sure the provider must be: the claim that says it, and what it may say."""

    claim: str
    accepted: tuple[str, ...]


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One identity provider."""

    key: str  #: stands in addresses
    vouches_for: Whom
    name: Mapping[str, str]  #: by language
    issuer: str
    client_id: str
    person: tuple[Named, ...]
    assurance: Assurance
    client_key_file: str = ""  #: a private key (PEM or JWK), for private_key_jwt
    client_secret_file: str = ""
    assertion_audience: str = "issuer"  #: or token_endpoint, which older providers ask for
    scopes: tuple[str, ...] = ("openid",)
    acr_values: tuple[str, ...] = ()  #: what is asked for, when the provider takes acr_values
    organisations: tuple[str, ...] = ()  #: SOR numbers whose staff it may vouch for, with all beneath them
    organisations_of_kind: tuple[str, ...] = ()  #: the same, by code of Organization.type
    internal_network: bool = False
    sign_out: bool = True  #: whether logging out here offers to log out there
    demo: bool = False

    def called(self, language: str) -> str:
        """What people know it as."""
        return self.name.get(language) or next(iter(self.name.values()))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    providers: tuple[Provider, ...]


class Trusted(msgspec.Struct, frozen=True):
    """A provider, with what we prove to it who we are with."""

    provider: Provider
    key: ClientKey | None = None
    secret: str = ""


def read_providers(path: Path) -> dict[str, Trusted]:
    """The providers of a file, by key. Raises ProvidersWrong, which says what is wrong and where."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File, strict=True).providers
    except OSError as error:
        raise ProvidersWrong(f"{path} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProvidersWrong(f"{path}: {error}.") from None
    for one in found:
        if problem := next(_problems(one), None):
            raise ProvidersWrong(f"{path}: the provider {one.key[:40]!r} {problem}.")
    for name, values in (("key", [one.key for one in found]), ("issuer", [one.issuer for one in found])):
        if len(set(values)) != len(values):
            raise ProvidersWrong(f"{path}: two providers have the same {name}.")
    if not found:
        raise ProvidersWrong(f"{path}: there is no provider in it.")
    return {one.key: _trusted(one, path) for one in found}


def _problems(one: Provider) -> Iterator[str]:
    """What a reader of the file should hear first."""
    if not _KEY_NAME.fullmatch(one.key):
        yield "has a key that is no short word of small letters, digits and hyphens"
    if one.key in _PAGES:
        yield "has a key that stands for a page of ours"
    if one.demo:
        yield "says that it is the demo's; that one is built in"
    try:
        check_url(one.issuer, internal=one.internal_network)
    except NotAllowedThere:
        yield "has an issuer that is no https address"
    if urlsplit(one.issuer).query:
        yield "has an issuer with a query"
    if bool(one.client_key_file) == bool(one.client_secret_file):
        yield "needs either client_key_file or client_secret_file"
    if one.assertion_audience not in {"issuer", "token_endpoint"}:
        yield "has an assertion_audience that is neither issuer nor token_endpoint"
    if not one.client_id or not one.person or not one.assurance.accepted or not one.assurance.claim:
        yield "needs client_id, person and assurance with at least one accepted level"
    if "openid" not in one.scopes:
        yield "does not ask for the scope openid"
    if one.vouches_for is Whom.STAFF and not one.organisations and not one.organisations_of_kind:
        yield "vouches for staff and names no organisation it may speak for"
    if one.vouches_for is Whom.CITIZENS and (one.organisations or one.organisations_of_kind):
        yield "vouches for citizens and names organisations"
    if not {"da", "en"} <= set(one.name):
        yield "needs a name in da and en"


def _trusted(one: Provider, path: Path) -> Trusted:
    name = one.client_key_file or one.client_secret_file
    try:
        content = (path.parent / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ProvidersWrong(f"{path}: {name} of the provider {one.key!r} cannot be read.") from None
    if not content:
        raise ProvidersWrong(f"{path}: {name} of the provider {one.key!r} is empty.")
    if one.client_secret_file:
        return Trusted(one, secret=content)
    return Trusted(one, key=_private_key(content, f"{path}: {name} of the provider {one.key!r}"))


def _private_key(content: str, told: str) -> ClientKey:
    try:
        data: Any = msgspec.json.decode(content) if content.startswith("{") else content
        kind = data["kty"] if isinstance(data, dict) else _kind_of_pem(content)
        key = _CLASSES[kind].import_key(data)
    except (JoseError, ValueError, KeyError, TypeError, msgspec.DecodeError):
        raise ProvidersWrong(f"{told} is no private key.") from None
    if not key.is_private:
        raise ProvidersWrong(f"{told} is no private key.")
    return key


def _kind_of_pem(content: str) -> str:
    key = load_pem_private_key(content.encode(), None)
    if isinstance(key, RSAPrivateKey):
        return "RSA"
    return "EC" if isinstance(key, EllipticCurvePrivateKey) else "OKP"


def by_whom(trusted: Mapping[str, Trusted], whom: Whom) -> Sequence[Provider]:
    """Those that vouch for citizens, or for staff, in the order of the file."""
    return [one.provider for one in trusted.values() if one.provider.vouches_for is whom]
