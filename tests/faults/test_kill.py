"""SIGKILL under load: what was acknowledged is there, what was not is whole or absent, every answer has its log row."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from tests.support.live import LiveServer

MANY = 100  # acknowledged writes, and as many reads, before the kill
RECOVERY_SECONDS = 30.0
MARK = "urn:helhed:test:kill"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    running = LiveServer.start(tmp_path_factory.mktemp("kill"), citizens=0)
    yield running
    running.stop()


class Load:
    """Writers and readers that remember what was acknowledged."""

    def __init__(self, server: LiveServer) -> None:
        self.url = server.url
        self.citizen = server.reference("jens")
        self.tokens = {name: server.token(name) for name in ("jens", "epj-system", "mette-gp")}
        self.written: list[tuple[str, str]] = []  # (identifier, location)
        self.sent: list[str] = []
        self.traces: list[str] = []
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=work) for work in (self._write, self._write, self._read, self._read)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until_acknowledged(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: min(len(self.written), len(self.traces)) >= count, RECOVERY_SECONDS)

    def _note(self, known: list[Any], news: Any) -> None:
        with self._news:
            known.append(news)
            self._news.notify_all()

    def _forever(self, work: Callable[[httpx.Client], None]) -> None:
        with httpx.Client(base_url=self.url, timeout=5) as client:
            while not self._stop.is_set():
                try:
                    work(client)
                except httpx.HTTPError:
                    self._stop.wait(0.05)

    def _write(self) -> None:
        self._forever(self._write_one)

    def _read(self) -> None:
        self._forever(self._read_one)

    def _write_one(self, client: httpx.Client) -> None:
        name = str(uuid4())
        self.sent.append(name)
        answer = client.post("/fhir", json=self._bundle(name), headers=self._head("epj-system"))
        if answer.status_code == httpx.codes.OK:
            self._note(self.written, (name, answer.json()["entry"][0]["response"]["location"]))

    def _read_one(self, client: httpx.Client) -> None:
        answer = client.get(f"/fhir/{self.citizen}", headers=self._head("mette-gp"))
        if answer.status_code == httpx.codes.OK:
            self._note(self.traces, answer.headers["x-request-id"])

    def _head(self, who: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[who]}", "content-type": "application/fhir+json"}

    def _bundle(self, name: str) -> dict[str, object]:
        def observation() -> dict[str, object]:
            return {
                "resourceType": "Observation",
                "identifier": [{"system": MARK, "value": name}],
                "status": "final",
                "code": {"text": "prøve"},
                "subject": {"reference": self.citizen},
            }

        entries = [
            {
                "fullUrl": f"urn:uuid:{uuid4()}",
                "resource": observation(),
                "request": {"method": "POST", "url": "Observation"},
            }
            for _ in range(3)
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def then_everything_acknowledged_is_there(self) -> None:
        with httpx.Client(base_url=self.url, timeout=10) as client:
            for _, location in self.written:
                path = location.split("/_history")[0]
                assert client.get(f"/fhir/{path}", headers=self._head("jens")).status_code == httpx.codes.OK

    def then_every_transaction_is_whole_or_absent(self) -> None:
        with httpx.Client(base_url=self.url, timeout=10) as client:
            for name in self.sent[-20:]:
                found = client.get(
                    f"/fhir/Observation?identifier={MARK}|{name}&_total=accurate", headers=self._head("jens")
                )
                assert found.json()["total"] in {0, 3}

    def then_every_answer_has_its_log_row(self, data_dir: Path) -> None:
        assert self.traces
        logged = asyncio.run(_traces(data_dir))
        assert set(self.traces) <= logged


async def _traces(data_dir: Path) -> set[str]:
    owner = await connect(embedded_target(EmbeddedPostgres(data_dir)).owner)
    try:
        return {str(row["trace"]) for row in await owner.fetch("select trace from foundation.access_log")}
    finally:
        await owner.close()


def _answers_again(server: LiveServer) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.url}/health", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            threading.Event().wait(0.1)
    raise AssertionError("the network did not come back")


def test_a_killed_server_loses_nothing_it_acknowledged(server: LiveServer) -> None:
    load = Load(server)
    load.start()
    load.until_acknowledged(MANY)
    server.kill()
    load.stop()
    server.restart()
    assert load.written
    load.then_everything_acknowledged_is_there()
    load.then_every_transaction_is_whole_or_absent()
    load.then_every_answer_has_its_log_row(server.data_dir)


def test_a_killed_database_comes_back_by_itself_and_loses_nothing(server: LiveServer) -> None:
    load = Load(server)
    load.start()
    load.until_acknowledged(MANY)
    EmbeddedPostgres(server.data_dir).kill()
    load.stop()
    _answers_again(server)
    assert load.written
    load.then_everything_acknowledged_is_there()
    load.then_every_transaction_is_whole_or_absent()
    load.then_every_answer_has_its_log_row(server.data_dir)
