"""Apps in browsers (CORS): a page of an app that is registered may read the answers that its own token gets, and no other page.

No origin is reflected that is not registered, and no cookie is ever sent along: these doors know none.
"""

from typing import Protocol

from helhed.foundation.asgi import App, Message, Receive, Scope, Send

_ALLOWS = b"access-control-allow-origin"
_EXPOSED = (
    b"access-control-expose-headers",
    b"dpop-nonce, etag, last-modified, location, www-authenticate, x-request-id",
)
_ASKED = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"accept, authorization, content-type, dpop, if-match, if-modified-since, if-none-exist, if-none-match, prefer",
    ),
    (b"access-control-max-age", b"600"),
)
_VARIES = (b"vary", b"Origin")


class Origins(Protocol):
    """``trust.identity``: where apps run."""

    async def known(self, origin: str) -> bool:
        """Whether an app of ours runs at an origin."""
        ...


class CrossOrigin:
    """A door that pages of registered apps may ask."""

    def __init__(self, door: App, origins: Origins) -> None:
        self._door = door
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, http only."""
        origin = _header(scope, b"origin")
        if origin is None:
            await self._door(scope, receive, send)
        elif not await self._origins.known(origin.decode("latin-1")):
            await self._door(scope, receive, _with(send, (_VARIES,)))
        elif scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method") is not None:
            await send({"type": "http.response.start", "status": 204, "headers": [(_ALLOWS, origin), _VARIES, *_ASKED]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._door(scope, receive, _with(send, ((_ALLOWS, origin), _EXPOSED, _VARIES)))


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    found, count = None, 0
    for name, value in scope["headers"]:
        if name == wanted:
            found, count = value, count + 1
    return found if count == 1 else None


def _with(send: Send, more: tuple[tuple[bytes, bytes], ...]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name for name, _ in message["headers"]}  # a public document says * already
            message = {
                **message,
                "headers": [*message["headers"], *(one for one in more if one[0] not in there or one == _VARIES)],
            }
        await send(message)

    return sending
