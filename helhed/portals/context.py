"""One request of a person: language, session, and the templates' surroundings."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import scrub
from helhed.portals.desks import OPERATOR, SECURITY, apps_page_of, desk_of, front_page_of, gives_numbers
from helhed.portals.http import device_of, form_of, same_origin, set_cookie
from helhed.portals.language import DEFAULT, LANGUAGES, Words
from helhed.portals.ports import Ports, Subject
from helhed.portals.presenters.acting import banner
from helhed.portals.sessions import (
    TOUCH_EVERY,
    Interrupted,
    LogIn,
    Principal,
    Session,
    key_of_cookie,
    new_token,
    start,
)
from helhed.trust.acting.mandates import ActsFor

LANGUAGE_COOKIE = "helhed-lang"
_YEAR = 365 * 24 * 3600


class LoginNeeded(HelhedError):
    """You are not logged in, or your session has ended."""

    code = "login"


class EmploymentEnded(LoginNeeded):
    """Your work there has ended, and with it your log-in."""


class PlaceNotChosen(HelhedError):
    """You work in several places: choose from which one you look."""

    code = "login"


class WrongDoor(HelhedError):
    """This page is for somebody else."""

    code = "forbidden"


class StepUpNeeded(HelhedError):
    """You must prove again who you are before this."""

    code = "login"


class InPersonOnly(HelhedError):
    """This page is about yourself, and you are here on behalf of somebody else."""

    code = "forbidden"


class ActingEnded(HelhedError):
    """You no longer act for the person on whose behalf you were here."""

    code = "forbidden"


class ForgedForm(HelhedError):
    """The form did not come from a page of ours, or the page was too old."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Portal:
    """What the app keeps for all requests."""

    ports: Ports
    templates: jinja2.Environment
    assets: Mapping[str, str]  #: address of each static file by its path, with its version

    @property
    def cookie(self) -> str:
        """Name of the session cookie; browsers hold __Host- cookies to https and this host."""
        return "__Host-helhed" if self.ports.secure_cookies else "helhed"

    @property
    def attempt_cookie(self) -> str:
        """Name of the cookie of a log-in that was begun: it comes back from another site, and only from there."""
        return f"{self.cookie}-log-ind"


