"""Logging in at a provider: the authorization code flow with PKCE, state, nonce and the issuer's name in the answer (RFC 9700, RFC 9207);
the request is left with the provider beforehand where it takes that (RFC 9126), and then nothing of it stands in an address.

Each provider has a return address of its own, so that an answer of one is never taken for another's (attack 61).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt

from helhed.foundation.clock import Clock
from helhed.foundation.errors import HelhedError
from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Answer, Asking
from helhed.trust.identity.upstream.id_tokens import Expected, NotVouched, read_id_token
from helhed.trust.identity.upstream.metadata import KnownProviders, Metadata, ProviderAway, json_object
from helhed.trust.identity.upstream.providers import ClientKey, Provider, Trusted

#: how long somebody may take at the provider
ATTEMPT_SECONDS = 600
_ASSERTION_SECONDS = 60
_LEFT = 201  #: the status of a request that was taken (RFC 9126, section 2.2)
_LONGEST_REFERENCE = 2000  #: characters that an address can carry anywhere
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


class Declined(HelhedError):
    """The person, or the provider, broke the log-in off."""


class NotSureEnough(HelhedError):
    """The provider is not sure enough of who this is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that was begun. It stands on the server, once, behind a cookie of the browser that began it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    return_address: str
    began: datetime
    proves_again: bool = False


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider vouched for."""

    provider: Provider
    subject: str
    identifiers: tuple[tuple[str, str], ...]  #: system and value, in the order of the provider's ``person``
    acr: str
    amr: tuple[str, ...]
    at: datetime
    session: str
    id_token: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """A form that a browser sends to the provider (OpenID Connect RP-Initiated Logout 1.0, section 2): an ID token may name a
    citizen's number, and belongs in no address.
    """

    place: str
    fields: Mapping[str, str]


class RelyingParty:
    """Us, at the providers."""

    def __init__(self, trusted: Mapping[str, Trusted], fetching: Asking, clock: Clock) -> None:
        self.trusted = trusted
        self.known = KnownProviders(fetching, clock)
        self._fetching = fetching
        self._clock = clock

    async def begin(self, key: str, return_address: str, *, proves_again: bool) -> tuple[str, Attempt]:
        """Where to send the person, and what to keep until they are back. Raises LookupError or ProviderAway."""
        one = self.trusted[key]
        provider = one.provider
        metadata = await self.known.metadata(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(key, state, nonce, verifier, return_address, self._clock(), proves_again)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": return_address,
            "scope": " ".join(provider.scopes), "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        if provider.acr_values:
            asked["acr_values"] = " ".join(provider.acr_values)
        if proves_again:
            asked |= {"prompt": "login", "max_age": "0"}
        if metadata.pushed_requests:
            asked = await self._pushed(one, metadata, asked)
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}", attempt

    async def finish(self, attempt: Attempt, answer: Mapping[str, str]) -> Vouched:
        """Who came back. Raises Declined, NotVouched, NotSureEnough or ProviderAway."""
        one = self.trusted[attempt.provider]
        now = self._clock()
        metadata = await self.known.metadata(one.provider)
        _check_answer(attempt, answer, metadata, now)
        given = await self._exchange(one, metadata, attempt, answer["code"])
        age = int((now - attempt.began).total_seconds()) if attempt.proves_again else None
        expected = Expected(attempt.nonce, str(given.get("access_token", "")), age)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise NotVouched
        claims = await read_id_token(token, one.provider, self.known, expected, now)
        return _vouched(one.provider, claims, token, now)

    async def farewell(self, key: str, id_token: str, back: str) -> Farewell | None:
        """How a person logs out at the provider, too; None when it has no such place, or is away."""
        one = self.trusted.get(key)
        if one is None or not one.provider.sign_out:
            return None
        try:
            place = (await self.known.metadata(one.provider)).end_session_endpoint
        except ProviderAway:
            return None
        asked = {"client_id": one.provider.client_id, "post_logout_redirect_uri": back}
        asked |= {"id_token_hint": id_token} if id_token else {}
        return Farewell(place, asked) if place else None

    async def _pushed(self, one: Trusted, metadata: Metadata, asked: Mapping[str, str]) -> dict[str, str]:
        """What the browser takes along instead of the request (RFC 9126, section 2). A provider that offers this and does not take
        the request is away: it is never asked in the open instead, which whoever stands in between could bring about.
        """
        answer = await self._post(one, metadata, metadata.pushed_requests, asked)
        if answer.status != _LEFT:
            raise ProviderAway
        said = json_object(200, answer.body)
        reference, seconds = said.get("request_uri"), said.get("expires_in")
        if not isinstance(reference, str) or not 0 < len(reference) <= _LONGEST_REFERENCE:
            raise ProviderAway
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
            raise ProviderAway
        return {"client_id": one.provider.client_id, "request_uri": reference}

    async def _exchange(self, one: Trusted, metadata: Metadata, attempt: Attempt, code: str) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": attempt.return_address,
            "code_verifier": attempt.verifier,
        }  # fmt: skip
        answer = await self._post(one, metadata, metadata.token_endpoint, fields)
        if answer.status in {400, 401, 403}:  # it does not know the code, or not us
            raise NotVouched
        return json_object(answer.status, answer.body)

    async def _post(self, one: Trusted, metadata: Metadata, address: str, said: Mapping[str, str]) -> Answer:
        """Said to the provider by us, who prove it. Raises ProviderAway."""
        fields = dict(said)
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if one.key is not None:
            fields |= {"client_id": one.provider.client_id, "client_assertion_type": _ASSERTION_TYPE}
            fields["client_assertion"] = self._assertion(one.provider, one.key, metadata)
        else:
            pair = f"{quote(one.provider.client_id, safe='')}:{quote(one.secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        try:
            return await self._fetching.fetch(
                "POST", address, headers, urlencode(fields).encode(), internal=one.provider.internal_network
            )
        except NotFetched:
            raise ProviderAway from None

    def _assertion(self, provider: Provider, key: ClientKey, metadata: Metadata) -> str:
        """RFC 7523, for this provider and this minute."""
        now = int(self._clock().timestamp())
        audience = provider.issuer if provider.assertion_audience == "issuer" else metadata.token_endpoint
        claims = {
            "iss": provider.client_id, "sub": provider.client_id, "aud": audience, "jti": str(uuid4()), "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }  # fmt: skip
        algorithm = algorithm_of(key)
        header = {"alg": algorithm, "typ": "JWT", "kid": key.kid or key.thumbprint()}
        return jwt.encode(header, claims, key, algorithms=[algorithm])


def algorithm_of(key: ClientKey) -> str:
    """What a key signs with."""
    if key.key_type == "RSA":
        return "PS256"
    if key.key_type == "OKP":
        return "EdDSA"
    return _CURVES[str(key.as_dict(private=False)["crv"])]


def digest_of(issuer: str, kind: str, value: str) -> str:
    """What a session or a subject at a provider is known by here."""
    return hashlib.sha256(f"{issuer}\n{kind}\n{value}".encode()).hexdigest()


def _check_answer(attempt: Attempt, answer: Mapping[str, str], metadata: Metadata, now: datetime) -> None:
    if (now - attempt.began).total_seconds() > ATTEMPT_SECONDS:
        raise NotVouched
    if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise NotVouched
    said = answer.get("iss")
    if (said is None and metadata.says_iss) or (said is not None and said != metadata.issuer):
        raise NotVouched
    if "error" in answer:
        raise Declined
    if not answer.get("code"):
        raise NotVouched


def _vouched(provider: Provider, claims: Mapping[str, Any], token: str, now: datetime) -> Vouched:
    """Raises NotSureEnough, or NotVouched when no claim says who it is."""
    level = claims.get(provider.assurance.claim)
    if level not in provider.assurance.accepted:
        raise NotSureEnough
    named = tuple((one.system, str(claims[one.claim]).strip()) for one in provider.person if claims.get(one.claim))
    if not named:
        raise NotVouched
    means = claims.get("amr")
    amr = tuple(str(one)[:20] for one in means[:10]) if isinstance(means, list) else ()
    at = claims.get("auth_time")
    proven = datetime.fromtimestamp(at, now.tzinfo) if isinstance(at, int | float) else now
    return Vouched(provider, claims["sub"], named, str(level), amr, min(proven, now), str(claims.get("sid", "")), token)
