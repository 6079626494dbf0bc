"""Workers are replaced under load: every request gets its answer, and the new worker runs the code that is there."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.live import LiveServer

REPLACED_SECONDS = 60.0
LOOKS = 0.05
ENOUGH = 50


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    running = LiveServer.start(tmp_path, citizens=0)
    yield running
    running.stop()


class Clients:
    """Clients that read and write all the time, and never try again."""

    def __init__(self, server: LiveServer) -> None:
        self._url = server.url
        self._citizen = server.reference("jens")
        self._tokens = {name: server.token(name) for name in ("mette-gp", "epj-system")}
        self.problems: list[str] = []
        self.answered = 0
        self._stop = threading.Event()
        self._lock = threading.Condition()
        self._threads = [threading.Thread(target=self._work, args=(n % 2 == 0,)) for n in range(4)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        self.until_answered_more(ENOUGH)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until_answered_more(self, count: int) -> None:
        wanted = self.answered + count
        with self._lock:
            assert self._lock.wait_for(lambda: self.answered >= wanted, REPLACED_SECONDS)

    def _work(self, writes: bool) -> None:
        """Writers keep their connection; readers come with a new one each time."""
        with httpx.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = self._write(client) if writes else self._read_anew()
                    problem = "" if answer.is_success else str(answer.status_code)
                except httpx.HTTPError as error:
                    problem = repr(error)
                with self._lock:
                    self.answered += 1
                    self.problems += [problem] if problem else []
                    self._lock.notify_all()

    def _read_anew(self) -> httpx.Response:
        head = {"authorization": f"Bearer {self._tokens['mette-gp']}", "connection": "close"}
        return httpx.get(f"{self._url}/fhir/{self._citizen}", headers=head, timeout=20)

    def _write(self, client: httpx.Client) -> httpx.Response:
        observation = {
            "resourceType": "Observation",
            "identifier": [{"system": "urn:helhed:test:rolling", "value": str(uuid4())}],
            "status": "final",
            "code": {"text": "prøve"},
            "subject": {"reference": self._citizen},
        }
        return client.post(
            "/fhir/Observation",
            json=observation,
            headers={
                "authorization": f"Bearer {self._tokens['epj-system']}",
                "content-type": "application/fhir+json",
            },
        )


def _workers(server: LiveServer) -> set[str]:
    return {path.name for path in (server.data_dir / "workers").iterdir()}


def _until_replaced(server: LiveServer, before: set[str]) -> None:
    waiting = threading.Event()
    for _ in range(int(REPLACED_SECONDS / LOOKS)):
        now = _workers(server)
        if now and not now & before:
            return
        waiting.wait(LOOKS)
    raise AssertionError("the worker was not replaced")


def test_no_request_is_lost_while_workers_are_replaced(server: LiveServer) -> None:
    before = _workers(server)
    with Clients(server) as clients:
        server.process.send_signal(signal.SIGHUP)
        _until_replaced(server, before)
        clients.until_answered_more(ENOUGH)
    assert clients.problems == []


def test_a_worker_that_dies_is_replaced(server: LiveServer) -> None:
    before = _workers(server)
    os.kill(int(next(iter(before))), signal.SIGKILL)
    waiting = threading.Event()
    for _ in range(int(REPLACED_SECONDS / LOOKS)):
        if _workers(server) - before:
            break
        waiting.wait(LOOKS)
    assert httpx.get(f"{server.url}/health", timeout=20).json()["ready"]
