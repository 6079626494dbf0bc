"""A provider that tests make lie: the demo's, with one step of it changed, and us asking it without a network."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey

from demo.identity_provider import FACES, Client, DemoProvider
from demo.identity_provider.provider import CPR_CLAIM, SUBSTANTIAL, Refused
from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Answer
from helhed.registries.identifiers import AUTHORISATION, CPR
from helhed.trust.identity.upstream.flow import Attempt, RelyingParty, Vouched
from helhed.trust.identity.upstream.providers import Assurance, Named, Provider, Trusted, Whom

BASE = "https://broker.example"
OURS = "https://net.example/log-ind/"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
KEY = ECKey.generate_key("P-256")


@dataclass(frozen=True)
class Somebody:
    """Whom the provider vouches for."""

    subject: str = "subject-1"
    name: str = "Ane Test"
    claims: Mapping[str, str] = field(default_factory=lambda: {CPR_CLAIM: "0101019999"})
    about: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    door: str = "borger"


class OneSomebody:
    """The people of the provider: one."""

    def __init__(self, person: Somebody) -> None:
        self.person = person

    async def shown(self) -> list[Somebody]:
        return [self.person]

    async def search(self, words: str, address: str) -> list[Somebody]:
        return [self.person]

    async def one(self, subject: str) -> Somebody | None:
        return self.person


@dataclass
class Scene:
    """A provider, us, and a clock. It takes requests beforehand where ``pushes`` says so."""

    pushes: bool = False
    query: dict[str, str] = field(default_factory=dict)  #: what the browser brought last
    pushed: dict[str, str] = field(default_factory=dict)  #: what was left last

    whom: Whom = Whom.CITIZENS
    person: Somebody = field(default_factory=Somebody)
    twist: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    signed: Callable[["Scene", dict[str, Any]], str] | None = None
    metadata: Callable[[dict[str, Any]], dict[str, Any]] = lambda said: said
    jwks: Callable[[dict[str, Any]], dict[str, Any]] = lambda said: said
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    now: datetime = NOW
    asked: list[str] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        public = ECKey.import_key(KEY.as_dict(private=False))
        scene = self

        class Lying(DemoProvider):
            def sign(self, claims: Mapping[str, Any]) -> str:
                told = scene.twist(dict(claims))
                return scene.signed(scene, told) if scene.signed else super().sign(told)

        self.face = FACES["mitid"] if self.whom is Whom.CITIZENS else FACES["arbejde"]
        client = Client("net", OURS, public)
        self.provider = Lying(BASE, b"s" * 32, [client], OneSomebody(self.person), lambda: self.now)
        staff = self.whom is Whom.STAFF
        described = Provider(
            key="broker", vouches_for=self.whom, name={"da": "Broker", "en": "Broker"}, issuer=self.provider.issuer(self.face),
            client_id="net", person=(Named("dk.healthcare.authorisation", AUTHORISATION) if staff else Named(CPR_CLAIM, CPR),),
            assurance=Assurance("acr", (SUBSTANTIAL,)), organisations=("100",) if staff else (),
        )  # fmt: skip
        self.described = msgspec_replace(described, self.changes)
        self.us = RelyingParty({"broker": Trusted(self.described, key=KEY)}, self, lambda: self.now)

    async def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        internal: bool = False,
    ) -> Answer:
        """What the provider answers."""
        path = urlsplit(url).path
        self.asked.append(path)
        name = path.rsplit("/", 1)[-1]
        if name in self.answers:
            found = self.answers[name]
            if isinstance(found, Exception):
                raise found
            return found
        if name == "openid-configuration":
            said = self.provider.metadata(self.face)
            if not self.pushes:
                del said["pushed_authorization_request_endpoint"]
            return self._json(self.metadata(said))
        if name == "jwks":
            return self._json(self.jwks(self.provider.jwks()))
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        proof = (headers or {}).get("authorization", "")
        try:
            if name == "par":
                self.pushed = form
                return Answer(201, json.dumps(self.provider.push(self.face, form, proof)).encode())
            return self._json(await self.provider.token(self.face, form, proof))
        except Refused as error:
            return Answer(error.status, json.dumps({"error": error.code}).encode())

    def _json(self, told: Any) -> Answer:
        return Answer(200, json.dumps(told).encode())

    async def begin(self, *, again: bool = False) -> tuple[dict[str, str], Attempt]:
        """What the provider is asked for, and what we keep."""
        address, attempt = await self.us.begin("broker", f"{OURS}broker/retur", proves_again=again)
        self.query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        return self.provider.asked_of(self.face, self.query), attempt

    async def logs_in(
        self, change: Callable[[dict[str, str]], dict[str, str]] = lambda answer: answer, *, again: bool = False,
        attempt_change: Callable[[Attempt], Attempt] = lambda attempt: attempt, after: timedelta = timedelta(),
    ) -> Vouched:  # fmt: skip
        """Somebody goes there, says who they are, and comes back."""
        asked, attempt = await self.begin(again=again)
        answer = change(self.provider.answer(self.face, asked, self.person))
        self.now += after
        return await self.us.finish(attempt_change(attempt), answer)


def msgspec_replace(provider: Provider, changes: dict[str, Any]) -> Provider:
    """The provider, configured otherwise."""
    import msgspec

    return msgspec.structs.replace(provider, **changes)


__all__ = ["BASE", "KEY", "NOW", "OURS", "NotFetched", "Scene", "Somebody", "replace"]
