"""Registering clients: by the operator's file, or by themselves (RFC 7591) with a statement of somebody on the trust list."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.ids import key_of, new_id, parse_id
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.asked_scopes import LONGEST as LONGEST_SCOPE, is_within
from helhed.trust.identity.client_keys import chosen
from helhed.trust.identity.clients import Client, Kind, Profile, client_row
from helhed.trust.identity.errors import InvalidMetadata, InvalidRedirect, InvalidStatement
from helhed.trust.identity.jose import FAPI_ALGORITHMS, Unsound, claims_of, public_key, read, seconds, word

_HEADER = frozenset({"alg", "typ", "kid"})
_LOOPBACKS = {"127.0.0.1", "[::1]", "localhost"}
_MOST_REDIRECTS, _MOST_KEYS, _LONGEST = 20, 20, 512
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_SCHEME = re.compile(
    r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+"
)  #: of an app on a phone: a domain turned round (RFC 8252, section 7.1)
#: what a statement may fix, and then the client may not say otherwise
_VOUCHED = (
    "software_id", "client_name", "redirect_uris", "initiate_login_uri", "jwks", "jwks_uri", "scope", "organisation", "profile",
)  # fmt: skip
#: what opens doors, or is shown as the app's own to those who press a button: nobody says it for themselves
_ONLY_VOUCHED = frozenset({"initiate_login_uri", "organisation"})


def client_from(told: Mapping[str, Any], moment: datetime, *, issuer: str | None = None) -> Client:
    """A client as it is described by the names of RFC 7591. Raises InvalidMetadata or InvalidRedirect."""
    try:
        kind, profile = _kind(told), _profile(told)
        client = Client(
            id=_id(told), name=word(told, "client_name", 100), profile=profile, kind=kind,
            redirect_uris=_redirects(told, kind), launch_uri=_launch(told), keys=_keys(told, kind),
            keys_uri=_keys_uri(told, kind), scope=_scope(told), organisation=_organisation(told, kind),
            bound=profile == "fapi" or told.get("dpop_bound_access_tokens", False) is True,
            introspects=issuer is None and told.get("introspects", False) is True,
            software_issuer=issuer, registered_at=moment, ended_at=moment,
        )  # fmt: skip
    except (Unsound, TypeError, AttributeError):
        raise InvalidMetadata from None
    if profile == "fapi" and kind == "public":
        raise InvalidMetadata("A client of the FAPI profile has keys.")
    return client


def _kind(told: Mapping[str, Any]) -> Kind:
    method, grants = (
        told.get("token_endpoint_auth_method", "private_key_jwt"),
        told.get("grant_types", ["authorization_code"]),
    )
    if method not in {"none", "private_key_jwt"} or not isinstance(grants, list):
        raise Unsound
    if set(grants) == {"client_credentials"} and method != "none":
        return "system"
    if not set(grants) <= {"authorization_code", "refresh_token"} or "authorization_code" not in grants:
        raise InvalidMetadata("A client serves people or its organisation, not both: grant_types is one or the other.")
    return "public" if method == "none" else "confidential"


def _profile(told: Mapping[str, Any]) -> Profile:
    profile = told.get("profile", "smart")
    if profile not in {"fapi", "smart"}:
        raise Unsound
    return cast(Profile, profile)


def _id(told: Mapping[str, Any]) -> str:
    id = told.get("client_id") or str(new_id())
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise Unsound
    return id


def _redirects(told: Mapping[str, Any], kind: Kind) -> tuple[str, ...]:
    uris = told.get("redirect_uris", [])
    if not isinstance(uris, list) or len(uris) > _MOST_REDIRECTS or bool(uris) == (kind == "system"):
        raise InvalidRedirect
    if not all(isinstance(one, str) and _is_redirect(one, kind) for one in uris):
        raise InvalidRedirect
    return tuple(dict.fromkeys(uris))


def _is_redirect(uri: str, kind: Kind) -> bool:
    """https, an app's own scheme, or loopback for apps on a desk (RFC 8252): without user, fragment, blanks or wildcards."""
    parts = _parts(uri)
    if parts is None or parts.fragment or "#" in uri or parts.username is not None or "*" in uri:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.netloc.rpartition(":")[0] in _LOOPBACKS or parts.netloc in _LOOPBACKS
    return kind == "public" and bool(_SCHEME.fullmatch(parts.scheme))


