"""An app asks for access, somebody answers; and the page where they see, and end, what apps have."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import Unknown
from helhed.portals.authentication import Authentication, authentication_of, login_address
from helhed.portals.context import LoginNeeded, Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports.apps import CONSENT_PAGE, HANDLE, AppNotKnown, AppRequest
from helhed.portals.presenters.apps import permissions_of
from helhed.portals.sessions import Opened, Session

AUTHORISE = "/oauth/authorize"
_MINE = {ActorKind.CITIZEN: "/borger/apps", ActorKind.PROFESSIONAL: "/hospital/apps"}
_CHOSEN = "lov"  #: name of each ticked box, with its number behind it


async def authorise(request: Request) -> Response:
    """The authorisation endpoint (OAuth 2.1, section 3.1). What it is brought is kept, so that no reload asks twice."""
    visitor = await visit(request)
    session = visitor.session
    login = authentication_of(session) if session else None
    try:
        onward = await visitor.ports.apps.begin(request.query_params.multi_items(), login)
    except AppNotKnown as error:
        return visitor.page("app_not_known.html", status=400, why=str(error))
    return visitor.redirect(onward)


async def consent(request: Request) -> Response:
    """Who asks for what, for how long; and what of it may be given."""
    visitor = await visit(request)
    handle = request.query_params.get(HANDLE, "")
    if visitor.session is None:
        return visitor.redirect(login_address(_page_of(handle)))
    ask = _ask(visitor)
    await visitor.require_fresh("app")
    asked = await visitor.ports.apps.request(ask, handle, _login(visitor))
    if not asked.log_in_holds:
        return visitor.redirect(login_address(_page_of(handle)))
    if asked.broken:
        return visitor.redirect(await visitor.ports.apps.refuse(handle, broken=True))
    request.state.form_target = asked.goes_to  # the answer is a form of ours that is sent on to the app
    return _consent_page(visitor, asked)


def _consent_page(visitor: Visit, asked: AppRequest, problem: str = "") -> Response:
    session = _session(visitor)
    return visitor.page(
        "app_consent.html",
        status=422 if problem else 200,
        asked=asked,
        permissions=permissions_of(asked.scopes, visitor.words),
        citizen=session.principal.kind is ActorKind.CITIZEN,
        opened=list(session.opened.items()),
        launched=next((one for one in session.opened.values() if one.patient == asked.patient), None),
        days=asked.lasts.days,
        hours=int(asked.lasts.total_seconds() // 3600),
        problem=problem,
        mine=_MINE.get(session.principal.kind, "/"),
        consent_page=CONSENT_PAGE,
        handle_name=HANDLE,
        chosen_name=_CHOSEN,
    )


async def answer(request: Request) -> Response:
    """Yes, to what is ticked, or no."""
    visitor = await visit(request)
    fields = await visitor.form()
    session = _session(visitor)
    handle = fields.get(HANDLE, "")
    if fields.get("svar") != "ja":
        return visitor.redirect(await visitor.ports.apps.refuse(handle))
    ask, login = _ask(visitor), _login(visitor)
    if not session.is_fresh("app", visitor.now):
        return visitor.redirect(
            _page_of(handle)
        )  # which asks who it is; this form is not kept, as its answer leaves us
    asked = await visitor.ports.apps.request(ask, handle, login)
    if not asked.log_in_holds:
        return visitor.redirect(login_address(_page_of(handle)))
    request.state.form_target = asked.goes_to
    chosen = [scope for name, value in fields.items() if name.startswith(_CHOSEN) for scope in value.split()]
    patient = session.opened.get(fields.get("patient", ""))
    if asked.wants_patient and asked.patient is None and patient is None:
        return _consent_page(visitor, asked, "apps.choose_patient")
    if not chosen and not asked.tells_who:
        return _consent_page(visitor, asked, "apps.choose_something")
    return visitor.redirect(
        await visitor.ports.apps.allow(ask, handle, chosen, login, patient.patient if patient else None)
    )


async def mine(request: Request) -> Response:
    """Apps with access: to what, since when, until when."""
    visitor = await visit(request)
    ask = _at_own_door(visitor)
    apps = await visitor.ports.apps.in_use(ask)
    return visitor.page(
        "apps_citizen.html" if ask.kind is ActorKind.CITIZEN else "apps_hospital.html",
        apps=[(one, permissions_of(one.scopes, visitor.words)) for one in apps],
        notice=await visitor.heard(),
        here=visitor.request.url.path,
    )


async def end(request: Request) -> Response:
    """This app no longer."""
    visitor = await visit(request)
    fields = await visitor.form()
    ask = _at_own_door(visitor)
    wanted = id_in(fields, "app")
    if not await visitor.ports.apps.end(ask, wanted):
        raise Unknown
    await visitor.say("apps.ended")
    return visitor.redirect(visitor.request.url.path)


async def openable(request: Request) -> Response:
    """The apps that can be opened with this patient."""
    visitor = await visit(request)
    visitor.professional()
    handle, patient = _patient(visitor)
    apps = await visitor.ports.apps.openable(_ask(visitor))
    request.state.form_target = " ".join(
        sorted({one.goes_to for one in apps})
    )  # a press sends the browser on to one of them
    return visitor.page("hospital_apps.html", handle=handle, patient=patient, apps=apps, bases=())


async def launch(request: Request) -> Response:
    """On to an app, with a handle by which it asks to be opened with this patient; for this professional, once."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    _, patient = _patient(visitor)
    address = await visitor.ports.apps.launch(_ask(visitor), fields.get("app", ""), patient.patient)
    return visitor.redirect(address)


def _patient(visitor: Visit) -> tuple[str, Opened]:
    """The patient whom this session opened. Unknown for any other handle."""
    handle = visitor.request.path_params["handle"]
    found = _session(visitor).opened.get(handle)
    if found is None:
        raise Unknown
    return handle, found


def _page_of(handle: str) -> str:
    return f"{CONSENT_PAGE}?{urlencode({HANDLE: handle})}"


def _session(visitor: Visit) -> Session:
    if visitor.session is None:
        raise LoginNeeded
    return visitor.session


def _login(visitor: Visit) -> Authentication:
    return authentication_of(_session(visitor))


def _ask(visitor: Visit) -> Ask:
    if visitor.principal.kind is not ActorKind.CITIZEN:
        return visitor.ask(Purpose.TREATMENT)
    visitor.citizen()  # an app is allowed in person, not on somebody's behalf
    return visitor.ask(Purpose.OWN)


def _at_own_door(visitor: Visit) -> Ask:
    """The ask of whoever stands at this door rightly. WrongDoor for others."""
    if visitor.request.url.path.startswith("/borger"):
        visitor.citizen()
    else:
        visitor.professional()
    return _ask(visitor)


ROUTES = [
    Route(AUTHORISE, authorise, methods=["GET"]),
    Route(CONSENT_PAGE, consent, methods=["GET"]),
    Route(CONSENT_PAGE, answer, methods=["POST"]),
    Route("/hospital/patient/{handle}/apps", openable, methods=["GET"]),
    Route("/hospital/patient/{handle}/apps", launch, methods=["POST"]),
    *(Route(path, mine, methods=["GET"]) for path in _MINE.values()),
    *(Route(path, end, methods=["POST"]) for path in _MINE.values()),
]
