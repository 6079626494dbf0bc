"""The token endpoint: what a client presents becomes tokens, or is refused without a reason that helps a thief."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.foundation.ask import ActorKind
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.asked_scopes import FHIR_USER, OFFLINE, ONLINE, OPENID, is_within, joined, narrowed, words_of
from helhed.trust.identity.clients import Client
from helhed.trust.identity.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from helhed.trust.identity.issuing import Issuing, LogIn
from helhed.trust.identity.people import People, Person, Standing, ask_of
from helhed.trust.identity.secrets import digest, new_secret

REFRESH_FOR = timedelta(days=90)
_VERIFIER_LENGTHS = range(43, 129)  #: RFC 7636, section 4.1

Tokens = dict[str, Any]
Grant = Callable[[Client, Mapping[str, str], str], Awaitable[Tokens]]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What somebody allowed an app."""

    id: UUID
    person: Person
    scope: str
    patient: UUID | None
    login: LogIn
    valid_to: datetime


class Granting:
    """Gives tokens for codes, refresh tokens and systems' assertions; other rooms may add grants of their own."""

    def __init__(self, pool: Pool, people: People, issuing: Issuing, clock: Clock, fhir_base: str) -> None:
        self._pool = pool
        self._people = people
        self._issuing = issuing
        self._clock = clock
        self._fhir_base = fhir_base
        self.grants: dict[str, Grant] = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._for_system,
        }

    async def tokens(self, client: Client, form: Mapping[str, str], key: str) -> Tokens:
        """Tokens for what an authenticated client presents; ``key`` signed its proof, "" when it brought none. Raises OAuthError."""
        kind = form.get("grant_type")
        if kind is None:
            raise InvalidRequest
        grant = self.grants.get(kind)
        if grant is None:
            raise UnsupportedGrantType
        if client.bound and not key:
            raise InvalidRequest("The tokens of this client are bound to a key: send a DPoP proof.")
        return await grant(client, form, key)

    async def _by_code(self, client: Client, form: Mapping[str, str], key: str) -> Tokens:
        statement = "select fits, allowed from trust.redeem_code($1, $2, $3)"
        async with lend_proven(self._pool, Duty.APPS) as connection:
            row = await connection.fetchrow(statement, digest(form.get("code", "")), client.id, self._clock())
        if row is None:
            raise InvalidGrant
        fits, allowed = json.loads(row["fits"]), _allowed(row["allowed"])
        if (
            not _proves(form.get("code_verifier", ""), fits["challenge"])
            or form.get("redirect_uri") != fits["redirect_uri"]
        ):
            await self._end(allowed, "the code was presented by somebody else")
            raise InvalidGrant
        if fits["key"] and not hmac.compare_digest(fits["key"], key):
            await self._end(allowed, "the code was presented with another key")
            raise InvalidGrant
        tokens = await self._given(client, allowed, allowed.scope, key, fits["nonce"])
        if {OFFLINE, ONLINE}.intersection(words_of(allowed.scope)):
            tokens["refresh_token"] = await self._first_refresh_token(client, allowed, key)
        return tokens

    async def _by_refresh_token(self, client: Client, form: Mapping[str, str], key: str) -> Tokens:
        fresh, presented = new_secret(), digest(form.get("refresh_token", ""))
        await self._less_or_raise(client, presented, form.get("scope"))
        statement = "select * from trust.rotate_refresh_token($1, $2, $3, $4, $5)"
        bound = key if client.kind == "public" else ""
        async with lend_proven(self._pool, Duty.APPS) as connection:
            row = await connection.fetchrow(statement, presented, digest(fresh), client.id, bound, self._clock())
        if row is None:
            raise InvalidGrant
        allowed = _allowed(row)
        scope = " ".join(words_of(form.get("scope", ""))) or allowed.scope
        return {**await self._given(client, allowed, scope, key, None), "refresh_token": fresh}

    async def _less_or_raise(self, client: Client, presented: bytes, asked: str | None) -> None:
        """A refresh asks for the same scope or less (OAuth 2.1, section 4.3.1). Raises InvalidScope; the refresh token is not used up."""
        if asked is None:
            return
        async with lend_proven(self._pool, Duty.APPS) as connection:
            row = await connection.fetchrow(
                "select scope from trust.refresh_token_of($1, $2, $3)", presented, client.id, self._clock()
            )
        if row is not None and not is_within(asked, row["scope"]):
            raise InvalidScope

    async def _for_system(self, client: Client, form: Mapping[str, str], key: str) -> Tokens:
        """SMART Backend Services: a system acts for its organisation, and for nobody else."""
        if client.kind != "system" or client.organisation is None:
            raise UnauthorizedClient
        person = Person(ActorKind.SYSTEM, client.organisation, client.organisation, "system")
        scope = joined(
            one for one in narrowed(form.get("scope", ""), client.scope, "system") if not isinstance(one, str)
        )
        if not scope:
            raise InvalidScope
        standing = await self._standing(client, person)
        issued = self._issuing.access(client, person, standing, scope, key=key)
        return _answer(issued.text, issued.lasts, scope, key)

    async def _given(self, client: Client, allowed: _Allowed, scope: str, key: str, nonce: str | None) -> Tokens:
        standing = await self._standing(client, allowed.person)
        issued = self._issuing.access(
            client, allowed.person, standing, scope, key=key, authorisation=allowed.id, patient=allowed.patient
        )
        tokens = _answer(issued.text, issued.lasts, scope, key)
        words = words_of(scope)
        if OPENID in words:
            user = self._user(allowed.person, standing) if FHIR_USER in words else None
            tokens["id_token"] = self._issuing.identity(client, allowed.person, standing, allowed.login, nonce, user)
        if allowed.patient is not None:
            tokens |= {"patient": str(allowed.patient), "need_patient_banner": True}
        return tokens

    def _user(self, person: Person, standing: Standing) -> str:
        return (
            f"{self._fhir_base}/{'Patient' if person.kind is ActorKind.CITIZEN else 'Practitioner'}/{standing.subject}"
        )

    async def _standing(self, client: Client, person: Person) -> Standing:
        """How the person stands now. Raises InvalidGrant when their job or their system's registration has ended."""
        standing = await self._people.standing(ask_of(person, client.id, self._clock()))
        if standing is None or not standing.active:
            raise InvalidGrant
        return standing

    async def _first_refresh_token(self, client: Client, allowed: _Allowed, key: str) -> str:
        """A public client's is bound to its key, where it has one; another's to the client, by its assertion (RFC 9449, section 5)."""
        secret = new_secret()
        until = min(allowed.valid_to, self._clock() + REFRESH_FOR)
        statement = "select trust.put_refresh_token($1, $2, $3, $4)"
        bound = key if client.kind == "public" else ""
        async with lend_proven(self._pool, Duty.APPS) as connection:
            await connection.execute(statement, digest(secret), allowed.id, bound, until)
        return secret

    async def _end(self, allowed: _Allowed, why: str) -> None:
        async with lend_proven(self._pool, Duty.APPS) as connection:
            await connection.execute("select trust.end_authorisation($1, $2, $3)", allowed.id, why, self._clock())


def _answer(text: str, lasts: int, scope: str, key: str) -> Tokens:
    return {"access_token": text, "token_type": "DPoP" if key else "Bearer", "expires_in": lasts, "scope": scope}


def _allowed(row: Any) -> _Allowed:
    person = Person(ActorKind(row["kind"]), row["actor"], row["organisation"], row["role"])
    login = LogIn(row["authenticated_at"], row["acr"], tuple(row["amr"]))
    return _Allowed(row["id"], person, row["scope"], row["patient"], login, row["valid_to"])


def _proves(verifier: str, challenge: str) -> bool:
    """Whether the client that began is the one that ends (RFC 7636, S256)."""
    if len(verifier) not in _VERIFIER_LENGTHS or not verifier.isascii():
        return False
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(hashed, challenge)
