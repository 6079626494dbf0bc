"""Fetching what others publish, without being sent where nobody outside may go (server-side request forgery).

The name is looked up once, every address behind it is judged, and the connection goes to the address that was judged: a name
that answers differently a moment later changes nothing. Nothing is followed, nothing but https is spoken, and little is read.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import httpx

from helhed.foundation.errors import HelhedError

MOST_BYTES = 65_536
_SECONDS = 5.0
_HTTPS_PORT = 443
_OK = 200
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NotFetched(HelhedError):
    """The address cannot be fetched from here."""

    code = "invalid"


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
    return judged.is_global and not judged.is_multicast


class Fetcher:
    """GETs public documents."""

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve = resolved,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow_loopback = allow_loopback  #: for a demo whose apps run on the same machine; then http is spoken too
        self._resolve = resolve
        self._transport = transport

    async def get(self, url: str) -> bytes:
        """The document at ``url``. Raises NotFetched, which says nothing about why."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._get(url)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError, OSError):
            raise NotFetched from None

    async def _get(self, url: str) -> bytes:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (_HTTPS_PORT if parts.scheme == "https" else 80)
        if not host or parts.username is not None or parts.fragment:
            raise NotFetched
        address = await self._judged(parts.scheme, host, port)
        literal = f"[{address}]" if ":" in address else address
        target = httpx.URL(url).copy_with(host=literal.strip("[]"), port=port)
        request = httpx.Request(
            "GET",
            target,
            headers={"host": parts.netloc, "accept": "application/json"},
            extensions={"sni_hostname": host},
        )
        client = httpx.AsyncClient(transport=self._transport, follow_redirects=False, trust_env=False, timeout=_SECONDS)
        async with client:
            answer = await client.send(request, stream=True)
            return await _body(answer)

    async def _judged(self, scheme: str, host: str, port: int) -> str:
        """One address behind the name, all of which are public. Raises NotFetched."""
        addresses = await self._resolve(host, port)
        loopback = bool(addresses) and all(_is_loopback(one) for one in addresses)
        if self._allow_loopback and loopback and scheme in {"http", "https"}:
            return addresses[0]
        if scheme != "https" or not addresses or not all(map(is_public, addresses)):
            raise NotFetched
        return addresses[0]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def _body(answer: httpx.Response) -> bytes:
    try:
        if answer.status_code != _OK:
            raise NotFetched
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise NotFetched
        return body
    finally:
        await answer.aclose()
