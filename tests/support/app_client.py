"""An app, or a system, that asks the authorisation server for tokens, as its maker would have written it."""

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from helhed.api import FhirApi
from helhed.api.gate import Gate
from helhed.api.oauth import OAuthDoor
from helhed.foundation.ask import Ask
from helhed.trust.identity.assertions import TYPE as ASSERTION
from helhed.trust.identity.clients import Client, client_row
from helhed.trust.identity.registration import client_from
from helhed.trust.identity.server import AuthorisationServer
from tests.support.identity import ISSUER, identity_of
from tests.support.pages import Clicker, Pages
from tests.support.world import NOW, World

CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43


def s256(text: str) -> str:
    """BASE64URL(SHA256())."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def new_key() -> ECKey:
    """A key pair of a client."""
    return ECKey.generate_key("P-256", auto_kid=True)


class Network(Pages):
    """The doors of a world as one worker has them: OAuth, pages and FHIR, with a clock that the test sets."""

    def __init__(self, world: World, server: AuthorisationServer | None = None) -> None:
        self.world = world
        self.server = server or identity_of(world, lambda: self.now)
        super().__init__(world, self.server)
        self.oauth = OAuthDoor(self.server)
        gate = Gate(self.server.verifier, self.server.admission, ISSUER)
        self.fhir = FhirApi(world.store, self.server.verifier, base_url=ISSUER, max_body_bytes=2**20, gate=gate)

    async def register(self, **told: Any) -> Client:
        """A client, as the operator registers it."""
        client = client_from(told, self.now)
        row = client_row(client)
        statement = "insert into trust.client select ($1::trust.client).*"
        await self.world.owner.execute(
            statement, (*row[:-2], datetime(2020, 1, 1, tzinfo=NOW.tzinfo), datetime(2100, 1, 1, tzinfo=NOW.tzinfo))
        )
        return client

    async def ask(
        self, method: str, path: str, *, form: dict[str, str] | None = None, json: Any = None, app: Any = None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """Any request at the OAuth door, or at another."""
        door = app or self.oauth
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=ISSUER) as client:
            return await client.request(method, path, data=form, json=json, headers=headers)


@dataclass
class App:
    """One client, with its keys."""

    network: Network
    id: str
    key: ECKey | None = None  #: by which it authenticates
    dpop: ECKey | None = None  #: to which its tokens are bound
    fapi: bool = False
    scope: str = ""
    nonce: str = ""  #: the last that the server told it for its proofs
    redirect_uri: str = CALLBACK
    asked: dict[str, str] = field(default_factory=dict)

    # --- what it signs ----------------------------------------------------------------------------------------------

    def assertion(self, key: ECKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A client assertion; claims that are None are left out."""
        now = int(self.network.now.timestamp())
        told = {
            "iss": self.id, "sub": self.id, "aud": ISSUER if self.fapi else f"{ISSUER}/oauth/token",
            "iat": now, "nbf": now, "exp": now + 60, "jti": str(uuid4()), **claims,
        }  # fmt: skip
        signer = key or self.key
        assert signer is not None
        kept = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(
            header or {"alg": "ES256", "typ": "JWT", "kid": signer.kid}, kept, signer, algorithms=["ES256"]
        )

    def proof(self, method: str, url: str, token: str | None = None, key: ECKey | None = None, **claims: Any) -> str:
        """A DPoP proof; claims that are None are left out."""
        signer = key or self.dpop
        assert signer is not None
        told = {
            "htm": method, "htu": url, "iat": int(self.network.now.timestamp()), "jti": str(uuid4()),
            "nonce": self.nonce or None, "ath": s256(token) if token else None, **claims,
        }  # fmt: skip
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": _public(signer)}
        return jwt.encode(header, {n: v for n, v in told.items() if v is not None}, signer, algorithms=["ES256"])

    # --- what it asks -----------------------------------------------------------------------------------------------

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """A form to an endpoint, authenticated as it can; once more when a nonce was missing."""
        told = {"client_id": self.id, **form}
        for _ in range(2):
            if self.key is not None and "client_assertion" not in form:
                told |= {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
            proven = {"dpop": self.proof("POST", ISSUER + path)} if self.dpop and "dpop" not in headers else {}
            answer = await self.network.ask("POST", path, form=told, headers={**proven, **headers})
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            if answer.is_success or answer.json().get("error") != "use_dpop_nonce":
                break
        return answer

    async def begin(self, **more: str) -> str:
        """The address that it sends a browser to."""
        self.asked = {
            "response_type": "code", "client_id": self.id, "redirect_uri": self.redirect_uri, "scope": self.scope,
            "state": "state-1", "code_challenge": s256(VERIFIER), "code_challenge_method": "S256", "nonce": "nonce-1",
            **({} if self.fapi else {"aud": f"{ISSUER}/fhir"}), **more,
        }  # fmt: skip
        if not self.fapi:
            return f"/oauth/authorize?{urlencode(self.asked)}"
        answer = await self.post("/oauth/par", self.asked)
        assert answer.status_code == 201, answer.text
        return f"/oauth/authorize?{urlencode({'client_id': self.id, 'request_uri': answer.json()['request_uri']})}"

    async def redeem(self, code: str, **more: str) -> httpx.Response:
        """Tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return await self.post("/oauth/token", {**form, **more})

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        """Tokens for a refresh token."""
        return await self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token, **more})

    async def tokens(self, person: Ask, **more: str) -> dict[str, Any]:
        """The whole way: asked, allowed by somebody, redeemed."""
        answer = await self.redeem(await self.code(person, **more))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def code(self, person: Ask, **more: str) -> str:
        """A code, once somebody said yes."""
        return code_of(await self.allowed(await self.network.person(person), **more))

    async def allowed(self, browser: Clicker, **more: str) -> dict[str, str]:
        """What comes back when somebody says yes to everything."""
        await browser.ask("GET", await self.begin(**more), follow=False)
        return await say_yes(browser)

    async def read(self, path: str, token: str, *, bound: bool | None = None, **claims: Any) -> httpx.Response:
        """A request at the FHIR door, with the proof that its token needs; once more when a nonce was missing."""
        proves = self.dpop is not None if bound is None else bound
        for _ in range(2):
            headers = {"authorization": f"{'DPoP' if proves else 'Bearer'} {token}"}
            if proves:
                headers["dpop"] = self.proof("GET", ISSUER + path.partition("?")[0], token, **claims)
            answer = await self.network.ask("GET", path, headers=headers, app=self.network.fhir)
            if answer.status_code != 401 or "use_dpop_nonce" not in answer.headers.get("www-authenticate", ""):
                break
            self.nonce = answer.headers["dpop-nonce"]
        return answer


async def say_yes(browser: Clicker, *, without: str = "", **more: str) -> dict[str, str]:
    """Allows what the consent page asks, but for boxes whose scopes hold ``without``; what goes back to the app."""
    where = browser.location
    page = await browser.ask("GET", where, follow=False)
    if browser.status == 303:  # nobody is asked
        return sent_back(browser)
    boxes = re.findall(r'name="(lov\d+)" value="([^"]+)" checked', page)
    fields = {name: html.unescape(value) for name, value in boxes if not without or without not in value}
    await browser.ask(
        "POST",
        "/oauth/samtykke",
        {"anmodning": browser.field("anmodning"), "svar": "ja", **fields, **more},
        follow=False,
    )
    return sent_back(browser)


def sent_back(browser: Clicker) -> dict[str, str]:
    """The parameters of the redirect that a browser was given."""
    parts = urlsplit(browser.location)
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def code_of(back: dict[str, str]) -> str:
    assert back.get("iss") == ISSUER, back
    assert back.get("state") == "state-1", back
    return back["code"]


def _public(key: ECKey) -> dict[str, Any]:
    told = key.as_dict(private=False)
    return {name: told[name] for name in ("kty", "crv", "x", "y")}


def jwks(*keys: ECKey) -> dict[str, Any]:
    """What a client publishes."""
    return {"keys": [{**_public(key), "kid": key.kid, "alg": "ES256", "use": "sig"} for key in keys]}


def claims(token: str) -> dict[str, Any]:
    """What a token says, unproven."""
    part = token.split(".")[1]
    told: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


async def smart_app(network: Network, scope: str, **told: Any) -> App:
    """A public app on a phone or in a browser."""
    client = await network.register(
        client_name="Prøveapp", token_endpoint_auth_method="none", grant_types=["authorization_code", "refresh_token"],
        redirect_uris=[CALLBACK], scope=scope, **told,
    )  # fmt: skip
    return App(network, client.id, scope=scope)


async def fapi_app(network: Network, scope: str, **told: Any) -> App:
    """A client of the FAPI 2.0 security profile."""
    key = new_key()
    client = await network.register(
        client_name="Prøvesystem", profile="fapi", grant_types=["authorization_code", "refresh_token"],
        redirect_uris=[CALLBACK], scope=scope, jwks=jwks(key), **told,
    )  # fmt: skip
    return App(network, client.id, key, new_key(), fapi=True, scope=scope)


async def system_client(network: Network, organisation: Any, scope: str = "system/*.cruds", **told: Any) -> App:
    """A system that acts for its organisation (SMART Backend Services)."""
    key = new_key()
    client = await network.register(
        client_name="Prøve-EPJ", grant_types=["client_credentials"], scope=scope, jwks=jwks(key),
        organisation=f"Organization/{organisation}", **told,
    )  # fmt: skip
    return App(network, client.id, key, scope=scope)
