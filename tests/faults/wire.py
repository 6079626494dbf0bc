"""A wire between the network and its database that can be cut, held up and half-closed at each statement."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"
_ASKED = frozenset(b"QSc")  # Query, Sync, CopyDone: the server answers these (PostgreSQL protocol 3.0, 54.7)


@dataclass
class Fault:
    """What goes wrong at the ``at``-th message that the server would answer, counted from 1; 0 is nothing.

    ``before``: the message is lost and the connection reset. ``lost answer``: the server gets it, and nobody hears its
    answer. ``torn``: a few bytes of the answer arrive, and then nothing. ``half``: the way to the server is closed, the
    way back is not. ``late``: the answer takes its time. ``struck``: what ``Wire.strike`` does, just before.
    """

    kind: str = ""
    at: int = 0


@dataclass
class Wire:
    """The socket that is listened on in ``folder``; ``seen`` counts messages since the last ``expect``."""

    folder: Path
    behind: Path
    fault: Fault = field(default_factory=Fault)
    seen: int = 0
    strike: Callable[[], Awaitable[object]] | None = None
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> "Wire":
        self._server = await asyncio.start_unix_server(self._joined, self.folder / _SOCKET)
        return self

    def expect(self, fault: Fault) -> None:
        """From now on, this."""
        self.fault, self.seen = fault, 0

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            writer.close()
            self._open.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_unix_connection(self.behind / _SOCKET)
        try:
            state = _State()
            there = asyncio.create_task(self._there(reader, writer, back_writer, state))
            back = asyncio.create_task(_back(back_reader, writer, state))
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
        finally:
            back_writer.close()

    async def _there(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter, state: "_State"
    ) -> None:
        first = await reader.readexactly(4)
        server.write(first + await reader.readexactly(struct.unpack("!I", first)[0] - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            if head[0] in _ASKED:
                self.seen += 1
                if self.seen == self.fault.at:
                    state.fault = self.fault.kind
            if state.fault == "struck" and self.strike is not None:
                await self.strike()
            if state.fault == "before":
                writer.transport.abort()
                return
            server.write(head + body)
            await server.drain()
            if state.fault == "half":
                server.write_eof()
                await asyncio.Event().wait()


@dataclass
class _State:
    fault: str = ""


async def _back(server: asyncio.StreamReader, writer: asyncio.StreamWriter, state: _State) -> None:
    while data := await server.read(65536):
        if state.fault == "lost answer":
            writer.transport.abort()
            return
        if state.fault == "torn":
            writer.write(data[:3])
            await writer.drain()
            return
        if state.fault == "late":
            await asyncio.sleep(0.05)
        writer.write(data)
        await writer.drain()
