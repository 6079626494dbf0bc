"""A stand-in for a mail server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Catcher:
    """A mail server that takes everything, or refuses everything (RFC 5321, as far as one message needs)."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.refusing = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""

        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        await say("220 catcher")
        while line := (await reader.readline()).decode(errors="replace").strip():
            word = line[:4].upper()
            if word == "DATA":
                await say("354 go on")
                lines = []
                while (part := (await reader.readline()).decode()) != ".\r\n":
                    lines.append(part)
                self.messages.append("".join(lines))
            if word == "QUIT":
                await say("221 bye")
                break
            await say("451 later" if self.refusing and word == "MAIL" else "250 ok")
        writer.close()


@asynccontextmanager
async def caught() -> AsyncIterator[Catcher]:
    """One that listens on a free port."""
    found = Catcher()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
