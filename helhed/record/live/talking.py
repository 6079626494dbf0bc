"""One question, one connection at a time: bounded, never following, over ``foundation.guarded``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import msgspec

from helhed.fhir.parsing import Limits, parse_json
from helhed.foundation.errors import HelhedError
from helhed.foundation.guarded import Answer, Guard, NotAllowedThere, NotFetched, Reach, TooMuch
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.rules import rules
from helhed.registries.sources import Terms

EXACT = msgspec.json.Decoder(float_hook=Decimal)  #: numbers as they were written
JSON = "application/fhir+json"
_OK = 200
_NOT_BY_THIS_TOKEN = 401
_REFUSED = (_NOT_BY_THIS_TOKEN, 403)
_R4 = "4.0"


class Exchanges(Protocol):
    """Sends one request to another server."""

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most_bytes: int, *, internal: bool
    ) -> Answer:
        """The answer, whole. Raises NotFetched or NotAllowedThere."""
        ...


class Wire:
    """Over the network."""

    def __init__(self, guard: Guard | None = None) -> None:
        self._guard = guard or Guard()

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most_bytes: int, *, internal: bool
    ) -> Answer:
        """As ``Exchanges``."""
        async with await self._guard.connect(url, Reach(internal=internal)) as connection:
            return await connection.send(method, headers, body, most_bytes)


@dataclass
class Talk:
    """What is said to one source about one citizen, and how much may still come. A token that it does not take is exchanged for a new one by
    ``renew``, which is given the one refused, once; when it does not take that either, it refuses us.
    """

    wire: Exchanges
    terms: Terms
    token: str
    trace: str
    renew: Callable[[str], Awaitable[str]] | None = None
    left: int = 0
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _renewed: bool = False

    def __post_init__(self) -> None:
        self.left = rules().most_bytes

    async def get(self, url: str) -> dict[str, Any]:
        """A FHIR resource. Raises SourceFault."""
        return await self._said("GET", url, {}, b"")

    async def search(self, type_name: str, form: bytes) -> dict[str, Any]:
        """A search by POST: a number of a person stands in no address. Raises SourceFault."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self._said("POST", f"{self.terms.address}/{type_name}/_search", headers, form)

    async def bytes_at(self, url: str, accept: str, most: int) -> Answer:
        """A picture. Raises SourceFault."""
        return self._sound(await self._exchanged("GET", url, {"accept": accept}, b"", most))

    async def _said(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        answer = self._sound(await self._exchanged(method, url, {"accept": JSON, **headers}, body, self.left))
        self.left -= len(answer.body)
        if "fhirversion" in answer.content_type.lower().replace(" ", "") and _R4 not in answer.content_type:
            raise SourceFault(Fault.UNREADABLE)
        try:
            parse_json(answer.body, limits=Limits(bytes=rules().most_bytes))
        except HelhedError:
            raise SourceFault(Fault.UNREADABLE) from None
        exact: dict[str, Any] = EXACT.decode(answer.body)
        return exact

    async def _exchanged(self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int) -> Answer:
        token = self.token
        answer = await self._sent(token, method, url, headers, body, most)
        if answer.status == _NOT_BY_THIS_TOKEN and await self._has_another(token):
            answer = await self._sent(self.token, method, url, headers, body, most)
        return answer

    async def _has_another(self, refused: str) -> bool:
        """Whether there is a token beside the one that was refused: of several searches side by side one asks for it."""
        if not refused or self.renew is None:
            return False
        async with self._renewing:
            if self.token == refused and not self._renewed:
                self._renewed, self.token = True, await self.renew(refused)
        return self.token != refused

    async def _sent(
        self, token: str, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Answer:
        told = {**headers, "x-request-id": self.trace}
        if token:
            told["authorization"] = f"Bearer {token}"
        try:
            return await self.wire.exchange(method, url, told, body, most, internal=self.terms.internal_network)
        except NotAllowedThere:
            raise SourceFault(Fault.SENT_ELSEWHERE) from None
        except TooMuch:
            raise SourceFault(Fault.TOO_LARGE) from None
        except NotFetched:
            raise SourceFault(Fault.UNREACHED) from None

    def _sound(self, answer: Answer) -> Answer:
        if answer.status in _REFUSED:
            raise SourceFault(Fault.REFUSED)
        if answer.status in range(300, 400):
            raise SourceFault(Fault.SENT_ELSEWHERE)
        if answer.status != _OK:
            raise SourceFault(Fault.FAILED)
        return answer


def beneath(base: str, url: str) -> str | None:
    """``url``, which may be relative to ``base``, when it stands at the same server beneath it; None elsewhere."""
    whole = urljoin(base.rstrip("/") + "/", url)
    try:
        here, there = urlsplit(base), urlsplit(whole)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return None
    path = there.path.casefold()
    inside = there.path.startswith(here.path.rstrip("/") + "/") and ".." not in path and "%2e" not in path
    return whole if same and inside and "@" not in there.netloc and not there.fragment else None
