"""Asking another server: only over TLS, only at addresses anybody may reach, never where it redirects, never more than asked for.

Whoever names an address for us to fetch must not reach through us what only we can reach (attack 69). A name is resolved once
and the connection goes to the address that was checked, so that a name that changes its mind in between changes nothing.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpcore

from helhed.foundation.fetching import NotFetched, is_public

MOST_BYTES = 256 * 1024
SECONDS = 5.0
_LOCAL = ("127.0.0.0/8", "::1/128")
_INTERNAL = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


class NotAllowedThere(NotFetched):
    """An address that we do not ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole."""

    status: int
    body: bytes
    content_type: str = ""


class Asking(Protocol):
    """Asks other servers."""

    async def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        internal: bool = False,
    ) -> Answer:
        """The answer, which may be an error of the other's. Raises NotFetched or NotAllowedThere."""
        ...


@dataclass
class Asker:
    """Asks over the network."""

    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        internal: bool = False,
    ) -> Answer:
        """The answer. ``internal`` lets it stand in a network of our own, where the operator says that it does."""
        check_url(url, internal=internal)
        try:
            async with asyncio.timeout(self.seconds):
                return await self._ask(method, url, headers or {}, body, internal)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, TimeoutError, OSError):
            raise NotFetched from None

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes, internal: bool) -> Answer:
        backend = _CheckedNames(internal)
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self.context, network_backend=backend) as pool,
            pool.stream(method, url, headers=list(headers.items()), content=body) as answer,
        ):
            received = bytearray()
            async for part in answer.aiter_stream():
                received += part
                if len(received) > self.most_bytes:
                    raise NotFetched
            kind = next((value for name, value in answer.headers if name.lower() == b"content-type"), b"")
            return Answer(answer.status, bytes(received), kind.decode("latin-1"))


def check_url(url: str, *, internal: bool = False) -> None:
    """Raises NotAllowedThere for what is no plain https address; http is for this machine alone, where that is allowed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotAllowedThere from None
    host = parts.hostname or ""
    plain = parts.scheme == "http" and internal and _is_in(host, _LOCAL)
    if (parts.scheme != "https" and not plain) or not host or "@" in parts.netloc or parts.fragment:
        raise NotAllowedThere


def allowed(address: str, *, internal: bool = False) -> bool:
    """Whether we ask at this address: one that is anybody's, or with ``internal`` one of an own network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return is_public(address) or (internal and _is_in(str(found), (*_LOCAL, *_INTERNAL)))


def _is_in(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(one) for one in networks)


class _CheckedNames(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, and to no name."""

    def __init__(self, internal: bool) -> None:
        self._internal = internal
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=1)
        addresses = [str(one[4][0]) for one in found]
        # every address must be one of those: a name with one good and one bad address is a trap
        if not addresses or not all(allowed(one, internal=self._internal) for one in addresses):
            raise NotAllowedThere
        return await self._backend.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotAllowedThere

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
