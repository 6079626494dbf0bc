"""A small HTTP/1.1 load generator: persistent connections, one request in flight on each."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Result:
    """What a run measured. Only correct answers count in the percentiles."""

    seconds: float = 0.0
    correct: int = 0
    wrong: int = 0
    bytes: int = 0  #: of the correct answers
    latencies: list[float] = field(default_factory=list)
    labelled: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )  #: those of requests with a label
    problems: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Correct answers a second."""
        return self.correct / self.seconds if self.seconds else 0.0

    def percentile(self, share: float, label: str = "") -> float:
        """Latency in milliseconds below which ``share`` of the correct answers came, of all or of those with ``label``."""
        ordered = sorted(self.labelled[label] if label else self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes to send, the status that is right, and what the answer must hold."""

    raw: bytes
    status: int
    holds: bytes = b""
    label: str = ""


class _Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is whole."""

    def __init__(self, requests: Iterator[Request], result: Result, until: Callable[[], bool]) -> None:
        self._requests = requests
        self._result = result
        self._until = until
        self._buffer = bytearray()
        self._expected: Request | None = None
        self._sent = 0.0
        self._head = 0
        self._length = -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed on us."""
        if not self.done.done():
            self._result.wrong += 1
            self._result.problems.append(f"connection lost: {exc}")
            self.done.set_result(None)

    def _next(self) -> None:
        request = None if self._until() else next(self._requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._expected = request
        self._sent = time.perf_counter()
        self._transport.write(request.raw)

    def data_received(self, data: bytes) -> None:
        """Collect an answer by its Content-Length."""
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = end + 4
            self._length = _content_length(bytes(self._buffer[:end]))
        if len(self._buffer) >= self._head + self._length:
            self._finish()

    def _finish(self) -> None:
        took = time.perf_counter() - self._sent
        status = int(self._buffer[9:12])
        expected = self._expected
        if expected is not None and status == expected.status and expected.holds in self._buffer:
            self._result.correct += 1
            self._result.bytes += len(self._buffer)
            self._result.latencies.append(took)
            if expected.label:
                self._result.labelled[expected.label].append(took)
        else:
            self._result.wrong += 1
            if len(self._result.problems) < 5:
                self._result.problems.append(bytes(self._buffer[:300]).decode(errors="replace"))
        self._buffer.clear()
        self._length = -1
        self._next()


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    end = lower.find(b"\r\n", at + 2)
    return int(lower[at + 17 : end if end > 0 else None])


async def drive(port: int, requests: Iterator[Request], *, clients: int, seconds: float) -> Result:
    """Run ``clients`` connections for ``seconds``, after a second's warm-up that does not count."""
    loop = asyncio.get_running_loop()
    warm = Result()
    await _run(loop, port, requests, warm, clients, min(1.0, seconds / 3))
    result = Result()
    begun = time.perf_counter()
    await _run(loop, port, requests, result, clients, seconds)
    result.seconds = time.perf_counter() - begun
    return result


async def _run(
    loop: asyncio.AbstractEventLoop,
    port: int,
    requests: Iterator[Request],
    result: Result,
    clients: int,
    seconds: float,
) -> None:
    deadline = time.perf_counter() + seconds
    running = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(requests, result, lambda: time.perf_counter() > deadline), "127.0.0.1", port
        )
        running.append(client.done)
    await asyncio.gather(*running)


def get(path: str, token: str, status: int = 200, holds: bytes = b"", label: str = "") -> Request:
    """A GET with a bearer token, and what is a right answer."""
    head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\naccept: application/fhir+json\r\n\r\n"
    return Request(head.encode(), status, holds, label)


def post(path: str, token: str, body: bytes, status: int = 200) -> Request:
    """A POST of FHIR JSON with a bearer token."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/fhir+json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return Request(head.encode() + body, status)
