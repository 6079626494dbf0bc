"""Token exchange (RFC 8693): a system presents a person's SAML assertion, and acts for that person by a token of minutes.

The assertion says who the person is and nothing about what may be seen: the token becomes an ask like any other, decided row by row.
"""

import base64
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.ids import key_of, parse_id
from helhed.foundation.lend import lend
from helhed.registries.identifiers import AUTHORISATION, CPR, normal_cpr
from helhed.trust.identity.asked_scopes import joined, level_of, narrowed
from helhed.trust.identity.clients import Client
from helhed.trust.identity.errors import InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient
from helhed.trust.identity.exchange.policy import Profile, profiles
from helhed.trust.identity.exchange.saml import Assertion, issuer_of, read
from helhed.trust.identity.issuing import Issuing
from helhed.trust.identity.jose import Unsound, public_key
from helhed.trust.identity.once import Once
from helhed.trust.identity.people import People, Person, ask_of
from helhed.trust.identity.secrets import digest

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
SAML2 = "urn:ietf:params:oauth:token-type:saml2"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of a kind
_ISSUER = "select * from trust.assertion_issuer_named($1, $2)"
_ALLOWED = "select * from trust.may_exchange($1, $2)"
_CITIZEN = "select registries.citizen_known_as($1, $2)"
_PROFESSIONAL = "select professional from trust.jobs_known_as($1, $2, null, null, $3) limit 1"
_JOBS = "select organisation, role from trust.jobs_beneath($1, $2, $3)"
_NOTE = "select trust.note_log_in($1::fhir.ask, gen_random_uuid(), $2, $3, $4, '')"
_MEANS = "token-exchange"


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Whom a client's assertions may speak for."""

    care_providers: frozenset[str]
    citizens: bool


class Exchange:
    """The grant."""

    def __init__(
        self, pool: Pool, people: People, issuing: Issuing, once: Once, clock: Clock, audiences: tuple[str, ...]
    ) -> None:
        self._pool = pool
        self._people = people
        self._issuing = issuing
        self._once = once
        self._clock = clock
        self._audiences = audiences
        self._recipients = {*audiences, f"{issuing.issuer}/oauth/token"}

    async def grant(self, client: Client, form: Mapping[str, str], key: str) -> dict[str, Any]:
        """A token for the person of an assertion. Raises OAuthError; why an assertion does not hold is not said."""
        allowed = await self._allowed(client)
        self._request_or_raise(form)
        assertion, profile, vouches_for = await self._assertion(client, form.get("subject_token", ""))
        place = _place_or_raise(assertion, profile, vouches_for)
        person = await self._person(client, allowed, assertion, profile, form, place)
        scope = joined(
            one
            for one in narrowed(form.get("scope", ""), client.scope, level_of(person.kind))
            if not isinstance(one, str)
        )
        if not scope:
            raise InvalidScope
        now = self._clock()
        standing = await self._people.standing(ask_of(person, client.id, now))
        if standing is None or not standing.active:
            raise InvalidGrant
        if profile.once and assertion.holder is None:
            await self._once_or_raise(assertion)
        await self._note(client, person, assertion, now)
        lasts = int((assertion.ends - now).total_seconds())
        came_of: dict[str, Any] = {"act": {"sub": client.id}, "vouched_by": assertion.issuer}
        if place is not None:
            came_of["vouched_for"] = place
        issued = self._issuing.access(client, person, standing, scope, key=key, at_most=lasts, **came_of)
        return {
            "access_token": issued.text, "issued_token_type": ACCESS_TOKEN, "token_type": "DPoP" if key else "Bearer",
            "expires_in": issued.lasts, "scope": scope,
        }  # fmt: skip

    async def _allowed(self, client: Client) -> _Allowed:
        """Raises UnauthorizedClient unless the operator lets this system change assertions."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_ALLOWED, client.id, self._clock())
        if row is None or client.kind != "system" or client.organisation is None:
            raise UnauthorizedClient
        return _Allowed(frozenset(row["care_providers"]), row["citizens"])

    def _request_or_raise(self, form: Mapping[str, str]) -> None:
        if form.get("subject_token_type") != SAML2 or "actor_token" in form:
            raise InvalidRequest("Send a SAML 2.0 assertion as the subject token, and no actor token.")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequest("Only access tokens are given here.")
        if not {form[name] for name in ("audience", "resource") if name in form} <= set(self._audiences):
            raise InvalidTarget

    async def _assertion(self, client: Client, text: str) -> tuple[Assertion, Profile, frozenset[str]]:
        try:
            document = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
            issuer = issuer_of(document)
            async with lend(self._pool) as connection:
                row = await connection.fetchrow(_ISSUER, issuer, self._clock())
            if row is None:
                raise Unsound
            profile = profiles()[row["profile"]]
            assertion = read(document, profile, row["certificates"], self._clock())
            self._for_us_or_raise(client, assertion, profile, issuer)
        except (Unsound, Base64Error, ValueError):
            raise InvalidGrant from None
        return assertion, profile, frozenset(row["vouches_for"])

    def _for_us_or_raise(self, client: Client, assertion: Assertion, profile: Profile, issuer: str) -> None:
        named = assertion.audiences.intersection(self._audiences)
        if assertion.issuer != issuer or (not named and (profile.audience or assertion.audiences)):
            raise Unsound
        if assertion.recipient is not None and assertion.recipient not in self._recipients:
            raise Unsound
        if assertion.holder is not None and assertion.holder not in _keys_of(client):
            raise Unsound
        if _first(assertion, profile, "level") not in profile.levels:
            raise Unsound

    async def _person(
        self,
        client: Client,
        allowed: _Allowed,
        assertion: Assertion,
        profile: Profile,
        form: Mapping[str, str],
        place: str | None,
    ) -> Person:
        """Whom it is about: a professional at work for the client's organisation, or a citizen."""
        if place is None:
            return await self._citizen(allowed, _first(assertion, profile, "person"))
        if place not in allowed.care_providers:
            raise InvalidGrant
        return await self._professional(client, assertion, profile, form)

    async def _citizen(self, allowed: _Allowed, number: str) -> Person:
        if not allowed.citizens or not number:
            raise InvalidGrant
        async with lend(self._pool) as connection:
            found = await connection.fetchval(_CITIZEN, CPR, normal_cpr(number))
        if found is None:
            raise InvalidGrant
        return Person(ActorKind.CITIZEN, found, None, "")

    async def _professional(
        self, client: Client, assertion: Assertion, profile: Profile, form: Mapping[str, str]
    ) -> Person:
        known_as = [(AUTHORISATION, _first(assertion, profile, "authorisation"))]
        known_as.append((CPR, normal_cpr(_first(assertion, profile, "person"))))
        async with lend(self._pool) as connection:
            for system, value in known_as:
                found = await connection.fetchval(_PROFESSIONAL, system, value, self._clock()) if value else None
                if found is not None:
                    jobs = await connection.fetch(_JOBS, found, client.organisation, self._clock())
                    return _one_job(found, [(row["organisation"], row["role"]) for row in jobs], form)
        raise InvalidGrant

    async def _once_or_raise(self, assertion: Assertion) -> None:
        if not await self._once.take(digest("saml", assertion.issuer, assertion.id), assertion.ends):
            raise InvalidGrant

    async def _note(self, client: Client, person: Person, assertion: Assertion, now: datetime) -> None:
        """The person sees it among their log-ins."""
        async with lend(self._pool) as connection:
            await connection.execute(
                _NOTE, ask_row(ask_of(person, client.id, now)), assertion.issuer, _MEANS, client.name
            )


