"""Making access tokens (RFC 9068) and ID tokens (OpenID Connect Core 1.0): short-lived, and each naming whom it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt

from helhed.foundation.clock import Clock
from helhed.trust.identity.clients import Client
from helhed.trust.identity.keys import ALGORITHM, SigningKeys
from helhed.trust.identity.people import Person, Standing
from helhed.trust.tokens.claims import STANDINGS, TYPE_OF_KIND
from helhed.trust.tokens.verifying import TYPE

_ID_TOKEN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token."""

    text: str
    lasts: int  #: seconds


@dataclass(frozen=True, slots=True)
class LogIn:
    """How somebody logged in, for an ID token."""

    at: datetime
    acr: str
    amr: tuple[str, ...]


class Issuing:
    """Signs tokens."""

    def __init__(self, keys: SigningKeys, clock: Clock, issuer: str, audience: str, seconds: int) -> None:
        self._keys = keys
        self._clock = clock
        self.issuer = issuer
        self._audience = audience
        self._seconds = seconds

    def access(
        self,
        client: Client,
        person: Person,
        standing: Standing,
        scope: str,
        *,
        key: str = "",
        authorisation: UUID | None = None,
        patient: UUID | None = None,
        at_most: int | None = None,
        **more: Any,
    ) -> Issued:
        """An access token for a person in a place, presented by a client, for ``at_most`` so many seconds; ``more`` are further claims."""
        now = int(self._clock().timestamp())
        lasts = self._seconds if at_most is None else min(self._seconds, at_most)
        claims = {
            **self._common(client, person, standing, now),
            "aud": self._audience,
            "scope": scope,
            "purpose": STANDINGS[TYPE_OF_KIND[person.kind]].usual_purpose,
            "nbf": now,
            "exp": now + lasts,
            "jti": str(uuid4()),
            **_acting(person, standing),
            **_given(
                grant_id=authorisation and str(authorisation),
                patient=patient and str(patient),
                cnf={"jkt": key} if key else None,
            ),
            **more,
        }
        return Issued(self._signed(TYPE, claims), lasts)

    def identity(
        self, client: Client, person: Person, standing: Standing, login: LogIn, nonce: str | None, user: str | None
    ) -> str:
        """An ID token for a client. It opens nothing: no door takes it for an access token."""
        now = int(self._clock().timestamp())
        claims = {
            **self._common(client, person, standing, now),
            "aud": client.id,
            "exp": now + _ID_TOKEN_SECONDS,
            "auth_time": int(login.at.timestamp()),
            "acr": login.acr,
            "amr": list(login.amr),
            **_given(nonce=nonce, fhirUser=user),
        }
        return self._signed("JWT", claims)

    def _common(self, client: Client, person: Person, standing: Standing, now: int) -> dict[str, Any]:
        subject = f"{TYPE_OF_KIND[person.kind]}/{standing.subject}"
        return {"iss": self.issuer, "sub": subject, "client_id": client.id, "iat": now}

    def _signed(self, kind: str, claims: Mapping[str, Any]) -> str:
        key = self._keys.signing
        return jwt.encode(
            {"alg": ALGORITHM, "typ": kind, "kid": key.thumbprint()}, dict(claims), key, algorithms=[ALGORITHM]
        )


def _acting(person: Person, standing: Standing) -> dict[str, Any]:
    """Where somebody acts from, as what, and whom they answer to."""
    if standing.organisation is None:
        return {}
    return {
        "org": f"Organization/{standing.organisation}",
        "role": person.role,
        **_given(
            org_sor=standing.sor,
            authorization_id=standing.authorisation,
            principal=standing.principal and f"Practitioner/{standing.principal}",
        ),
    }


def _given(**claims: Any) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value}
