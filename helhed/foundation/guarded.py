"""One guarded connection to another server, for whatever is fetched from there, asked of it or sent to it (attack 69).

Whoever names an address for us to connect to must not reach through us what only we can reach. A name is looked up once, every
address behind it is judged, and the connection goes to the address that was judged: a name that answers differently a moment
later changes nothing. It carries one exchange. Nothing is followed, and no more is read than was said.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

import httpcore

from helhed.foundation.errors import HelhedError

_HTTPS_PORT, _HTTP_PORT = 443, 80
LOCAL = ("127.0.0.0/8", "::1/128")
INTERNAL = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
#: what stands in no list of private networks here and is nobody's public server either: IPv4 written as IPv6 in old ways, site-local
#: addresses (RFC 3879), the relays of 6to4 (RFC 7526), protocol assignments, segment routing (RFC 9602), documentation (RFC 9637), and a
#: cloud's own server that answers at a public address (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16)
_INSIDE = ("::/8", "fec0::/10", "192.88.99.0/24", "192.0.0.0/24", "64:ff9b:1::/48", "2001::/23", "5f00::/16", "3fff::/20", "168.63.129.16/32")  # fmt: skip
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_WIRE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.UnsupportedProtocol, ValueError, TimeoutError, OSError)  # fmt: skip


class NotFetched(HelhedError):
    """The address cannot be fetched from here."""

    code = "invalid"


class TooMuch(NotFetched):
    """The answer is larger than was said."""


class NotAllowedThere(NotFetched):
    """An address that we do not ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole."""

    status: int
    body: bytes
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a connection may go beside what anybody may reach; http is spoken with this machine only."""

    loopback: bool = False  #: this machine, when every address of the name is its own
    internal: bool = False  #: this machine, and networks of our own, where the operator says that it stands there

    def permits(self, scheme: str, addresses: Sequence[str]) -> bool:
        """Whether every address is one of those: a name with one good and one bad address is a trap."""
        if not addresses:
            return False
        if (self.loopback or self.internal) and all(is_in(one, LOCAL) for one in addresses):
            return scheme in {"http", "https"}
        own = INTERNAL + LOCAL if self.internal else ()
        return scheme == "https" and all(is_public(one) or is_in(one, own) for one in addresses)


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses behind a name."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFetched from None
    return [str(one[4][0]) for one in found]


def is_public(address: str) -> bool:
    """Whether anybody may ask this address: no loopback, link, private, multicast or reserved one, however it is wrapped in IPv6."""
    try:
        judged = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(judged, ipaddress.IPv6Address):
        inner = judged.ipv4_mapped or judged.sixtofour or (judged.teredo[1] if judged.teredo else None)
        if inner is not None or judged in ipaddress.ip_network("64:ff9b::/96"):
            return False
    return judged.is_global and not judged.is_multicast and not is_in(address, _INSIDE)


def is_in(address: str, networks: Iterable[str]) -> bool:
    """Whether an address stands in one of the networks; what is no address stands in none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(one) for one in networks)


class Connection:
    """An open connection to a judged address, for one exchange."""

    def __init__(self, http: httpcore.AsyncHTTP11Connection, url: str, host: str) -> None:
        self._http, self._url, self._host = http, url, host

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, method: str, headers: Mapping[str, str], body: bytes, most_bytes: int) -> Answer:
        """The answer, which may be an error or a redirect of the other's. Raises NotFetched, of more than ``most_bytes`` too."""
        told = {"host": self._host, "accept-encoding": "identity", **headers}
        if body or method not in {"GET", "HEAD"}:
            told["content-length"] = str(len(body))
        request = httpcore.Request(method, self._url, headers=list(told.items()), content=body)
        try:
            return await _whole(await self._http.handle_async_request(request), most_bytes)
        except _WIRE:
            raise NotFetched from None


async def _whole(answer: httpcore.Response, most_bytes: int) -> Answer:
    received = bytearray()
    async for part in answer.aiter_stream():
        received += part
        if len(received) > most_bytes:
            raise TooMuch
    kind = next((value for name, value in answer.headers if name.lower() == b"content-type"), b"")
    return Answer(answer.status, bytes(received), kind.decode("latin-1"))


@dataclass
class Guard:
    """Opens guarded connections."""

    resolve: Resolve = resolved
    network: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def connect(self, url: str, reach: Reach) -> Connection:
        """A connection to what ``url`` names. Raises NotAllowedThere before anything is sent anywhere, NotFetched when nobody answers."""
        parts = _plain(url)
        host, port = parts.hostname or "", parts.port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT)
        addresses = await self.resolve(host, port)
        if not reach.permits(parts.scheme, addresses):
            raise NotAllowedThere
        try:
            stream = await self.network.connect_tcp(addresses[0], port)
            if parts.scheme == "https":
                stream = await stream.start_tls(self.context, server_hostname=host)
            http = httpcore.AsyncHTTP11Connection(httpcore.URL(url).origin, stream)
        except _WIRE:
            raise NotFetched from None
        return Connection(http, url, parts.netloc)


def _plain(url: str) -> SplitResult:
    """An address of a server and nothing else: no name and password, no part of a page. Raises NotAllowedThere."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotAllowedThere from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise NotAllowedThere
    return parts


__all__ = [
    "INTERNAL", "LOCAL", "Answer", "Connection", "Guard", "NotAllowedThere", "NotFetched", "Reach", "Resolve", "TooMuch",
    "is_in", "is_public", "resolved",
]  # fmt: skip
