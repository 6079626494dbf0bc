"""What every page shares: safe headers, forms read with limits, cookies."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from helhed.foundation.errors import BadRequest, TooLarge, TooSlow, Unknown

MOST_FORM_BYTES = 16_384
MOST_FIELDS = 40
FORM_SECONDS = 30.0  #: in which a form arrives

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class SafeHeaders:
    """Puts the safety headers on every answer; pages are never cached, files with a version in their address are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = policy_of(scope)
                headers["Cache-Control"] = cache_control(scope, message["status"])
            await send(message)

        await self._app(scope, receive, with_headers)


def policy_of(scope: Scope) -> str:
    """The policy of a page. Browsers hold a form's answer to it too: one that is sent on to apps names their origins."""
    target = scope.get("state", {}).get("form_target", "")
    safe = all(re.fullmatch(r"https?://[\w.\[\]:-]+|[a-z][a-z0-9+.-]*:", one) for one in target.split()) and target
    return (
        CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {target}")
        if safe
        else CONTENT_SECURITY_POLICY
    )


def cache_control(scope: Scope, status: int) -> str:
    """Only static files may be kept, and for good only when their address carries a version."""
    if status != 200 or not str(scope.get("path", "")).startswith("/static/"):
        return "no-store"
    return "public, max-age=31536000, immutable" if b"v=" in scope.get("query_string", b"") else "public, max-age=300"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form. BadRequest for anything that is not one, TooLarge beyond 16 kB, TooSlow for one that trickles."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadRequest("This page takes an ordinary form.")
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await _received(request)
    except TimeoutError:
        raise TooSlow from None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise BadRequest("The form cannot be read.") from error
    if any("\x00" in value for _, value in pairs):
        raise BadRequest("The form cannot be read.")
    return {name: value.strip() for name, value in pairs}


async def _received(request: Request) -> bytearray:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_FORM_BYTES:
            raise TooLarge("The form is too large.")
    return body


def id_in(fields: Mapping[str, str], name: str) -> UUID:
    """The id in a field. Unknown when it is none: what is nobody's id is not there."""
    try:
        return UUID(fields.get(name, ""))
    except ValueError:
        raise Unknown from None


def same_origin(request: Request) -> bool:
    """Whether a browser says that one of our own pages sent this; a client that is no browser says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.split("://")[-1] == request.headers.get("host", "")


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def device_of(request: Request) -> str:
    """Which browser on what, in two words that its owner knows it by: never the whole header, which tells people apart."""
    said = request.headers.get("user-agent", "")
    named = [next((name for mark, name in marks if mark in said), "") for marks in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in named if name)


def set_cookie(response: Any, name: str, value: str, *, secure: bool, max_age: int | None = None) -> None:
    """A cookie for this host alone, out of reach for scripts and for other sites' forms."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax")
