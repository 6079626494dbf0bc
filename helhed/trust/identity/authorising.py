"""A person answers what an app asked for: allows it, or less, or nothing. The answer goes back by a code that is used once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.asked_scopes import OFFLINE, OPENID, DataScope, asked_of, is_of_one, joined
from helhed.trust.identity.clients import Client, Clients
from helhed.trust.identity.errors import AccessDenied, InvalidRequest, InvalidScope, OAuthError
from helhed.trust.identity.issuing import LogIn
from helhed.trust.identity.requests import (
    AuthorisationRequest,
    Requests,
    parameters_of,
    read_request,
    redirect_of,
)
from helhed.trust.identity.secrets import digest, new_secret

CODE_FOR = timedelta(seconds=60)
OFFLINE_FOR, ONLINE_FOR = timedelta(days=90), timedelta(hours=8)  #: how long an app may come back for new tokens


class SentBack(Exception):
    """An answer, or a refusal, that goes back to the client by its own address."""

    def __init__(self, address: str) -> None:
        super().__init__("sent back")
        self.address = address


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that somebody is asked about."""

    handle: str
    client: Client
    request: AuthorisationRequest
    since: datetime

    def log_in_holds(self, authenticated: datetime, now: datetime) -> bool:
        """Whether a log-in is young enough for what the app asks (OpenID Connect Core 1.0, section 3.1.2.1)."""
        oldest = self.request.max_age
        return (self.request.prompt != "login" or authenticated >= self.since) and (
            oldest is None or now - authenticated <= timedelta(seconds=oldest)
        )

    def scopes_for(self, kind: ActorKind) -> list[str | DataScope]:
        """What it asks for and this kind of person can give."""
        return asked_of(self.request.scope, self.client.scope, kind)

    def lasts(self, scopes: Sequence[str]) -> timedelta:
        """How long the app may come back for new tokens."""
        return OFFLINE_FOR if OFFLINE in scopes else ONLINE_FOR


class Authorising:
    """The authorisation endpoint, without its pages."""

    def __init__(
        self, pool: Pool, clients: Clients, requests: Requests, clock: Clock, issuer: str, audiences: Sequence[str]
    ) -> None:
        self._pool = pool
        self._clients = clients
        self._requests = requests
        self._clock = clock
        self._issuer = issuer
        self._audiences = audiences

    async def open(self, pairs: Sequence[tuple[str, str]]) -> Pending:
        """A request that a browser brings. Raises SentBack, or OAuthError where the client's address cannot be trusted."""
        parameters = parameters_of(pairs)
        client = await self._clients.named(parameters.get("client_id", ""), self._clock())
        if client is None or client.kind == "system":
            raise InvalidRequest("No client is registered here under that client_id.")
        request_uri = parameters.get("request_uri")
        if request_uri is not None:
            handle, request = await self._requests.open(client, request_uri)
            return Pending(handle, client, request, self._clock())
        if client.profile == "fapi":
            raise InvalidRequest("This client pushes its requests first (RFC 9126).")
        redirect = redirect_of(client, parameters)
        try:
            request = read_request(client, parameters, self._audiences)
        except OAuthError as error:
            raise SentBack(self._refusal(redirect, parameters.get("state"), error)) from None
        return Pending(await self._requests.begin(client, request), client, request, self._clock())

    async def pending(self, handle: str) -> Pending:
        """The request behind a handle. Raises Unknown when nothing waits there."""
        found = await self._requests.pending(handle)
        client = await self._clients.named(found[0], self._clock()) if found else None
        if found is None or client is None:
            raise Unknown
        return Pending(handle, client, found[1], found[2])

    async def refuse(self, pending: Pending, error: OAuthError | None = None) -> str:
        """Where to go with a no. Raises Unknown when an answer was given before."""
        if not await self._requests.answer(pending.handle):
            raise Unknown
        return self._refusal(pending.request.redirect_uri, pending.request.state, error or AccessDenied())

    async def allow(
        self, ask: Ask, pending: Pending, chosen: Sequence[str], login: LogIn, patient: UUID | None = None
    ) -> str:
        """Where to go with a code. ``chosen`` are the data scopes that the person left standing, of those that were asked for.

        Raises Unknown when the request waits no longer, or the person may not give this.
        """
        scopes = [one for one in pending.scopes_for(ask.kind) if isinstance(one, str) or str(one) in chosen]
        if not any(isinstance(one, DataScope) or one == OPENID for one in scopes):
            return await self.refuse(pending, InvalidScope())
        if patient is None and any(is_of_one(one, ask.kind) for one in scopes):
            return await self.refuse(
                pending, InvalidScope("It is said with which patient first: ask for launch/patient, or bring a launch.")
            )
        code, family = new_secret(), uuid4()
        lasts = pending.lasts([str(one) for one in scopes])
        allowed = (
            family, pending.client.id, int(ask.kind), ask.actor, ask.organisation, ask.role, joined(scopes), patient,
            login.acr, list(login.amr), login.at, ask.at, ask.at, ask.at + lasts, None, None,
        )  # fmt: skip
        if not await self._allow(ask, pending, allowed, code):
            raise Unknown
        return self._back(pending.request.redirect_uri, code=code, state=pending.request.state)

    async def _allow(self, ask: Ask, pending: Pending, allowed: Sequence[object], code: str) -> bool:
        statement = "select trust.allow_app($1::fhir.ask, $2, $3::trust.authorisation, $4, $5, $6, $7::smallint)"
        request = pending.request
        fits = {
            "redirect_uri": request.redirect_uri, "challenge": request.challenge, "nonce": request.nonce, "key": request.key,
        }  # fmt: skip
        async with lend_proven(self._pool, Duty.APPS) as connection:
            done = await connection.fetchval(
                statement, ask_row(ask), digest(pending.handle), tuple(allowed), digest(code), json.dumps(fits),
                ask.at + CODE_FOR, TYPE_NUMBERS["Patient"],
            )  # fmt: skip
        return bool(done)

    def _refusal(self, redirect: str, state: str | None, error: OAuthError) -> str:
        return self._back(redirect, error=error.error, error_description=error.description, state=state)

    def _back(self, redirect: str, **parameters: str | None) -> str:
        """The client's address with an answer, and whose answer it is (RFC 9207)."""
        given = {name: value for name, value in parameters.items() if value is not None}
        joint = "&" if "?" in redirect else "?"
        return f"{redirect}{joint}{urlencode({**given, 'iss': self._issuer})}"


__all__ = ["Authorising", "Pending", "SentBack"]