class Visit:
    """One request and who is behind it. Made once for each request by ``visit``."""

    def __init__(self, request: Request, portal: Portal, session: Session | None, session_key: str | None) -> None:
        self.request = request
        self.portal = portal
        self.ports = portal.ports
        self.session = session
        self.session_key = session_key
        self.now: datetime = portal.ports.clock()
        self.acts: tuple[ActsFor, ...] = ()  #: by what the page is somebody else's, once ``subject`` has asked
        self._cookies: list[tuple[str, str, int | None]] = []
        self._fields: dict[str, str] | None = None

    @cached_property
    def words(self) -> Words:
        """The language: asked for in the address, else chosen before, else Danish."""
        asked = self.request.query_params.get("lang", "")
        chosen = self.request.cookies.get(LANGUAGE_COOKIE, "")
        return Words(next((code for code in (asked, chosen) if code in LANGUAGES), DEFAULT))

    @property
    def principal(self) -> Principal:
        """Who is logged in. LoginNeeded when nobody is, EmploymentEnded when they no longer work there."""
        if self.session is None:
            raise EmploymentEnded if getattr(self.request.state, "ended", False) else LoginNeeded
        if self.session.choosing:
            raise PlaceNotChosen
        return self.session.principal

    def citizen(self) -> Principal:
        """The logged-in citizen, on their own behalf. WrongDoor for staff, InPersonOnly for who is here for somebody else."""
        who = self.some_citizen()
        if self.session is not None and self.session.behalf is not None:
            raise InPersonOnly
        return who

    def some_citizen(self) -> Principal:
        """The logged-in citizen, on whosever behalf. WrongDoor for staff."""
        if self.principal.kind is not ActorKind.CITIZEN:
            raise WrongDoor
        return self.principal

    async def subject(self) -> Subject:
        """Whom the citizen's pages are about: oneself, or the one acted for. ActingEnded when that is over by now."""
        who = self.some_citizen()
        behalf = self.session.behalf if self.session else None
        if self.session is None or behalf is None:
            return Subject(who.actor, who.name)
        held = [one for one in await self.ports.acting.acts_for(self.ask(Purpose.OWN)) if one.citizen == behalf.citizen]
        if not held:
            over = replace(self.session, behalf=None, chosen=False, notice="acting.over", interrupted=None)
            await self.keep(over)
            raise ActingEnded
        self.acts = tuple(held)
        return Subject(behalf.citizen, held[0].name, self.acts)

    def professional(self) -> Principal:
        """The logged-in professional. WrongDoor for citizens, and for those who keep the network running and safe."""
        if self.principal.kind is not ActorKind.PROFESSIONAL or self.principal.role in {OPERATOR, SECURITY}:
            raise WrongDoor
        return self.principal

    def staff(self) -> Principal:
        """The logged-in professional, whatever they do. WrongDoor for citizens."""
        if self.principal.kind is not ActorKind.PROFESSIONAL:
            raise WrongDoor
        return self.principal

    def operator(self) -> Principal:
        """Who keeps the network running. WrongDoor for everybody else."""
        if self.principal.role != OPERATOR:
            raise WrongDoor
        return self.principal

    def security(self) -> Principal:
        """Who watches over the network, or over an organisation. WrongDoor for everybody else."""
        if self.principal.kind is not ActorKind.PROFESSIONAL or self.principal.role != SECURITY:
            raise WrongDoor
        return self.principal

    def ask(self, purpose: Purpose) -> Ask:
        """An ask of the logged-in person."""
        return self.ports.asks.ask(self.principal, purpose)

    async def form(self) -> dict[str, str]:
        """The form's fields, once it is certain that a page of ours sent it. ForgedForm else."""
        fields = await form_of(self.request)
        if self.session_key is not None:  # a form may take its time: whoever logged out meanwhile is gone
            self.session, self.session_key = await _session(self.request, self.portal)
        expected = self.session.csrf if self.session else ""
        if not same_origin(self.request) or not hmac.compare_digest(fields.get("csrf", "").encode(), expected.encode()):
            raise ForgedForm
        self._fields = {name: value for name, value in fields.items() if name != "csrf"}
        return fields

    async def require_fresh(self, purpose: str, *, excused: bool = False) -> None:
        """Goes on when the person lately proved who they are (``trust/policy/sessions.json`` says how lately for a purpose).

        Else raises StepUpNeeded, which asks them to and brings them back to this page, or to this form with what they
        wrote in it. Call it after ``form()``, before anything is changed. ``excused`` is for acute wards, where seconds count.
        """
        session = self.session
        if session is None:
            raise LoginNeeded
        if excused or session.is_fresh(purpose, self.now):
            return
        path = "/" + self.request.url.path.lstrip("/\\")
        query = f"?{self.request.url.query}" if self.request.url.query else ""
        await self.keep(replace(session, interrupted=Interrupted(purpose, path + query, self._fields)))
        raise StepUpNeeded

    async def log_in(self, principals: Sequence[Principal], login: LogIn, onward: str = "") -> None:
        """A new session and a new cookie; what was before is ended. Who may be several has to choose before anything opens."""
        await self.log_out()
        session = start(principals[0], self.now, login, device_of(self.request))
        several = len(principals) > 1
        jobs = tuple(principals) if several else ()
        await self._begin(replace(session, jobs=jobs, choosing=several, onward=onward))
        if not several:
            await self.note_log_in()

    async def choose(self, job: Principal) -> None:
        """Goes on from this place, under a new cookie. What was opened from another one is closed."""
        session = self.session
        if session is None:
            raise LoginNeeded
        await self.log_out()
        changed = replace(session, principal=job, choosing=False, csrf=new_token(), opened={}, interrupted=None)
        await self._begin(replace(changed, onward=""))
        await self.note_log_in()

    async def note_log_in(self) -> None:
        """Keeps for the person, and counts, that they logged in."""
        if self.session is not None and self.session.login is not None:
            await self.ports.log_ins.note(self.ask_of(self.session), self.session.login, self.session.device)

    def ask_of(self, session: Session) -> Ask:
        """An ask about oneself, also before a place is chosen."""
        return self.ports.asks.ask(session.principal, Purpose.OWN)

    async def prove_again(self, login: LogIn) -> None:
        """The same session under a new cookie, for the person who is logged in and just proved it."""
        session = self.session
        if session is None:
            raise LoginNeeded
        await self.log_out()
        await self._begin(replace(session, csrf=new_token(), seen=self.now, login=login))

    async def _begin(self, session: Session) -> None:
        cookie = new_token()
        self.session, self.session_key = session, key_of_cookie(cookie)
        await self.ports.sessions.put(self.session_key, session)
        self._cookies.append((self.portal.cookie, cookie, None))

    async def log_out(self) -> None:
        """Ends the session."""
        if self.session_key is not None:
            await self.ports.sessions.drop(self.session_key)
            self._cookies.append((self.portal.cookie, "", 0))
        self.session = self.session_key = None

    async def keep(self, session: Session) -> None:
        """Stores a changed session."""
        if self.session_key is not None:
            self.session = session
            await self.ports.sessions.change(self.session_key, session)

    async def count_lookup(self, wanted: str, *, by_address: bool = False) -> bool:
        """Counts that this visitor looks ``wanted`` up, slowing who does much of it; False when it is one too many."""
        if by_address:
            askers = [("address", self.request.client.host if self.request.client else "")]
        else:
            askers = [
                (self.principal.kind.name.lower(), str(self.principal.actor)),
                ("session", self.session_key or ""),
            ]
        verdicts = [await self.ports.lookups.note(who, asker, [wanted], self.now) for who, asker in askers]
        pause = max(verdict.pause for verdict in verdicts)
        if pause:
            await self.ports.pause(pause)
        return not any(verdict.refused for verdict in verdicts)

    async def say(self, message: str) -> None:
        """A message for the next page."""
        if self.session is not None:
            await self.keep(replace(self.session, notice=message))

    async def heard(self) -> str:
        """The message for this page, shown once."""
        notice = self.session.notice if self.session else ""
        if self.session is not None and notice:
            await self.keep(replace(self.session, notice=""))
        return notice

    def page(self, template: str, *, status: int = 200, **content: Any) -> Response:
        """A rendered page."""
        html = self.portal.templates.get_template(template).render(
            t=self.words, lang=self.words.language, session=self.session, now=self.now, path=self.request.url.path,
            asset=self.portal.assets, other_language=self._other_language(),
            front=front_page_of(self.session.principal) if self.session else "/",
            may_issue=gives_numbers(self.session.principal) if self.session else False,
            desk_menu=desk_of(self.session.principal) if self.session else (),
            apps_page=apps_page_of(self.session.principal) if self.session and self.session.behalf is None else "", version=self.ports.version,
            acts=banner(self.acts, self.words), demo=any(one.demo for one in self.ports.log_ins.providers()), **content,
        )  # fmt: skip
        return self._finish(HTMLResponse(html, status))

    def redirect(self, address: str) -> Response:
        """Somewhere else, by GET."""
        return self._finish(RedirectResponse(address, 303))

    def _other_language(self) -> str:
        """The address of this page in the other language, keeping its filters."""
        other = "en" if self.words.language == "da" else "da"
        kept = [(k, v) for k, v in self.request.query_params.multi_items() if k != "lang"]
        # one slash: a browser takes //name for another host
        path = "/" + self.request.url.path.lstrip("/\\") if self.request.method == "GET" else "/"
        address = f"{path}?{urlencode([*kept, ('lang', other)])}"
        return address if scrub(address) == address else f"/?lang={other}"  # somebody typed a number there

    def set_cookie(self, name: str, value: str, seconds: int | None) -> None:
        """A cookie with the answer; 0 seconds take it away."""
        self._cookies.append((name, value, seconds))

    def _finish(self, response: Response) -> Response:
        secure = self.ports.secure_cookies
        if self.request.query_params.get("lang") in LANGUAGES:
            set_cookie(response, LANGUAGE_COOKIE, self.words.language, secure=secure, max_age=_YEAR)
        for name, value, max_age in self._cookies:
            set_cookie(response, name, value, secure=secure, max_age=max_age)
        return response


async def visit(request: Request) -> Visit:
    """The visit behind a request, with its session if that still lives; kept on the request."""
    known = getattr(request.state, "visit", None)
    if isinstance(known, Visit):
        return known
    portal: Portal = request.app.state.portal
    made = Visit(request, portal, *await _session(request, portal))
    request.state.visit = made
    return made


async def _session(request: Request, portal: Portal) -> tuple[Session | None, str | None]:
    cookie = request.cookies.get(portal.cookie, "")
    if not cookie:
        return None, None
    key, now = key_of_cookie(cookie), portal.ports.clock()
    session = await portal.ports.sessions.get(key)
    if session is None:
        return None, None
    if not session.lives(now):
        await portal.ports.sessions.drop(key)
        return None, None
    if not await portal.ports.log_ins.works(session.principal, now):
        await portal.ports.sessions.drop(key)
        request.state.ended = True
        return None, None
    if now - session.seen > TOUCH_EVERY:
        session = replace(session, seen=now)
        await portal.ports.sessions.change(key, session)
    return session, key
