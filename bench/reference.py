"""The fixed references every figure is a ratio to: a bare SELECT by the same driver, a bare ASGI answer."""

import asyncio
import subprocess
import sys
import time

from bench.load import Result, drive, get
from helhed.foundation.database import Target, connect

_SECONDS = 4.0
_ANSWER = b'{"resourceType":"Observation"}'


async def bare_select(target: Target) -> float:
    """``select 1`` a second on one connection, one after the other."""
    connection = await connect(target.application)
    statement = await connection.prepare("select 1")
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < _SECONDS:
        for _ in range(100):
            await statement.fetchval()
        count += 100
    took = time.perf_counter() - begun
    await connection.close()
    return count / took


async def bare_asgi(port: int) -> Result:
    """A constant answer from the same HTTP server, 32 clients."""
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asginl", "--port", str(port), "--loop", "uvloop", "--no-log",
         "bench.reference:constant"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _listening(port)
        requests = iter(lambda: get("/", "none"), None)
        return await drive(port, requests, clients=32, seconds=_SECONDS)
    finally:
        process.terminate()
        process.wait()


async def _listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError("the reference server did not start")


async def constant(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """The smallest ASGI application."""
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})
