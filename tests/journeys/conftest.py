"""Journeys: a real browser on the real server, told in sentences."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.support.live import LiveServer
from tests.support.logging_in import CITIZENS

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 320, "height": 700}


def _program(playwright: Playwright) -> str | None:
    own = Path(playwright.chromium.executable_path)
    return next((found for name in _NAMES if (found := shutil.which(name))), str(own) if own.exists() else None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or Playwright's own; closed before other tests, which cannot run beside its event loop."""
    with sync_playwright() as playwright:
        program = _program(playwright)
        if program is None:
            pytest.skip("The journeys did not run: no Chromium here. On Debian: apt-get install chromium")
        opened = playwright.chromium.launch(executable_path=program, args=_QUIET)
        yield opened
        opened.close()


class Person:
    """Somebody with a browser of their own."""

    def __init__(
        self, browser: Browser, url: str, *, size: dict[str, int] | None = None, javascript: bool = True
    ) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(
            viewport=size or DESKTOP,  # type: ignore[arg-type]
            java_script_enabled=javascript,
            locale="da-DK",
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def goes_to(self, path: str) -> None:
        """An address of the network."""
        self.page.goto(self.url + path)

    def logs_in_as(self, handle: str) -> None:
        """By the front page and the demo's provider."""
        self.goes_to("/")
        door = "MitID (demo)" if handle in CITIZENS else "Medarbejder-log-in (demo)"
        self.page.get_by_role("link", name=re.compile(f"{re.escape(door)}$")).click()
        self.chooses(handle)

    def chooses(self, handle: str) -> None:
        """Who to be, at the demo's provider."""
        self.page.locator(f'form:has(input[name="person"][value="{handle}"]) button').click()
        self.page.wait_for_url(
            re.compile(
                "/(borger|borger/hvem|hospital|hospital/log|hjaelp|register|enheder/[0-9a-f-]+|bekraeft/videre)$"
            )
        )
        if self.page.url.endswith("/hvem"):  # who may act for others as well is asked; here they are themselves
            self.page.get_by_role("button", name=re.compile("^Mig selv")).click()
            self.page.wait_for_url(re.compile("/borger$"))

    def looks_up(self, number: str) -> None:
        """Finds a patient as staff."""
        self.goes_to("/hospital")
        self.page.get_by_label("CPR-nummer, erstatnings-CPR eller navn").fill(number)
        self.page.get_by_role("button", name="Åbn").click()
        self.page.wait_for_load_state()

    def reads(self) -> str:
        """The words of the page, unfolded or not."""
        return " ".join((self.page.locator("body").text_content() or "").split())

    @property
    def sideways(self) -> int:
        """How far the page can be scrolled sideways, in pixels."""
        width = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return int(width)

    def security_complaints(self) -> list[str]:
        """What the browser said about our own rules being broken."""
        return [said for said in self.complaints if "Content Security Policy" in said or "Refused" in said]


class Journey:
    """The people of one story, on one network."""

    def __init__(self, browser: Browser, server: LiveServer) -> None:
        self._browser = browser
        self.url = server.url
        self.people: list[Person] = []

    def person(self, *, size: dict[str, int] | None = None, javascript: bool = True) -> Person:
        """Somebody new."""
        found = Person(self._browser, self.url, size=size, javascript=javascript)
        self.people.append(found)
        return found

    def given(self, handle: str, *, size: dict[str, int] | None = None, javascript: bool = True) -> Person:
        """Somebody logged in."""
        found = self.person(size=size, javascript=javascript)
        found.logs_in_as(handle)
        return found

    def identity_of(self, handle: str) -> tuple[str, str]:
        """Name and number of a citizen, as their own page shows them."""
        citizen = self.given(handle)
        name = citizen.page.locator("h1").inner_text()
        number = citizen.page.locator("h1 + p .hh-num").inner_text()
        return name, number

    def staff_name(self, handle: str) -> str:
        """What a professional is called."""
        who = self.given(handle).page.locator(".hh-who").text_content() or ""
        return who.split(",")[0].strip()


@pytest.fixture
def journey(browser: Browser, live_server: LiveServer) -> Iterator[Journey]:
    """A story to tell; no page of it may break our own security rules."""
    told = Journey(browser, live_server)
    yield told
    complaints = [said for person in told.people for said in person.security_complaints()]
    for person in told.people:
        person.context.close()
    assert complaints == []
