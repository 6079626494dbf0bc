"""Somebody who is told: a network on which every https name leads to one receiver, who remembers what came."""

from collections.abc import Callable, Sequence
from typing import Any

import httpcore
import orjson

from helhed.foundation.guarded import Guard

ADDRESS = "93.184.215.14"
ENDPOINT = "https://vendor.example/told"


class _Stream(httpcore.AsyncMockStream):
    """One connection: what comes is read as one request, and answered once it is whole."""

    def __init__(self, receiver: "Receiver") -> None:
        super().__init__([])
        self._receiver = receiver
        self._got = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._got += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        head, _, body = self._got.partition(b"\r\n\r\n")
        self._receiver.requests.append((head.decode(), orjson.loads(body)))
        await self._receiver.before_answer()
        return (
            f"HTTP/1.1 {self._receiver.status} .\r\nContent-Length: 0\r\nLocation: http://127.0.0.1/\r\n\r\n".encode()
        )

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        return self


class Receiver(httpcore.AsyncNetworkBackend):
    """Takes everything, until it is told otherwise."""

    def __init__(self) -> None:
        self.status = 200
        self.address = ADDRESS
        self.connected: list[str] = []  #: addresses that a connection was made to
        self.requests: list[tuple[str, Any]] = []
        self.on_connect: Callable[[], Any] | None = None
        self.on_request: Callable[[], Any] | None = None

    @property
    def guard(self) -> Guard:
        """What connects to it."""
        return Guard(self._resolve, self)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        return [self.address]

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        if self.on_connect is not None:
            await self.on_connect()
        return _Stream(self)

    async def before_answer(self) -> None:
        """Something happens between a request and its answer."""
        if self.on_request is not None:
            await self.on_request()

    def told(self, kind: str = "event-notification") -> list[Any]:
        """The notifications of a kind that came."""
        return [body for _, body in self.requests if value(body, "type") == kind]

    def events(self) -> list[tuple[int, str | None]]:
        """Number and focus of every event that came, in order."""
        found = []
        for body in self.told():
            for one in body["entry"][0]["resource"]["parameter"]:
                if one["name"] == "notification-event":
                    parts = {part["name"]: part for part in one["part"]}
                    focus = parts.get("focus", {}).get("valueReference", {}).get("reference")
                    found.append((int(parts["event-number"]["valueString"]), focus and focus.rpartition("/fhir/")[2]))
        return found


def value(bundle: Any, name: str) -> Any:
    """A value of a notification's status."""
    parameters = bundle["entry"][0]["resource"]["parameter"]
    one: dict[str, Any] = next((one for one in parameters if one["name"] == name), {})
    return next((found for key, found in one.items() if key.startswith("value")), None)
