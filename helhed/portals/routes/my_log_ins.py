"""Where somebody is logged in, ending the others, and the latest log-ins."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind
from helhed.foundation.errors import BadRequest
from helhed.portals.context import Visit, visit
from helhed.portals.http import form_of
from helhed.portals.sessions import Session

PATH = "/mine-log-ind"
_MOST_RECENT = 20
_LOGOUT_MINUTES = 10


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as its owner sees it."""

    handle: str
    device: str
    place: str
    started: datetime
    seen: datetime
    here: bool


async def mine(request: Request) -> Response:
    """Where am I logged in, and when did I log in?"""
    visitor = await visit(request)
    sessions = [_line(visitor, key, one) for key, one in await _living(visitor)]
    sessions.sort(key=lambda one: (not one.here, -one.seen.timestamp()))
    names = {one.key: one.name.get(visitor.words.language, one.key) for one in visitor.ports.log_ins.providers()}
    recent = await visitor.ports.log_ins.recent(visitor.ask_of(_session(visitor)), _MOST_RECENT)
    return visitor.page(
        "my_log_ins.html", sessions=sessions, recent=recent, names=names, notice=await visitor.heard(),
        jobs=_session(visitor).jobs, passkeys=visitor.principal.kind is ActorKind.PROFESSIONAL,
    )  # fmt: skip


async def end(request: Request) -> Response:
    """Ends one of one's other sessions, or all of them."""
    visitor = await visit(request)
    handle = (await visitor.form()).get("session", "")
    await visitor.require_fresh("sessions")
    for key, _ in await _living(visitor):
        if key != visitor.session_key and handle in ("alle", _handle(key)):
            await visitor.ports.sessions.drop(key)
    await visitor.say("mine.ended")
    return visitor.redirect(PATH)


async def logged_out_upstream(request: Request) -> Response:
    """A provider tells that somebody logged out there (OpenID Connect Back-Channel Logout 1.0): they are logged out here, too.

    It is a server that asks, by a token that the provider signed; there is no session and no form of ours.
    """
    visitor = await visit(request)
    token = (await form_of(request)).get("logout_token", "")
    ended = await visitor.ports.log_ins.ended(request.path_params["provider"], token)
    until = visitor.now + timedelta(minutes=_LOGOUT_MINUTES)
    if not await visitor.ports.once.put(f"logout {hashlib.sha256(token.encode()).hexdigest()}", b"", until):
        raise BadRequest("This logout token was used before.")
    await visitor.ports.sessions.drop_upstream(ended)
    return Response(status_code=200)


async def _living(visitor: Visit) -> list[tuple[str, Session]]:
    found = await visitor.ports.sessions.of(visitor.principal)
    return [(key, one) for key, one in found if one.lives(visitor.now)]


def _session(visitor: Visit) -> Session:
    _ = visitor.principal
    if visitor.session is None:
        raise AssertionError
    return visitor.session


def _line(visitor: Visit, key: str, one: Session) -> SessionLine:
    here = key == visitor.session_key
    return SessionLine(_handle(key), one.device, one.principal.organisation_name, one.started, one.seen, here)


def _handle(key: str) -> str:
    """What a page calls a session: it opens nothing."""
    return hashlib.sha256(b"session on a page " + key.encode()).hexdigest()[:24]


ROUTES = [
    Route(PATH, mine, methods=["GET"]),
    Route(f"{PATH}/slut", end, methods=["POST"]),
    Route("/log-ind/{provider}/log-ud", logged_out_upstream, methods=["POST"]),
]
