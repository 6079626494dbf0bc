"""A server that is told to stop says so while it serves on; a second word ends it."""

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from helhed.app import Application
from helhed.foundation.settings import Settings
from helhed.serving.server import Server
from tests.support.world import World

_LISTENS = """
import signal, sys
signal.signal(signal.SIGUSR2, lambda *_: (print("leaving", flush=True), sys.exit()))
print("ready", flush=True)
signal.pause()
"""


def test_the_first_word_drains_and_the_second_ends(tmp_path: Path) -> None:
    server = Server(Settings(data_dir=tmp_path, drain_seconds=3600), 1)
    with subprocess.Popen([sys.executable, "-c", _LISTENS], stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == b"ready\n"
        server.wrks = [SimpleNamespace(inner=worker)]
        server.signal_handler_interrupt(signal.SIGTERM, None)
        assert worker.stdout.readline() == b"leaving\n"
    assert not server.interrupt_signal
    server.signal_handler_interrupt(signal.SIGTERM, None)
    assert server.interrupt_signal


def test_without_a_time_to_drain_the_first_word_ends(tmp_path: Path) -> None:
    server = Server(Settings(data_dir=tmp_path), 1)
    server.signal_handler_interrupt(signal.SIGTERM, None)
    assert server.interrupt_signal


async def health(application: Application) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await application({"type": "http", "path": "/health", "headers": []}, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], orjson.loads(sent[1]["body"])


async def test_a_worker_says_that_it_starts_serves_and_leaves(world: World, tmp_path: Path) -> None:
    application = Application(Settings(data_dir=tmp_path))
    assert await health(application) == (503, {"live": True, "ready": False, "reasons": ["starting"]})
    application._network = SimpleNamespace(store=world.store)  # type: ignore[assignment]
    assert await health(application) == (200, {"live": True, "ready": True, "reasons": []})
    application.leave()
    assert await health(application) == (503, {"live": True, "ready": False, "reasons": ["shutting down"]})


async def test_a_worker_without_its_database_lives_and_is_not_ready(world: World, tmp_path: Path) -> None:
    application = Application(Settings(data_dir=tmp_path))
    application._network = SimpleNamespace(store=world.store)  # type: ignore[assignment]
    await world.store.pool.close()
    told = {"live": True, "ready": False, "reasons": ["database unavailable"]}
    assert await health(application) == (503, told)
