"""Live sources for the bench, in a process of their own: ``python -m bench.neighbours PORT``. Beneath ``/hangs`` nothing ever answers."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvloop

from bench.world import observation
from helhed.foundation.ids import new_id
from helhed.registries.identifiers import CPR

ROWS = 12  #: measurements that each of them has of every citizen
_ROWS = [{**observation(new_id()), "id": f"row-{n}"} for n in range(ROWS)]


@contextmanager
def neighbours(port: int) -> Iterator[None]:
    """Listening, for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, "-m", "bench.neighbours", str(port)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        length = next((int(one.split(":")[1]) for one in lines if one.lower().startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        path = first.split(" ")[1]
        if path.startswith("/hangs"):
            await asyncio.Event().wait()
        answer = orjson.dumps(_answer(path.partition("?")[0], body))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def _answer(path: str, body: str) -> dict[str, Any]:
    if path.endswith("/Patient/_search"):
        number = parse_qs(body)["identifier"][0].rpartition("|")[2]
        return _bundle([_person(number)])
    number = path.split("/")[-2]
    subject = {"subject": {"reference": f"Patient/{number}"}}
    return _bundle([_person(number), *({**one, **subject} for one in _ROWS)])


def _person(number: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": number, "identifier": [{"system": CPR, "value": number}]}


def _bundle(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in rows]}


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
