"""The pages over the real rooms of an open world, and somebody who clicks in them without JavaScript."""

import html
import re
from datetime import datetime

import httpx
from starlette.applications import Starlette

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.clock import Clock
from helhed.foundation.seal import Seal
from helhed.portals import build_portal_app
from helhed.portals.ports import Ports
from helhed.portals.rooms import portal_ports
from helhed.portals.sessions import Principal, key_of_cookie, start
from helhed.trust.identity.server import AuthorisationServer
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.lookups.in_memory import LookupsInMemory
from tests.support.identity import identity_of
from tests.support.world import NOW, SECRET, World

_COOKIE = "helhed"


def ports_of(world: World, clock: Clock, server: AuthorisationServer | None = None, *, demo: bool = False) -> Ports:
    """The rooms of a world, as the pages have them."""
    return portal_ports(
        world.store, clock, LookupsInMemory(), Seal("sessions", [SECRET]), server or identity_of(world, clock), Pseudonyms(SECRET),
        demo=demo, secure_cookies=False, version="0", data_dir=world.data_dir,
    )  # fmt: skip


class Pages:
    """The portal of a world, with a clock that the test sets."""

    def __init__(self, world: World, server: AuthorisationServer | None = None) -> None:
        self.now: datetime = NOW
        self.ports: Ports = ports_of(world, lambda: self.now, server)
        self.app: Starlette = build_portal_app(self.ports)
        self._count = 0

    async def person(self, ask: Ask | None, name: str = "Prøve Test") -> "Clicker":
        """Somebody logged in as the asker of ``ask``; nobody when there is none."""
        if ask is None:
            return Clicker(self.app, "", "")
        self._count += 1
        cookie = f"cookie-{self._count}"
        place = "" if ask.kind is ActorKind.CITIZEN else "Afdelingen"
        session = start(Principal(ask.kind, ask.actor, name, ask.organisation, place, ask.role), self.now)
        await self.ports.sessions.put(key_of_cookie(cookie), session)
        return Clicker(self.app, cookie, session.csrf)


class Clicker:
    """A browser without JavaScript and somebody in front of it."""

    def __init__(self, app: Starlette, cookie: str, csrf: str) -> None:
        self._app, self._cookie, self._csrf = app, cookie, csrf
        self.page, self.status, self.address, self.location = "", 0, "", ""
        self.headers = httpx.Headers()

    async def get(self, address: str) -> str:
        """Follow an address; returns the page."""
        return await self.ask("GET", address)

    async def post(self, address: str, **fields: str) -> str:
        """Send a form of ours."""
        return await self.ask("POST", address, fields)

    async def ask(self, method: str, address: str, fields: dict[str, str] | None = None, *, follow: bool = True) -> str:
        """Ask for anything; the answer stands in ``status``, ``page`` and ``address``."""
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        data = None if method == "GET" else {"csrf": self._csrf, **(fields or {})}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies={_COOKIE: self._cookie}, follow_redirects=follow
        ) as client:
            answer = await client.request(method, address, data=data)
        self.page, self.status, self.address = answer.text, answer.status_code, str(answer.url)
        self.location, self.headers = answer.headers.get("location", ""), answer.headers
        return self.page

    @property
    def text(self) -> str:
        """What a reader reads."""
        return words_of(self.page)

    def field(self, name: str) -> str:
        """The value of the first hidden field of that name."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"no field {name}"
        return html.unescape(found.group(1))


def words_of(page: str) -> str:
    """The words of a page, unfolded or not."""
    without = re.sub(r"<(script|style|svg).*?</\1>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())
