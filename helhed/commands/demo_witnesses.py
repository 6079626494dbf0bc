"""The demo's witnesses: programs of their own beside the network, each with its own key, as others would run them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from helhed.commands.verifying import admit_witness
from helhed.commands.witnessing import Memory
from helhed.foundation.database import Target, connected
from helhed.foundation.settings import Settings
from helhed.foundation.workers import be_parent

#: a region, and an organisation of patients
NAMES = ("region.demo", "patientforening.demo")
_PATIENCE_SECONDS = 5.0


async def admit_demo_witnesses(settings: Settings, target: Target) -> None:
    """The log knows them."""
    async with connected(target.owner) as connection:
        for name in NAMES:
            await admit_witness(connection, name, _memory(settings, name).public.hex())


@contextmanager
def demo_witnesses(settings: Settings) -> Iterator[None]:
    """They follow the log for as long as the block lasts."""
    be_parent()
    running = [subprocess.Popen(_command(settings, name), stdout=subprocess.DEVNULL) for name in NAMES]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _command(settings: Settings, name: str) -> list[str]:
    state = str(settings.data_dir / "witnesses" / name)
    address = f"http://{settings.host}:{settings.port}"
    return [sys.executable, "-m", "helhed.cli", "witness", "run", "--log", address, "--state", state, "--name", name]


def _memory(settings: Settings, name: str) -> Memory:
    return Memory(settings.data_dir / "witnesses" / name, name)
