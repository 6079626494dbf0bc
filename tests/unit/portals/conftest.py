"""A portal on an in-memory network, and somebody to click in it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from fakes import FakeNetwork  # noqa: E402
from people import lung_network  # noqa: E402

from helhed.portals import build_portal_app  # noqa: E402


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.client = TestClient(build_portal_app(network.ports()), base_url="http://localhost")
        self.page = ""
        self.status = 0
        self.address = ""

    def get(self, address: str) -> str:
        """Follow an address; returns the page."""
        return self._keep(self.client.get(address))

    def post(self, address: str, **fields: str) -> str:
        """Send a form of the page last seen, with its hidden token."""
        token = re.search(r'name="csrf" value="([^"]*)"', self.page)
        return self._keep(self.client.post(address, data={"csrf": token.group(1) if token else "", **fields}))

    def _keep(self, answer: object) -> str:
        self.page, self.status, self.address = answer.text, answer.status_code, str(answer.url)  # type: ignore[attr-defined]
        self.answer = answer
        return self.page

    def log_in(self, handle: str) -> str:
        """Become a persona."""
        self.get("/")
        return self.post("/log-ind", person=handle)

    def open_patient(self, written: str) -> str:
        """Find a patient as staff."""
        self.get("/hospital")
        return self.post("/hospital/find", patient=written)


@pytest.fixture
def network() -> FakeNetwork:
    """A lung patient's network."""
    return lung_network()


@pytest.fixture
def visitor(network: FakeNetwork) -> Iterator[Visitor]:
    """Somebody new at the front page."""
    found = Visitor(network)
    with found.client:
        yield found
