"""The authorisation server's door for machines: metadata, tokens, and what is said about them. Its pages are the portals'."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from uuid import uuid4

from helhed.api.oauth.answering import Answer, document, refusal, told
from helhed.api.oauth.asking import Call, called
from helhed.api.oauth.register import register
from helhed.api.oauth.tokens import introspect, par, revoke, token, userinfo
from helhed.api.token_watch import Events
from helhed.foundation.asgi import Receive, Scope, Send
from helhed.foundation.errors import HelhedError, MethodNotAllowed
from helhed.foundation.logging import logger
from helhed.foundation.metrics import REQUESTS, SECONDS
from helhed.trust.identity.metadata import server_metadata, smart_configuration
from helhed.trust.identity.server import AuthorisationServer
from helhed.trust.watch.events import EventKind

Work = Callable[[AuthorisationServer, Call], Awaitable[Answer]]

_REFUSED_WHO = frozenset({"invalid_client", "invalid_grant", "invalid_dpop_proof", "invalid_software_statement"})


async def _jwks(server: AuthorisationServer, _call: Call) -> Answer:
    return document(server.keys.published())


async def _metadata(server: AuthorisationServer, _call: Call) -> Answer:
    return document(server_metadata(server.issuer, tuple(server.granting.grants)))


async def _smart(server: AuthorisationServer, _call: Call) -> Answer:
    return document(smart_configuration(server.issuer, tuple(server.granting.grants)))


_READ, _POST, _BOTH = frozenset({"GET", "HEAD"}), frozenset({"POST"}), frozenset({"GET", "HEAD", "POST"})
#: what is done at each address, and by which methods
PLACES: dict[str, tuple[frozenset[str], Work]] = {
    "/.well-known/openid-configuration": (_READ, _metadata),
    "/.well-known/oauth-authorization-server": (_READ, _metadata),
    "/.well-known/smart-configuration": (_READ, _smart),
    "/fhir/.well-known/smart-configuration": (_READ, _smart),
    "/oauth/jwks": (_READ, _jwks),
    "/oauth/par": (_POST, par),
    "/oauth/token": (_POST, token),
    "/oauth/introspect": (_POST, introspect),
    "/oauth/revoke": (_POST, revoke),
    "/oauth/register": (_POST, register),
    "/oauth/userinfo": (_BOTH, userinfo),
}


class OAuthDoor:
    """The ASGI application behind ``PLACES``."""

    def __init__(self, server: AuthorisationServer, events: Events | None = None) -> None:
        self._server = server
        self._events = events
        self._log = logger("oauth")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, http only."""
        begun = perf_counter()
        path, method = scope["path"], scope["method"]
        methods, work = PLACES[path]
        try:
            if method == "OPTIONS":
                answer = told(204, None)
            elif method not in methods:
                raise MethodNotAllowed
            else:
                answer = await work(self._server, await called(scope, receive))
        except HelhedError as error:
            answer = self._refused(scope, error)
        except Exception as error:
            number = str(uuid4())
            self._log.error("unexpected", error=error, trace=number)
            answer = told(
                500, {"error": "server_error", "error_description": f"Tell the operator the number {number}."}
            )
        await _send(send, method, answer, ", ".join(sorted(methods | {"OPTIONS"})))
        REQUESTS.labels("oauth", path.rpartition("/")[2], str(answer.status)).inc()
        SECONDS.labels("oauth").observe(perf_counter() - begun)

    def _refused(self, scope: Scope, error: HelhedError) -> Answer:
        """Logged and counted, without a word of what was sent."""
        answer = refusal(error, self._server.proofs.nonces.new)
        code = answer.body_of("error")
        place = scope["path"].rpartition("/")[2]
        self._log.info("refused", place=place, status=answer.status, code=code, kind=type(error).__name__)
        if self._events is not None and code in _REFUSED_WHO:
            client = scope.get("client")
            self._events.note(EventKind.TOKEN_REFUSED, place=str(client[0]) if client else "")
        return answer


async def _send(send: Send, method: str, answer: Answer, allow: str) -> None:
    headers = list(answer.headers)
    if answer.status in {204, 405}:
        headers.append((b"allow", allow.encode()))
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def serves(path: str) -> bool:
    """Whether an address is one of this door's."""
    return path in PLACES


__all__ = ["OAuthDoor", "serves"]
