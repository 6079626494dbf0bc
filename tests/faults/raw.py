"""HTTP/1.1 by hand: bytes on a socket, so that a client can say what no library would."""

import socket
import struct
from urllib.parse import urlsplit

_PATIENCE = 30.0  #: seconds, when the test fails


class Raw:
    """One connection to a server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE)

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, raw: bytes) -> None:
        """Send bytes as they are; a server that has hung up is no error."""
        try:
            self._socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            return

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a whole request, the way a client would."""
        self.send(head(method, path, {"content-length": str(len(body)), **headers}) + body)

    def half_close(self) -> None:
        """No more will be sent; answers are still read."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection without a goodbye: the other side gets RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def status(self) -> int:
        """The status of the next answer; 0 when the server hung up without one."""
        told = b""
        try:
            while b"\r\n" not in told:
                piece = self._socket.recv(4096)
                if not piece:
                    return 0
                told += piece
        except ConnectionResetError:
            return 0
        return int(told.split(b" ", 2)[1])

    def first_byte(self) -> bytes:
        """Wait for the beginning of the answer."""
        return self._socket.recv(1)


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    """The head of a request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: here.example",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
