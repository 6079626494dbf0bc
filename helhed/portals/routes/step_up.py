"""Proving again who one is, before an act that opens records; then back to where one was, with what one wrote."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind
from helhed.portals.context import LoginNeeded, Visit, visit
from helhed.portals.desks import front_page_of
from helhed.portals.sessions import Interrupted, Session

PATH, ONWARD = "/bekraeft", "/bekraeft/videre"


async def ask_for_proof(request: Request) -> Response:
    """Why it is asked, and the ways to do it."""
    visitor = await visit(request)
    session, interrupted = _interrupted(visitor)
    if interrupted is None:
        return visitor.redirect(front_page_of(session.principal))
    citizens = session.principal.kind is ActorKind.CITIZEN
    providers = [one for one in visitor.ports.log_ins.providers() if one.for_citizens is citizens]
    used = session.login.provider if session.login else ""
    providers.sort(key=lambda one: one.key != used)  # the one they came by first
    return visitor.page(
        "step_up.html",
        interrupted=interrupted,
        proven=False,
        providers=providers,
        passkeys=visitor.ports.passkeys.available and not citizens,
    )


async def go_on(request: Request) -> Response:
    """Back to the page, or the form to send once more, with what was written in it."""
    visitor = await visit(request)
    session, interrupted = _interrupted(visitor)
    if interrupted is None:
        return visitor.redirect(front_page_of(session.principal))
    if not session.is_fresh(interrupted.purpose, visitor.now):
        return visitor.redirect(PATH)
    if interrupted.fields is None:
        await visitor.keep(replace(session, interrupted=None))
        return visitor.redirect(interrupted.address)
    return visitor.page("step_up.html", interrupted=interrupted, proven=True, providers=[], passkeys=False)


def _interrupted(visitor: Visit) -> tuple[Session, Interrupted | None]:
    if visitor.session is None:
        raise LoginNeeded
    return visitor.session, visitor.session.interrupted


ROUTES = [
    Route(PATH, ask_for_proof, methods=["GET"]),
    Route(ONWARD, go_on, methods=["GET"]),
]