def _launch(told: Mapping[str, Any]) -> str | None:
    uri = told.get("initiate_login_uri")
    if uri is None:
        return None
    if not isinstance(uri, str) or not _is_redirect(uri, "confidential"):
        raise Unsound
    return uri


def _keys(told: Mapping[str, Any], kind: Kind) -> Mapping[str, Any] | None:
    keys = told.get("jwks")
    if (keys is None and "jwks_uri" not in told) != (kind == "public"):
        raise InvalidMetadata("Say jwks or jwks_uri, and neither for a client without keys.")
    if keys is None:
        return None
    several = keys.get("keys")
    if not isinstance(several, list) or not 0 < len(several) <= _MOST_KEYS:
        raise Unsound
    for one in several:
        public_key(one)
    return {"keys": several}


def _keys_uri(told: Mapping[str, Any], kind: Kind) -> str | None:
    uri = told.get("jwks_uri")
    if uri is None:
        return None
    parts = _parts(uri) if isinstance(uri, str) else None
    if parts is None or "jwks" in told or parts.scheme not in {"https", "http"} or parts.username or parts.fragment:
        raise Unsound
    return str(uri)


def _parts(uri: str) -> Any:
    if len(uri) > _LONGEST or not uri.isascii() or not uri.isprintable() or set(uri) & set(' "<>\\^`{|}'):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _scope(told: Mapping[str, Any]) -> str:
    return " ".join(word(told, "scope", LONGEST_SCOPE).split())


def _organisation(told: Mapping[str, Any], kind: Kind) -> int | None:
    named = told.get("organisation")
    if named is None and kind != "system":
        return None
    identifier = parse_id(str(named).removeprefix("Organization/"))
    if identifier is None:
        raise InvalidMetadata("Name the organisation as Organization/ and its id here.")
    return key_of(identifier)


class Registration:
    """The registration endpoint, without HTTP."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def register(self, told: Mapping[str, Any]) -> Client:
        """A client that somebody on the trust list vouches for. Raises InvalidStatement, InvalidMetadata or InvalidRedirect."""
        vouched, issuer = await self._vouched(told.get("software_statement"))
        _agree_or_raise(told, vouched)
        whole = {**told, **vouched, "scope": told.get("scope", vouched["scope"])}
        whole.pop("client_id", None)
        client = client_from(whole, self._clock(), issuer=issuer)
        if client.kind == "system":
            raise InvalidMetadata("Systems are registered by the operator.")
        statement = "select trust.register_client($1::trust.client, $2)"
        async with lend_proven(self._pool, Duty.APPS) as connection:
            if not await connection.fetchval(statement, client_row(client), self._clock()):
                raise InvalidStatement
        return client

    async def _vouched(self, statement: object) -> tuple[dict[str, Any], str]:
        """What a statement fixes, and who vouches for it."""
        try:
            if not isinstance(statement, str):
                raise Unsound
            issuer = word(claims_of(statement), "iss")
            keys = await self._keys_of(issuer)
            claims = read(statement, FAPI_ALGORITHMS, _HEADER, lambda header: chosen(keys, header)).claims
            now = int(self._clock().timestamp())
            if claims.get("iss") != issuer or not seconds(claims, "iat") <= now + 10 or now >= seconds(claims, "exp"):
                raise Unsound
        except Unsound:
            raise InvalidStatement from None
        return {name: claims[name] for name in _VOUCHED if name in claims}, issuer

    async def _keys_of(self, issuer: str) -> object:
        """The keys of an issuer of the trust list. No chain that a statement brings is followed. Raises Unsound."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(
                "select keys from trust.software_issuer_named($1, $2)", issuer, self._clock()
            )
        if row is None:
            raise Unsound
        return json.loads(row["keys"]).get("keys")


def _agree_or_raise(told: Mapping[str, Any], vouched: Mapping[str, Any]) -> None:
    """What is vouched for is said the same, or not at all; and the scope and redirects, which open doors, are vouched for."""
    missing = ({"client_name", "redirect_uris", "scope"} | _ONLY_VOUCHED & told.keys()) - vouched.keys()
    if missing or any(name in told and told[name] != value for name, value in vouched.items() if name != "scope"):
        raise InvalidStatement
    if "scope" in told and not is_within(str(told["scope"]), str(vouched["scope"])):
        raise InvalidStatement
