"""A receiver's system on a socket of this machine: it takes a message and acknowledges it."""

import asyncio
from types import TracebackType
from typing import Self
from uuid import uuid4

import orjson

from helhed.exchange.messages.acknowledging import acknowledgement
from helhed.exchange.messages.envelope import digest_of, read_message
from tests.support.world import NOW


class Listener:
    """Answers every message with an acknowledgement."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/messages"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await self.body(reader)
        self.received.append(body)
        await self.answer(writer, body, "ok")

    async def body(self, reader: asyncio.StreamReader) -> bytes:
        """What was posted."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        return await reader.readexactly(length)

    async def answer(self, writer: asyncio.StreamWriter, body: bytes, code: str) -> None:
        """Acknowledge it."""
        bundle = orjson.loads(body)
        built = acknowledgement(read_message(bundle, digest_of(bundle)), uuid4(), uuid4(), NOW, code)
        told = orjson.dumps(built)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(told) + told)
        await writer.drain()
        writer.close()
