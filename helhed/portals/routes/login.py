"""Logging in by an identity provider, choosing where one works, and logging out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.errors import HelhedError, Unknown
from helhed.portals.authentication import BACK, own_address
from helhed.portals.context import LoginNeeded, Visit, visit
from helhed.portals.desks import front_page_of
from helhed.portals.ports.log_in import LogInBroken, Proven
from helhed.portals.routes.step_up import ONWARD
from helhed.portals.sessions import key_of_cookie, new_token

ATTEMPT_SECONDS = 600
PLACE = "/log-ind/sted"


class AnotherPerson(HelhedError):
    """Somebody else proved who they are than the one who is logged in."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Begun:
    """What is kept on the server while somebody is at the provider."""

    attempt: bytes
    onward: str = ""
    proves_again: bool = False


async def front_page(request: Request) -> Response:
    """Who vouches for you?"""
    visitor = await visit(request)
    providers = visitor.ports.log_ins.providers()
    onward = own_address(request.query_params.get(BACK, ""))
    return visitor.page(
        "login.html",
        citizens=[one for one in providers if one.for_citizens],
        staff=[one for one in providers if not one.for_citizens],
        passkeys=visitor.ports.passkeys.available,
        elsewhere=[one for one in await visitor.ports.personas.all() if one.principal is None],
        onward=onward,
        home=(onward or front_page_of(visitor.session.principal)) if visitor.session else "",
    )


async def begin(request: Request) -> Response:
    """Off to the provider. What has to match when the person comes back stays here, behind a cookie of this browser."""
    visitor = await visit(request)
    key, log_ins = request.path_params["provider"], visitor.ports.log_ins
    provider = next((one for one in log_ins.providers() if one.key == key), None)
    if provider is None:
        raise Unknown
    onward = own_address(request.query_params.get(BACK, ""))
    home = urlsplit(log_ins.base_url)
    if not provider.demo and request.headers.get("host", "") != home.netloc:  # the answer would come to another host
        return visitor.redirect(f"{log_ins.base_url}/log-ind/{key}")
    again = request.query_params.get("igen") == "1" and visitor.session is not None
    address, attempt = await log_ins.begin(key, proves_again=again)
    cookie = new_token()
    until = visitor.now + timedelta(seconds=ATTEMPT_SECONDS)
    await visitor.ports.once.put(_place(cookie), msgspec.json.encode(Begun(attempt, onward, again)), until)
    visitor.set_cookie(visitor.portal.attempt_cookie, cookie, ATTEMPT_SECONDS)
    return visitor.redirect(address)


async def come_back(request: Request) -> Response:
    """Back from the provider: somebody known begins a session, or proves again who they are."""
    visitor = await visit(request)
    key = request.path_params["provider"]
    begun = await kept_once(visitor, visitor.portal.attempt_cookie, _place)
    try:
        proven = await visitor.ports.log_ins.finish(key, begun.attempt, dict(request.query_params))
    except HelhedError:
        visitor.ports.log_ins.refused(key, request.client.host if request.client else "")
        raise
    if begun.proves_again:
        return await prove_again_by(visitor, proven)
    await visitor.log_in(proven.principals, proven.login, begun.onward)
    if len(proven.principals) > 1:
        return visitor.redirect(PLACE)
    return visitor.redirect(begun.onward or front_page_of(proven.principals[0]))


async def kept_once(visitor: Visit, name: str, place: Callable[[str], str]) -> Begun:
    """What was kept for this browser, once. LogInBroken when there is nothing."""
    cookie = visitor.request.cookies.get(name, "")
    kept = await visitor.ports.once.take(place(cookie), visitor.now) if cookie else None
    visitor.set_cookie(name, "", 0)
    if kept is None:
        raise LogInBroken
    return msgspec.json.decode(kept, type=Begun)


async def prove_again_by(visitor: Visit, proven: Proven) -> Response:
    """Whoever is logged in proved it again, and goes on. AnotherPerson when it was not them."""
    if visitor.session is None:
        raise LoginNeeded
    if not any(one.is_same_person(visitor.session.principal) for one in proven.principals):
        ask = visitor.ask_of(visitor.session)
        await visitor.ports.log_ins.note(ask, proven.login, visitor.session.device, "another")
        raise AnotherPerson
    await visitor.prove_again(proven.login)
    return visitor.redirect(ONWARD)


async def places(request: Request) -> Response:
    """From which of your places do you look?"""
    visitor = await visit(request)
    if visitor.session is None:
        raise LoginNeeded
    if not visitor.session.jobs:
        return visitor.redirect(front_page_of(visitor.session.principal))
    return visitor.page("choose_place.html", jobs=visitor.session.jobs)


async def choose_place(request: Request) -> Response:
    """From here on from this place, in this role."""
    visitor = await visit(request)
    fields = await visitor.form()
    session = visitor.session
    if session is None:
        raise LoginNeeded
    number = fields.get("sted", "")
    if not number.isdecimal() or int(number[:4]) >= len(session.jobs):
        raise Unknown
    job = session.jobs[int(number[:4])]
    if not await visitor.ports.log_ins.works(job, visitor.now):
        raise Unknown
    await visitor.choose(job)
    return visitor.redirect(session.onward or front_page_of(job))


async def log_out(request: Request) -> Response:
    """End the session here, and offer to end it at the provider."""
    visitor = await visit(request)
    login = visitor.session.login if visitor.session else None
    if visitor.session is not None:
        await visitor.form()
        await visitor.log_out()
    farewell = await visitor.ports.log_ins.farewell(login) if login else None
    if farewell is None:
        return visitor.redirect("/")
    where = urlsplit(farewell.place)
    request.state.form_target = (
        f"{where.scheme}://{where.netloc}"  # what proves the log-in goes in a form, never in an address
    )
    return visitor.page("logged_out.html", farewell=farewell)


async def farewell(request: Request) -> Response:
    """Back from logging out at the provider."""
    return (await visit(request)).page("logged_out.html", farewell=None)


def _place(cookie: str) -> str:
    return f"log-in {key_of_cookie(cookie)}"


ROUTES = [
    Route("/", front_page, methods=["GET"]),
    Route("/log-ind", front_page, methods=["GET"]),
    Route("/log-ud", log_out, methods=["POST"]),
    Route("/log-ind/farvel", farewell, methods=["GET"]),
    Route(PLACE, places, methods=["GET"]),
    Route(PLACE, choose_place, methods=["POST"]),
    Route("/log-ind/{provider}", begin, methods=["GET"]),
    Route("/log-ind/{provider}/retur", come_back, methods=["GET"]),
]
