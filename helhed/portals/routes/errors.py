"""When something goes wrong: a page that says what happened and what to do, with a number that the log shares."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from helhed.foundation.errors import (
    BadRequest,
    Forbidden,
    Gone,
    HelhedError,
    Overloaded,
    TooLarge,
    TooMany,
    TooSlow,
    Unknown,
    Unprocessable,
)
from helhed.portals.context import (
    ActingEnded,
    EmploymentEnded,
    ForgedForm,
    InPersonOnly,
    LoginNeeded,
    PlaceNotChosen,
    StepUpNeeded,
    WrongDoor,
    visit,
)
from helhed.portals.http import HEADERS
from helhed.portals.ports.log_in import LogInBroken, LogInDeclined, NobodyKnown, NotSure, ProviderSilent
from helhed.portals.ports.passkeys import KeyOfAnotherKind, PasskeyRefused
from helhed.portals.routes.login import PLACE, AnotherPerson

_log = structlog.get_logger("portals")

#: What kind of page each error gets, and its status. Checked in this order.
PAGES: tuple[tuple[type[HelhedError], str, int], ...] = (
    (EmploymentEnded, "ended", 401),
    (LoginNeeded, "session", 401),
    (NobodyKnown, "nobody", 403),
    (NotSure, "unsure", 403),
    (AnotherPerson, "another", 403),
    (LogInDeclined, "declined", 400),
    (LogInBroken, "unproven", 400),
    (PasskeyRefused, "passkey", 403),
    (KeyOfAnotherKind, "key_kind", 403),
    (ProviderSilent, "silent", 503),
    (WrongDoor, "door", 403),
    (InPersonOnly, "in_person", 403),
    (ForgedForm, "forged", 403),
    (Forbidden, "forbidden", 403),
    (Unknown, "missing", 404),
    (Gone, "missing", 404),
    (TooLarge, "form", 413),
    (TooSlow, "form", 408),
    (BadRequest, "form", 400),
    (Unprocessable, "form", 422),
    (TooMany, "many", 429),
    (Overloaded, "busy", 503),
)


async def known_error(request: Request, error: Exception) -> Response:
    """The page of an error we raised ourselves."""
    if isinstance(error, ActingEnded):
        return (await visit(request)).redirect("/borger/hvem")
    kind, status = next(((kind, status) for cls, kind, status in PAGES if isinstance(error, cls)), ("broken", 500))
    return await error_page(request, kind, status)


async def proof_needed(request: Request, _error: Exception) -> Response:
    """On to the page where people prove again who they are; what they wrote waits in the session."""
    return (await visit(request)).redirect("/bekraeft")


async def place_needed(request: Request, _error: Exception) -> Response:
    """On to the page where people choose from which of their places they look."""
    return (await visit(request)).redirect(PLACE)


async def http_error(request: Request, error: Exception) -> Response:
    """No such page, or not in that way."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await error_page(request, "missing" if status in (404, 405) else "form", status)


async def unforeseen(request: Request, error: Exception) -> Response:
    """A fault of ours. The log gets the kind of error; the reader gets its number."""
    response = await error_page(request, "broken", 500, type(error).__name__)
    response.headers.update({**HEADERS, "Cache-Control": "no-store"})
    return response


async def error_page(request: Request, kind: str, status: int, cause: str = "") -> Response:
    """One of the error pages."""
    number = uuid4().hex[:12]
    if status >= 500:
        _log.error("page failed", error_id=number, cause=cause or kind)
    visitor = await visit(request)
    response = visitor.page("error.html", status=status, kind=kind, number=number if status >= 500 else "")
    if status == 503:
        response.headers["Retry-After"] = "5"
    elif status == 429:
        response.headers["Retry-After"] = "60"
    return response


HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    StepUpNeeded: proof_needed,
    PlaceNotChosen: place_needed,
    HelhedError: known_error,
    HTTPException: http_error,
    Exception: unforeseen,
}
