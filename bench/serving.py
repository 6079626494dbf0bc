"""The real server, as a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from helhed.foundation.settings import Settings


@contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """One worker on the port of ``settings``, stopped at the end."""
    environment = {
        **os.environ,
        "HELHED_DATA_DIR": str(settings.data_dir.resolve()),
        "HELHED_PORT": str(settings.port),
        "HELHED_DEMO": "true",
        "HELHED_SHARED_BUFFERS": settings.shared_buffers,
    }
    process = subprocess.Popen([sys.executable, "-m", "helhed.cli", "serve"], env=environment, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


_START_SECONDS = 180.0  #: of a server, on a machine that is busy with other things


async def answering(port: int) -> None:
    """Wait until somebody listens there. Raises RuntimeError when nobody does for three minutes."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError("the server did not start")
