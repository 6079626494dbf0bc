"""The real server in a process of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from helhed.commands.demo_world import persona_token
from helhed.foundation.database import embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings

_START_SECONDS = 120


@dataclass
class LiveServer:
    """A running network: ``url``, its ``data_dir``, and what the command line answers about it."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str] = field(repr=False)
    workers: int = 1

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        citizens: int = 5,
        database_url: str = "",
        workers: int = 1,
        sources: bool = False,
        **more: str,
    ) -> "LiveServer":
        """Load the demo and serve it; returns when it is ready. ``more`` are settings from the environment."""
        port = free_port()
        environment = {
            **os.environ,
            "HELHED_DATA_DIR": str(data_dir),
            "HELHED_PORT": str(port),
            "HELHED_DATABASE_URL": database_url,
            "HELHED_SHARED_BUFFERS": "64MB",
            **more,
        }
        command = [sys.executable, "-m", "helhed.cli", "demo", "--citizens", str(citizens), "--workers", str(workers)]
        command += [] if sources else ["--no-sources"]
        with open(data_dir / "server.log", "wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        running = cls(f"http://127.0.0.1:{port}", data_dir, process, environment, workers)
        running.wait_ready()
        return running

    def wait_ready(self) -> None:
        """Until /health says ready; raises with the end of the log when it never does."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError((self.data_dir / "server.log").read_text(errors="replace")[-3000:])

    def helhed(self, *arguments: str) -> str:
        """What a command prints."""
        command = [sys.executable, "-m", "helhed.cli", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def token(self, persona: str) -> str:
        """A bearer token."""
        return self.helhed("token", persona)

    def reference(self, persona: str) -> str:
        """The persona's Patient/… or Practitioner/…"""
        return self.helhed("token", persona, "--id")

    def persona(self, handle: str) -> tuple[str, str]:
        """Token and reference, without starting a program for each."""
        settings = Settings(data_dir=self.data_dir, demo=True)
        target = embedded_target(EmbeddedPostgres(self.data_dir))

        async def both() -> tuple[str, str]:
            token, reference = [
                await persona_token(settings, target, handle, reference_only=only) for only in (False, True)
            ]
            return token, reference

        return asyncio.run(both())

    def kill(self) -> None:
        """SIGKILL to the server and its workers (the database runs on)."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """The same server on the same data; returns when it is ready."""
        command = [sys.executable, "-m", "helhed.cli", "demo", "--no-sources", "--workers", str(self.workers)]
        with open(self.data_dir / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_ready()

    def stop(self) -> None:
        """An orderly end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
