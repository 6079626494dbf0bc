"""The pages over a real store: browsers of people who are logged in, and a clock that tests set."""

import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.portals.sessions import Principal, key_of_cookie, new_token, start
from helhed.trust.acting.rights import ActingForOthers
from tests.support.pages import ports_of
from tests.support.world import NOW, World


class Browser:
    """Somebody with a session, without JavaScript."""

    def __init__(self, doors: "Doors", cookie: str) -> None:
        self._doors = doors
        self._cookies = httpx.Cookies({"helhed": cookie})
        self.page = ""
        self.status = 0
        self.address = ""

    async def get(self, address: str) -> "Browser":
        """Follow an address."""
        return await self._send("GET", address)

    async def post(self, address: str, **fields: str) -> "Browser":
        """Send a form with the token of the page last seen; a hyphen in a name is written as two underscores."""
        token = re.search(r'name="csrf" value="([^"]*)"', self.page)
        named = {name.replace("__", "-"): value for name, value in fields.items()}
        return await self._send("POST", address, data={"csrf": token.group(1) if token else "", **named})

    async def _send(self, method: str, address: str, **more: Any) -> "Browser":
        transport = httpx.ASGITransport(self._doors.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies=self._cookies, follow_redirects=True
        ) as client:
            answer = await client.request(method, address, **more)
        self.page, self.status, self.address = answer.text, answer.status_code, answer.url.path
        return self

    def value(self, name: str) -> str:
        """The first value of a hidden or chosen field of this name."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"no field {name} on {self.address}"
        return found.group(1)

    @property
    def text(self) -> str:
        """What a reader reads."""
        without = re.sub(r"<(script|style|svg|head).*?</\1>", " ", self.page, flags=re.S)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


@dataclass
class Doors:
    """All pages over one world."""

    world: World
    now: datetime = NOW
    app: Any = None
    ports: Any = None
    acting: Any = None
    keeper_place: UUID | None = None
    names: dict[UUID, str] = field(default_factory=dict)
    numbers: dict[UUID, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = ports_of(self.world, lambda: self.now, demo=True)
        self.app = build_portal_app(self.ports)
        self.acting = ActingForOthers(self.world.store.pool)

    async def browser(self, principal: Principal) -> Browser:
        """A browser with a session of this person."""
        cookie = new_token()
        await self.ports.sessions.put(key_of_cookie(cookie), start(principal, self.now))
        return Browser(self, cookie)

    async def citizen(self, patient: UUID) -> Browser:
        """A citizen's browser."""
        return await self.browser(Principal(ActorKind.CITIZEN, key_of(patient), self.names.get(patient, "Ane Test")))

    async def professional(self, practitioner: UUID, place: UUID, role: str = "doctor") -> Browser:
        """A professional's browser."""
        return await self.browser(
            Principal(ActorKind.PROFESSIONAL, key_of(practitioner), "Behandler", key_of(place), "Stedet", role)
        )

    async def person(self, place: UUID, name: str, born: str) -> UUID:
        """A citizen with a name, a date of birth, and a CPR number of their own."""
        number = f"{born[8:10]}{born[5:7]}{born[2:4]}{9000 + len(self.numbers)}"
        given, _, family = name.rpartition(" ")
        patient = await self.world.patient(
            place, family, name=[{"family": family, "given": given.split()}], birthDate=born,
            identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": number}],
        )  # fmt: skip
        self.names[patient], self.numbers[patient] = name, number
        return patient

    async def keeper(self) -> Ask:
        """The custodian of a keeper of the directory."""
        if self.keeper_place is None:
            self.keeper_place = await self.world.organisation("CPR")
            await self.world.owner.execute("insert into registries.keeper values ($1)", key_of(self.keeper_place))
        return self.world.system(self.keeper_place)

    async def log_of(self, patient: UUID) -> list[Any]:
        """The citizen's log, oldest first."""
        return await self.world.log(patient)
