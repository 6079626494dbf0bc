"""The endpoints that clients post to: pushed requests, tokens, introspection, revocation; and who the bearer of a token is."""

from collections.abc import Awaitable, Callable
from typing import Any

from helhed.api.gate import Gate
from helhed.api.oauth.answering import Answer, Header, told
from helhed.api.oauth.asking import Call
from helhed.foundation.errors import NotAuthenticated
from helhed.trust.identity.asked_scopes import FHIR_USER, OPENID, words_of
from helhed.trust.identity.clients import Client
from helhed.trust.identity.errors import InvalidClient, InvalidProof, InvalidRequest, OAuthError, UnauthorizedClient
from helhed.trust.identity.jose import claims_of
from helhed.trust.identity.proofs import Proof
from helhed.trust.identity.requests import PUSHED_FOR, read_request
from helhed.trust.identity.server import AuthorisationServer

Form = dict[str, str]


async def par(server: AuthorisationServer, call: Call) -> Answer:
    """Pushed authorisation requests (RFC 9126)."""

    async def work(client: Client, form: Form, proof: Proof | None) -> dict[str, Any]:
        if "request_uri" in form:
            raise InvalidRequest
        if client.kind == "system":
            raise UnauthorizedClient
        request = read_request(client, form, server.audiences, proof.key if proof else "")
        return {
            "request_uri": await server.requests.push(client, request),
            "expires_in": int(PUSHED_FOR.total_seconds()),
        }

    return await _authenticated(server, call, work, status=201)


async def token(server: AuthorisationServer, call: Call) -> Answer:
    """Tokens."""

    async def work(client: Client, form: Form, proof: Proof | None) -> dict[str, Any]:
        return await server.granting.tokens(client, form, proof.key if proof else "")

    return await _authenticated(server, call, work)


async def introspect(server: AuthorisationServer, call: Call) -> Answer:
    """Introspection (RFC 7662): never for clients that have no key of their own."""

    async def work(client: Client, form: Form, _proof: Proof | None) -> dict[str, Any]:
        if client.kind == "public":
            raise InvalidClient
        return await server.in_use.introspected(client, _token(form))

    return await _authenticated(server, call, work)


async def revoke(server: AuthorisationServer, call: Call) -> Answer:
    """Revocation (RFC 7009). An unknown token is answered as a revoked one."""

    async def work(client: Client, form: Form, _proof: Proof | None) -> None:
        await server.in_use.revoke(client, _token(form))

    return await _authenticated(server, call, work)


async def userinfo(server: AuthorisationServer, call: Call) -> Answer:
    """Who the bearer of an access token is (OpenID Connect Core 1.0, section 5.3): the reference, and nothing a registry knows."""
    authorization = call.authorization()
    scope = {
        "method": call.method, "path": call.path,
        "headers": [(b"dpop", value) for value in call.headers.get(b"dpop", ())],
    }  # fmt: skip
    entry = await Gate(server.verifier, server.admission, server.issuer).let_in(scope, [], authorization)
    claims = claims_of((authorization or b"").partition(b" ")[2].decode())
    scopes = words_of(str(claims["scope"]))
    if OPENID not in scopes:
        raise NotAuthenticated
    user = {"fhirUser": f"{server.issuer}/fhir/{claims['sub']}"} if FHIR_USER in scopes else {}
    return told(200, {"sub": claims["sub"], **user}, *entry.headers)


def _token(form: Form) -> str:
    if "token" not in form:
        raise InvalidRequest
    return form["token"]


async def _authenticated(
    server: AuthorisationServer,
    call: Call,
    work: Callable[[Client, Form, Proof | None], Awaitable[dict[str, Any] | None]],
    status: int = 200,
) -> Answer:
    """What a client that proved who it is gets. Failures count against whoever it says it is, from where it says so."""
    form = call.form()
    named = _named(form)
    await server.attempts.check(named, call.place)
    try:
        if call.authorization() is not None:
            raise InvalidClient
        text = call.proof()
        proof = None if text is None else server.proofs.judge(text, call.method, server.issuer + call.path)
        client = await server.authentication.client(form)
        if proof is not None:
            await server.proofs.take(proof)
        content = await work(client, form, proof)
    except OAuthError as error:
        if error.error in {"invalid_client", "invalid_grant", InvalidProof.error}:
            await server.attempts.failed(named, call.place)
        raise
    more: tuple[Header, ...] = ()
    if proof is not None and proof.nonce_is_old:
        more = ((b"dpop-nonce", server.proofs.nonces.new().encode()),)
    return told(status, content, *more)


def _named(form: Form) -> str:
    """Whom the form names, unproven: to count by."""
    try:
        return str(form.get("client_id") or claims_of(form.get("client_assertion", "")).get("iss"))[:128]
    except ValueError:
        return ""
