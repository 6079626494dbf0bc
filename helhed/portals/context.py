"""One request of a person: language, session, and the templates' surroundings."""

import hmac
from collections.abc import Mapping
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
from helhed.portals.http import form_of, same_origin, set_cookie
from helhed.portals.language import DEFAULT, LANGUAGES, Words
from helhed.portals.ports import Ports
from helhed.portals.sessions import TOUCH_EVERY, Principal, Session, key_of_cookie, new_token, start

OPERATOR = "operator"
LANGUAGE_COOKIE = "helhed-lang"
_YEAR = 365 * 24 * 3600


class LoginNeeded(HelhedError):
    """You are not logged in, or your session has ended."""

    code = "login"


class WrongDoor(HelhedError):
    """This page is for somebody else."""

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


def front_page_of(principal: Principal) -> str:
    """Where somebody begins."""
    if principal.kind is ActorKind.CITIZEN:
        return "/borger"
    return "/drift" if principal.role == OPERATOR else "/hospital"


class Visit:
    """One request and who is behind it. Made once for each request by ``visit``."""

    def __init__(self, request: Request, portal: Portal, session: Session | None, session_key: str | None) -> None:
        self.request = request
        self.portal = portal
        self.ports = portal.ports
        self.session = session
        self.session_key = session_key
        self.now: datetime = portal.ports.clock()
        self._cookies: list[tuple[str, str, int | None]] = []

    @cached_property
    def words(self) -> Words:
        """The language: asked for in the address, else chosen before, else Danish."""
        asked = self.request.query_params.get("lang", "")
        chosen = self.request.cookies.get(LANGUAGE_COOKIE, "")
        return Words(next((code for code in (asked, chosen) if code in LANGUAGES), DEFAULT))

    @property
    def principal(self) -> Principal:
        """Who is logged in. LoginNeeded when nobody is."""
        if self.session is None:
            raise LoginNeeded
        return self.session.principal

    def citizen(self) -> Principal:
        """The logged-in citizen. WrongDoor for staff."""
        if self.principal.kind is not ActorKind.CITIZEN:
            raise WrongDoor
        return self.principal

    def professional(self) -> Principal:
        """The logged-in professional. WrongDoor for citizens, and for those who keep the network running."""
        if self.principal.kind is not ActorKind.PROFESSIONAL or self.principal.role == OPERATOR:
            raise WrongDoor
        return self.principal

    def operator(self) -> Principal:
        """Who keeps the network running. WrongDoor for everybody else."""
        if self.principal.role != OPERATOR:
            raise WrongDoor
        return self.principal

    def ask(self, purpose: Purpose) -> Ask:
        """An ask of the logged-in person."""
        return self.ports.asks.ask(self.principal, purpose)

    async def form(self) -> dict[str, str]:
        """The form's fields, once it is certain that a page of ours sent it. ForgedForm else."""
        fields = await form_of(self.request)
        expected = self.session.csrf if self.session else ""
        if not same_origin(self.request) or not hmac.compare_digest(fields.get("csrf", "").encode(), expected.encode()):
            raise ForgedForm
        return fields

    async def log_in(self, principal: Principal) -> None:
        """A new session and a new cookie; what was before is ended."""
        await self.log_out()
        cookie = new_token()
        self.session = start(principal, self.now)
        self.session_key = key_of_cookie(cookie)
        await self.ports.sessions.put(self.session_key, self.session)
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
            await self.ports.sessions.put(self.session_key, session)

    async def count_lookup(self, wanted: str, *, by_address: bool = False) -> bool:
        """Counts that this visitor looks ``wanted`` up, slowing who does much of it; False when it is one too many."""
        if by_address:
            askers = [("address", self.request.client.host if self.request.client else "")]
        else:
            askers = [
                (self.principal.kind.name.lower(), str(self.principal.actor)),
                ("session", self.session_key or ""),
            ]
        verdicts = [self.ports.lookups.note(who, asker, wanted, self.now) for who, asker in askers]
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
            front=front_page_of(self.session.principal) if self.session else "/", version=self.ports.version, **content,
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
        return f"{path}?{urlencode([*kept, ('lang', other)])}"

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
    if now - session.seen > TOUCH_EVERY:
        session = replace(session, seen=now)
        await portal.ports.sessions.put(key, session)
    return session, key