def _one_job(professional: int, jobs: list[tuple[int, str]], form: Mapping[str, str]) -> Person:
    """The job that is meant: the only one, or the one that ``organisation`` and ``role`` name. Raises InvalidGrant, InvalidRequest."""
    wanted = parse_id(form.get("organisation", "").removeprefix("Organization/"))
    fitting = [
        (place, role)
        for place, role in jobs
        if (wanted is None or place == key_of(wanted)) and form.get("role", role) == role
    ]
    if not fitting:
        raise InvalidGrant
    if len(fitting) > 1:
        raise InvalidRequest("The person has several jobs there: name organisation (Organization/id) and role.")
    return Person(ActorKind.PROFESSIONAL, professional, *fitting[0])


def _first(assertion: Assertion, profile: Profile, wanted: str) -> str:
    """What the first of the names that is there says; "" when none is, or when it says several things."""
    for name in profile.names[wanted]:
        if name in assertion.attributes:
            values = assertion.attributes[name].values
            return values[0] if len(values) == 1 else ""
    return ""


def _place_or_raise(assertion: Assertion, profile: Profile, vouches_for: frozenset[str]) -> str | None:
    """The care provider of a professional; None for a citizen. Which of the two it is, is what the issuer is trusted for: an assertion
    that merely leaves the organisation out is no citizen's where it names a licence, or where its issuer vouches for none. Raises InvalidGrant.
    """
    place = _place(assertion, profile)
    kind = "citizen" if place is None else "professional"
    at_work = any(name in assertion.attributes for name in profile.names["authorisation"])
    if kind not in vouches_for or (place is None and at_work):
        raise InvalidGrant
    return place


def _place(assertion: Assertion, profile: Profile) -> str | None:
    """The care provider as ``kind|number``; None when the assertion names none."""
    for name in profile.names["organisation"]:
        if name in assertion.attributes:
            kind = profile.organisation_kind or assertion.attributes[name].format.rpartition(":")[2]
            return f"{kind}|{_first(assertion, profile, 'organisation')}"
    return None


def _keys_of(client: Client) -> set[bytes]:
    """The public keys that a client was registered with, by value."""
    told = client.keys.get("keys", []) if client.keys else []
    several: list[Any] = [public_key(one).public_key for one in told]
    return {one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in several}
