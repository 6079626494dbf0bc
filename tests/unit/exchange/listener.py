"""A receiver's system on a socket of this machine: it takes a message and acknowledges it."""

import asyncio
from types import TracebackType
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

    async def __aenter__(self) -> "Listener":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        self.received.append(body)
        bundle = orjson.loads(body)
        answer = orjson.dumps(acknowledgement(read_message(bundle, digest_of(bundle)), uuid4(), uuid4(), NOW, "ok"))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )
        await writer.drain()
        writer.close()
