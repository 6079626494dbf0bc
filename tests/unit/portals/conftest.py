"""A portal on an in-memory network, and somebody to click in it."""

import asyncio
import html
import re

import httpx
import pytest

from helhed.portals import build_portal_app
from tests.unit.portals.fakes import FakeNetwork
from tests.unit.portals.people import lung_network


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.cookies = httpx.Cookies()
        self.app = build_portal_app(network.ports())
        self.page = ""
        self.status = 0
        self.address = ""
        self.headers = httpx.Headers()
        self.chain: list[httpx.Response] = []

    def get(self, address: str, **headers: str) -> str:
        """Follow an address; returns the page."""
        return self._send("GET", address, headers=headers)

    def post(self, address: str, headers: dict[str, str] | None = None, **fields: str) -> str:
        """Send a form with the hidden token of the page last seen."""
        token = re.search(r'name="csrf" value="([^"]*)"', self.page)
        return self._send("POST", address, data={"csrf": token.group(1) if token else "", **fields}, headers=headers)

    def send(self, method: str, address: str, content: bytes, kind: str) -> str:
        """Send anything at all."""
        return self._send(method, address, content=content, headers={"content-type": kind})

    def _send(self, method: str, address: str, **more: object) -> str:
        return asyncio.run(self._sent(method, address, **more))

    async def _sent(self, method: str, address: str, **more: object) -> str:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies=self.cookies, follow_redirects=True
        ) as client:
            answer = await client.request(method, address, **more)  # type: ignore[arg-type]
            self.cookies = client.cookies
        self.page, self.status, self.address = answer.text, answer.status_code, str(answer.url)
        self.headers, self.chain = answer.headers, [*answer.history, answer]
        return self.page

    def log_in(self, handle: str) -> str:
        """Become somebody, as a provider vouches."""
        self.get("/log-ind/anybody")
        return self.get(f"/log-ind/anybody/retur?person={handle}")

    def log_in_as_citizen(self, key: int) -> str:
        """Become a citizen who is not shown by name."""
        self.network.vouched["citizen"] = key
        return self.log_in("citizen")

    def open_patient(self, written: str) -> str:
        """Find a patient as staff."""
        self.get("/hospital")
        return self.post("/hospital/find", patient=written)

    @property
    def text(self) -> str:
        """What a reader reads."""
        without = re.sub(r"<(script|style|svg).*?</\1>", " ", self.page, flags=re.S)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


@pytest.fixture
def network() -> FakeNetwork:
    """A lung patient's network."""
    return lung_network()


@pytest.fixture
def visitor(network: FakeNetwork) -> Visitor:
    """Somebody new at the front page."""
    return Visitor(network)
