"""Asking the demo's provider where it runs in the same process: what the network sends it never leaves the machine."""

from collections.abc import Mapping

import httpx
from starlette.applications import Starlette

from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Answer


class Inside:
    """Asks this app, whatever its host is called from outside."""

    def __init__(self, app: Starlette) -> None:
        self._transport = httpx.ASGITransport(app)

    async def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        internal: bool = False,
    ) -> Answer:
        """The answer. Raises NotFetched."""
        try:
            async with httpx.AsyncClient(transport=self._transport) as client:
                answer = await client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError:
            raise NotFetched from None
        return Answer(answer.status_code, answer.content, answer.headers.get("content-type", ""))
