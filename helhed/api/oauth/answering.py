"""Answers of the authorisation server's door: JSON as the standards have it, never cached unless it is public."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from helhed.api.answers import status_of
from helhed.foundation.errors import HelhedError, NotAuthenticated
from helhed.trust.identity.attempts import attempts_policy
from helhed.trust.identity.errors import InvalidClient, OAuthError, TooManyAttempts, UseNonce

Header = tuple[bytes, bytes]
_JSON: Header = (b"content-type", b"application/json")
_ALWAYS = (_JSON, (b"x-content-type-options", b"nosniff"))
_NEVER_KEPT: tuple[Header, ...] = (*_ALWAYS, (b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
#: public documents: anybody may read them, from any page, and keep them for a while
_PUBLIC: tuple[Header, ...] = (
    *_ALWAYS,
    (b"cache-control", b"public, max-age=300"),
    (b"access-control-allow-origin", b"*"),
)
_STATUS: dict[type[OAuthError], int] = {InvalidClient: 401, TooManyAttempts: 429}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: tuple[Header, ...]

    def body_of(self, name: str) -> str:
        """A member of its body, "" when there is none."""
        return str(orjson.loads(self.body).get(name, "")) if self.body else ""


def told(status: int, content: Any, *more: Header) -> Answer:
    """An answer for this caller alone; without a body for None."""
    return Answer(status, b"" if content is None else orjson.dumps(content), (*_NEVER_KEPT, *more))


def document(content: Any) -> Answer:
    """A public document."""
    return Answer(200, orjson.dumps(content), _PUBLIC)


def _wait() -> bytes:
    """Seconds after which an attempt is judged anew."""
    return str(round(attempts_policy().within.total_seconds())).encode()


def refusal(error: HelhedError, nonce: Callable[[], str]) -> Answer:
    """The answer to an error."""
    more: tuple[Header, ...]
    if isinstance(error, OAuthError):
        more = ((b"dpop-nonce", nonce().encode()),) if isinstance(error, UseNonce) else ()
        more += ((b"retry-after", _wait()),) if isinstance(error, TooManyAttempts) else ()
        content = {"error": error.error, "error_description": error.description}
        return told(_STATUS.get(type(error), 400), content, *more)
    if isinstance(error, NotAuthenticated):
        more = ((b"www-authenticate", error.challenge.encode()),)
        more += ((b"dpop-nonce", error.nonce.encode()),) if error.nonce else ()
        return told(401, {"error": "invalid_token"}, *more)
    status = status_of(error)
    code = "temporarily_unavailable" if status == 503 else "invalid_request"
    more = ((b"retry-after", b"1"),) if status == 503 else ()
    return told(status, {"error": code, "error_description": error.issues[0].diagnostics}, *more)
