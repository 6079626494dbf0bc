"""What the demo's provider says and signs. Each step is a method of its own, so that a test can make one of them lie."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

CODE_SECONDS = 60
TOKEN_SECONDS = 300
PUSHED_SECONDS = 600  #: in which somebody chooses who to be
_REFERENCE = "urn:ietf:params:oauth:request_uri:"
SUBSTANTIAL = "https://data.gov.dk/concept/core/nsis/loa/Substantial"
CPR_CLAIM, REPLACEMENT_CLAIM = "dk.cpr", "demo.replacement_cpr"
AUTHORISATION_CLAIM, LOCAL_CLAIM = "dk.healthcare.authorisation", "local_user_id"
_SEALED = {"alg": "dir", "enc": "A256GCM"}


@dataclass(frozen=True, slots=True)
class Face:
    """One of the providers that it stands in for."""

    key: str
    name: Mapping[str, str]
    for_citizens: bool


FACES = {
    "mitid": Face("mitid", {"da": "MitID (demo)", "en": "MitID (demo)"}, for_citizens=True),
    "arbejde": Face("arbejde", {"da": "Medarbejder-log-in (demo)", "en": "Staff log-in (demo)"}, for_citizens=False),
}


class Person(Protocol):
    """Somebody to be."""

    @property
    def subject(self) -> str:
        """What this provider calls them."""
        ...

    @property
    def name(self) -> str:
        """What they are called."""
        ...

    @property
    def claims(self) -> Mapping[str, str]:
        """Who they are, in the claims of this provider."""
        ...

    @property
    def about(self) -> Mapping[str, str]:
        """A line on them, by language."""
        ...

    @property
    def place(self) -> str:
        """Where they work, or their number."""
        ...

    @property
    def door(self) -> str:
        """Where they belong: borger, hospital, praksis, kommune, drift."""
        ...


class People(Protocol):
    """Who there is."""

    async def shown(self) -> Sequence[Person]:
        """Those shown by name, in order."""
        ...

    async def search(self, words: str, address: str) -> Sequence[Person] | None:
        """Citizens of this name or number; None when somebody at that address asked for too many."""
        ...

    async def one(self, subject: str) -> Person | None:
        """Whoever this is."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who may ask."""

    id: str
    redirect_base: str  #: its answers go to addresses that begin like this
    key: ECKey | RSAKey | OKPKey | None = None
    secret: str = ""


