"""Asking another server: only over TLS, only at addresses anybody may reach, never where it redirects, never more than asked for.

The connection is that of ``foundation.guarded``; what stands here is what an operator's own providers need beside it.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from helhed.foundation.guarded import (
    INTERNAL,
    LOCAL,
    Answer,
    Guard,
    NotAllowedThere,
    NotFetched,
    Reach,
    is_in,
    is_public,
)

MOST_BYTES = 256 * 1024
SECONDS = 5.0


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
        guard = Guard(context=self.context)
        try:
            async with (
                asyncio.timeout(self.seconds),
                await guard.connect(url, Reach(internal=internal)) as connection,
            ):
                return await connection.send(method, headers or {}, body, self.most_bytes)
        except TimeoutError:
            raise NotFetched from None


def check_url(url: str, *, internal: bool = False) -> None:
    """Raises NotAllowedThere for what is no plain https address; http is for this machine alone, where that is allowed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotAllowedThere from None
    host = parts.hostname or ""
    plain = parts.scheme == "http" and internal and is_in(host, LOCAL)
    if (parts.scheme != "https" and not plain) or not host or "@" in parts.netloc or parts.fragment:
        raise NotAllowedThere


def allowed(address: str, *, internal: bool = False) -> bool:
    """Whether we ask at this address: one that is anybody's, or with ``internal`` one of an own network."""
    return is_public(address) or (internal and is_in(address, (*LOCAL, *INTERNAL)))


__all__ = ["MOST_BYTES", "SECONDS", "Answer", "Asker", "Asking", "NotAllowedThere", "allowed", "check_url"]
