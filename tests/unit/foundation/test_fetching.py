"""Attack 69: what others publish is fetched from public addresses, and from nowhere inside."""

from collections.abc import Sequence
from typing import Any

import httpcore
import pytest

from helhed.foundation.fetching import MOST_BYTES, Fetcher, NotFetched, is_public
from helhed.foundation.guarded import Guard

INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.2.1", "2001:db8::1", "nonsense", "",
    "::127.0.0.1", "::ffff:0:127.0.0.1", "fec0::1", "64:ff9b:1::7f00:1", "192.88.99.1", "192.0.0.192", "2001:20::1", "5f00::1", "3fff::1",
    "168.63.129.16",
]  # fmt: skip


class Stream(httpcore.AsyncMockStream):
    """A connection that remembers what was sent, and under which name it was secured."""

    def __init__(self, answer: bytes) -> None:
        super().__init__([answer])
        self.sent = b""
        self.secured = ""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.sent += buffer

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        self.secured = server_hostname or ""
        return self


class Outside(httpcore.AsyncNetworkBackend):
    """A network that answers everything, and remembers whom it was asked for."""

    def __init__(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        self.asked: list[tuple[str, int, Stream]] = []
        lines = [
            f"HTTP/1.1 {status} .",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._answer = "\r\n".join([*lines, "", ""]).encode() + body

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Stream:
        stream = Stream(self._answer)
        self.asked.append((host, port, stream))
        return stream


def names(*answers: Sequence[str]):
    """A name server that answers one after another."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@pytest.mark.parametrize("address", INSIDE)
async def test_nothing_inside_is_asked_however_it_is_named(address: str) -> None:
    outside = Outside()
    assert not is_public(address)
    fetcher = Fetcher(guard=Guard(names([address]), outside))
    with pytest.raises(NotFetched):
        await fetcher.get("https://keys.example/jwks")
    with pytest.raises(NotFetched):
        await Fetcher(guard=Guard(names(["93.184.215.14", address]), outside)).get("https://keys.example/jwks")
    assert outside.asked == []


async def test_the_address_that_was_judged_is_the_one_that_is_asked() -> None:
    outside = Outside()
    fetcher = Fetcher(guard=Guard(names(["93.184.215.14"], ["127.0.0.1"]), outside))
    assert await fetcher.get("https://keys.example/jwks") == b"{}"
    ((address, port, stream),) = outside.asked
    assert (address, port, stream.secured) == ("93.184.215.14", 443, "keys.example")
    assert b"\r\nhost: keys.example\r\n" in stream.sent


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/jwks", "ftp://keys.example/", "file:///etc/passwd", "https://user:secret@keys.example/", "https://", "",
        "https://keys.example/#part", "https://keys.example:99999/", "gopher://keys.example/", "https://[::1", "keys.example",
    ],
)  # fmt: skip
async def test_only_plain_https_addresses_are_asked(url: str) -> None:
    outside = Outside()
    with pytest.raises(NotFetched):
        await Fetcher(guard=Guard(names(["93.184.215.14"]), outside)).get(url)
    assert outside.asked == []


async def test_a_redirect_is_not_followed_and_little_is_read() -> None:
    for outside in (Outside(302, location="http://127.0.0.1/"), Outside(500), Outside(body=b"x" * (MOST_BYTES + 1))):
        with pytest.raises(NotFetched):
            await Fetcher(guard=Guard(names(["93.184.215.14"]), outside)).get("https://keys.example/jwks")
        assert len(outside.asked) == 1


async def test_loopback_is_asked_only_where_the_demo_allows_it_and_then_nothing_else_inside() -> None:
    outside = Outside()
    allowed = Fetcher(allow_loopback=True, guard=Guard(names(["127.0.0.1"]), outside))
    assert await allowed.get("http://localhost:9000/jwks") == b"{}"
    with pytest.raises(NotFetched):
        await Fetcher(allow_loopback=True, guard=Guard(names(["10.0.0.1"]), outside)).get("http://inside/jwks")