class Refused(Exception):
    """An OAuth error, by its code."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class DemoProvider:
    """An OpenID Connect provider in which nobody proves anything."""

    def __init__(
        self, base: str, secret: bytes, clients: Sequence[Client], people: People, clock: Callable[[], datetime]
    ) -> None:
        self.base = base.rstrip("/")
        self.people = people
        self.clock = clock
        self._clients = {one.id: one for one in clients}
        self._key = ECKey.derive_key(b"key of the demo provider" + secret)
        self._sealing = OctKey.import_key(hashlib.sha256(b"codes of the demo provider" + secret).digest())
        self._used: dict[str, float] = {}

    def issuer(self, face: Face) -> str:
        """What it is called."""
        return f"{self.base}/{face.key}"

    def metadata(self, face: Face) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0."""
        issuer = self.issuer(face)
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "pushed_authorization_request_endpoint": f"{issuer}/par",
            "end_session_endpoint": f"{issuer}/end-session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
            "acr_values_supported": [SUBSTANTIAL],
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """What its signatures are checked with."""
        return {"keys": [{**self._key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": "ES256"}]}

    @property
    def kid(self) -> str:
        """The name of its key."""
        return self._key.thumbprint()

    def push(self, face: Face, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """A request that is left here before the browser comes (RFC 9126). Raises Refused."""
        client = self._authenticated(face, form, authorization)
        asked = {name: value for name, value in form.items() if not name.startswith("client_assertion")}
        if "request_uri" in asked or asked.setdefault("client_id", client.id) != client.id:
            raise Refused("invalid_request")
        self.client_of(asked)
        kept = {
            "asked": asked, "face": face.key, "id": secrets.token_urlsafe(12),
            "until": self.clock().timestamp() + PUSHED_SECONDS,
        }  # fmt: skip
        return {"request_uri": _REFERENCE + self._sealed(kept), "expires_in": PUSHED_SECONDS}

    def asked_of(self, face: Face, query: Mapping[str, str], *, last: bool = False) -> dict[str, str]:
        """What is asked for: left here beforehand by this client, or in the query. Used up with ``last``. Raises Refused."""
        reference = query.get("request_uri")
        if reference is None:
            return dict(query)
        kept = self._opened(reference.removeprefix(_REFERENCE))
        asked: dict[str, str] = kept.get("asked", {})
        if kept["face"] != face.key or not asked or asked["client_id"] != query.get("client_id"):
            raise Refused("invalid_request")
        now = self.clock().timestamp()
        if kept["until"] < now or self._used.get(kept["id"], 0) > now or (last and not self._first_use(kept)):
            raise Refused("invalid_request")
        return asked

    def client_of(self, asked: Mapping[str, str]) -> Client:
        """Who asks, when the request is one that can be answered at all. Raises Refused: nothing is then sent anywhere."""
        client = self._clients.get(asked.get("client_id", ""))
        if client is None or not asked.get("redirect_uri", "").startswith(client.redirect_base):
            raise Refused("invalid_client")
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            raise Refused("invalid_request")
        if not asked.get("code_challenge") or "openid" not in asked.get("scope", "").split():
            raise Refused("invalid_request")
        return client

    def back_to(self, client_id: str, address: str) -> bool:
        """Whether this is a place of that client's."""
        client = self._clients.get(client_id)
        return client is not None and address.startswith(client.redirect_base)

    def answer(self, face: Face, asked: Mapping[str, str], person: Person) -> dict[str, str]:
        """What goes back with the browser once somebody chose who to be."""
        kept = {
            "sub": person.subject, "client": asked["client_id"], "to": asked["redirect_uri"], "face": face.key,
            "challenge": asked["code_challenge"], "nonce": asked.get("nonce", ""), "id": secrets.token_urlsafe(12),
            "until": self.clock().timestamp() + CODE_SECONDS,
        }  # fmt: skip
        return {"code": self._sealed(kept), "state": asked.get("state", ""), "iss": self.issuer(face)}

    async def token(self, face: Face, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """The token endpoint. Raises Refused."""
        client = self._authenticated(face, form, authorization)
        if form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type")
        kept = self._opened(form.get("code", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(
            b"="
        )
        if (
            (kept.get("client"), kept.get("to"), kept["face"]) != (client.id, form.get("redirect_uri"), face.key)
            or not hmac.compare_digest(challenge.decode(), kept["challenge"])
            or kept["until"] < self.clock().timestamp()
            or not self._first_use(kept)
        ):
            raise Refused("invalid_grant")
        person = await self.people.one(kept["sub"])
        if person is None:
            raise Refused("invalid_grant")
        claims = self.claims(face, client, person, kept["nonce"])
        return {
            "access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": TOKEN_SECONDS,
            "id_token": self.sign(claims),
        }  # fmt: skip

    def claims(self, face: Face, client: Client, person: Person, nonce: str) -> dict[str, Any]:
        """What it vouches for."""
        now = int(self.clock().timestamp())
        return {
            "iss": self.issuer(face), "aud": client.id, "sub": person.subject, "nonce": nonce, "iat": now,
            "exp": now + TOKEN_SECONDS, "auth_time": now, "acr": SUBSTANTIAL, "amr": ["demo"], "name": person.name,
            **person.claims,
        }  # fmt: skip

    def sign(self, claims: Mapping[str, Any]) -> str:
        """An ID token."""
        return jwt.encode(
            {"alg": "ES256", "kid": self.kid, "typ": "JWT"}, dict(claims), self._key, algorithms=["ES256"]
        )

    def _sealed(self, kept: Mapping[str, Any]) -> str:
        return jwt.encode(_SEALED, dict(kept), self._sealing, algorithms=["dir", "A256GCM"], registry=jwe.JWERegistry())

    def _opened(self, code: str) -> dict[str, Any]:
        try:
            return jwt.decode(code, self._sealing, algorithms=["dir", "A256GCM"], registry=jwe.JWERegistry()).claims
        except (JoseError, ValueError):
            raise Refused("invalid_grant") from None

    def _first_use(self, kept: Mapping[str, Any]) -> bool:
        now = self.clock().timestamp()
        self._used = {one: until for one, until in self._used.items() if until > now}
        first = kept["id"] not in self._used
        self._used[kept["id"]] = kept["until"]
        return first

    def _authenticated(self, face: Face, form: Mapping[str, str], authorization: str) -> Client:
        if authorization.lower().startswith("basic "):
            named, _, secret = base64.b64decode(authorization[6:] + "==").decode("utf-8", "replace").partition(":")
            client = self._clients.get(named)
            if client is None or not client.secret or not hmac.compare_digest(secret.encode(), client.secret.encode()):
                raise Refused("invalid_client", 401)
            return client
        client = self._clients.get(form.get("client_id", ""))
        if client is None or client.key is None:
            raise Refused("invalid_client", 401)
        try:
            said = jwt.decode(
                form.get("client_assertion", ""), client.key, algorithms=["ES256", "PS256", "EdDSA"]
            ).claims
        except (JoseError, ValueError):
            raise Refused("invalid_client", 401) from None
        if said.get("sub") != client.id or said.get("aud") not in (self.issuer(face), f"{self.issuer(face)}/token"):
            raise Refused("invalid_client", 401)
        if said.get("exp", 0) < self.clock().timestamp():
            raise Refused("invalid_client", 401)
        return client
