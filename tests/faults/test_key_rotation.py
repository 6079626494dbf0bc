"""Keys change under load: page links, tokens and sessions go on, and what a retired key made is refused as it should be."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import httpx
import pytest

from helhed.commands.rotating import retire, rotate
from helhed.foundation.keyring import KeyPurpose, State
from helhed.foundation.keyring_file import read_keyring
from helhed.foundation.settings import Settings
from tests.support.live import LiveServer
from tests.support.logging_in import log_in

ANSWERED_SECONDS = 60.0


@pytest.fixture
def server(two_workers: LiveServer) -> LiveServer:
    return two_workers


class Reader:
    """Somebody who asks without pause, and never tries again."""

    def __init__(self, look: Callable[[], httpx.Response]) -> None:
        self._look = look
        self.answered = 0
        self.problems: list[str] = []
        self._answered = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def until_answered_more(self, count: int) -> None:
        """However slow the machine is: what fails is that no answer comes any more."""
        wanted = self.answered + count
        with self._answered:
            while self.answered < wanted:
                assert self._answered.wait_for(partial(self._has_more_than, self.answered), ANSWERED_SECONDS)

    def _has_more_than(self, answers: int) -> bool:
        return self.answered > answers

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._look()
                problem = "" if answer.is_success else f"{answer.status_code} {answer.text}"
            except httpx.HTTPError as error:
                problem = repr(error)
            with self._answered:
                self.answered += 1
                self.problems += [problem] if problem else []
                self._answered.notify_all()


class Jens:
    """A citizen who pages through his own record with one token, and has a page open."""

    def __init__(self, server: LiveServer) -> None:
        self._url = server.url
        self._server = server
        self.token, reference = server.persona("jens")
        self.first = f"{server.url}/fhir/Observation?subject={reference}&_count=2"
        self.link = self.next_page().json()["link"][-1]["url"]
        self.pages = httpx.Client(base_url=server.url, timeout=20)
        answer = log_in(self.pages, "jens")
        assert answer.is_redirect, answer.text

    def close(self) -> None:
        self.pages.close()

    def get(self, url: str) -> httpx.Response:
        """With a connection of its own, so that both workers are met."""
        return httpx.get(url, headers={"authorization": f"Bearer {self.token}", "connection": "close"}, timeout=20)

    def next_page(self) -> httpx.Response:
        return self.get(self.first)

    def goes_on(self) -> httpx.Response:
        """A page, and the next by the link that it gave."""
        found = self.next_page()
        links = {one["relation"]: one["url"] for one in found.json()["link"]} if found.is_success else {}
        return self.get(links["next"]) if "next" in links else found

    def old_link(self) -> httpx.Response:
        return self.get(self.link)

    def page(self) -> httpx.Response:
        return self.pages.get("/borger")


@pytest.fixture
def jens(server: LiveServer) -> Iterator[Jens]:
    citizen = Jens(server)
    yield citizen
    citizen.close()


@contextmanager
def reading(jens: Jens) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(look)) for look in (jens.goes_on, jens.old_link, jens.page)]
        for reader in readers:
            reader.until_answered_more(1)
        yield readers


@pytest.mark.parametrize("enough", [4, pytest.param(300, marks=pytest.mark.long)])
def test_no_request_is_lost_while_keys_change_and_workers_are_replaced(
    server: LiveServer, jens: Jens, enough: int
) -> None:
    settings = Settings(data_dir=server.data_dir)
    with reading(jens) as readers:
        for purpose in (KeyPurpose.CURSORS, KeyPurpose.TOKENS, KeyPurpose.SESSIONS, KeyPurpose.DATABASE):
            rotate(settings, purpose)
            for reader in readers:
                reader.until_answered_more(enough)
        server.process.send_signal(signal.SIGHUP)
        rotate(settings, KeyPurpose.CURSORS)
        for reader in readers:
            reader.until_answered_more(2 * enough)
    assert [problem for reader in readers for problem in reader.problems] == []
    assert server.persona("jens")[0].split(".")[0] != jens.token.split(".")[0], "new tokens are signed with the new key"


def test_what_a_retired_key_made_is_refused_and_the_session_goes_on(server: LiveServer, jens: Jens) -> None:
    settings = Settings(data_dir=server.data_dir)
    for purpose, look, status in ((KeyPurpose.CURSORS, jens.old_link, 400), (KeyPurpose.TOKENS, jens.next_page, 401)):
        rotate(settings, purpose)
        assert look().is_success
        for key in read_keyring(server.data_dir).keys:
            if (key.purpose, key.state) == (purpose, State.ACCEPTED):
                retire(settings, key.id)
        refused = _until_refused(look)
        assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome")
    assert jens.page().is_success


def _until_refused(look: Callable[[], httpx.Response]) -> httpx.Response:
    """A worker looks at the keys once a second."""
    for _ in range(1000):
        answer = look()
        if not answer.is_success:
            return answer
    raise AssertionError("it was never refused")


def test_the_command_shows_every_key_and_no_secret(server: LiveServer) -> None:
    held = json.loads((server.data_dir / "keyring.json").read_text())["keys"]
    told = server.helhed("keys", "list")
    assert all(key["id"] in told for key in held)
    assert not [key for key in held if key["secret"] and (key["secret"] in told or key["secret"][:8] in told)]
