"""A FHIR request as the door received it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from helhed.fhir.parsing import Limits
from helhed.fhir.xml import json_of
from helhed.foundation.asgi import Receive
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, TooLarge, TooSlow, UnsupportedMediaType
from helhed.foundation.settings import RESOURCE_ELEMENTS
from helhed.registries.shak import names_shak

FHIR_TYPES = frozenset({"application/fhir+json", "application/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
_XML_WEIGHT = 4  #: reading XML is about this much more work per byte than what else is done aside
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200
#: in which a whole body arrives; 16 MB take a minute at 2 Mbit/s, and whoever trickles holds a place and its memory that long
BODY_SECONDS = 60.0


@dataclass(slots=True)
class Request:
    """Method, path parts, headers and asker of one request."""

    method: str
    parts: list[str]
    query: bytes
    headers: dict[bytes, bytes]
    receive: Receive
    ask: Ask
    max_body_bytes: int
    max_resource_elements: int = RESOURCE_ELEMENTS
    ask_again: Callable[[], Ask] | None = None  #: who is asking, by the clock of now; raises NotAuthenticated
    names_shak: bool = False  #: whether its body names the older hospital classification

    def header(self, name: bytes) -> str:
        """A header, "" when it is absent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def prefer(self) -> dict[str, str]:
        """The preferences of the Prefer header (RFC 7240)."""
        pairs = (part.strip().partition("=") for part in self.header(b"prefer").split(";") for part in part.split(","))
        return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the URL. Raises BadRequest."""
        return parse_pairs(self.query)

    async def json_body(self) -> bytes:
        """The body of a FHIR request, as JSON when it came as XML. Raises what ``xml.json_of`` raises, and UnsupportedMediaType."""
        media = self.check_type(FHIR_TYPES | XML_TYPES)
        raw = await self.body()
        if media in XML_TYPES and raw:
            limits, most = Limits(bytes=self.max_body_bytes), self.max_resource_elements
            return await aside(_XML_WEIGHT * len(raw), lambda: json_of(raw, limits=limits, most_elements=most))
        return raw

    async def form_pairs(self) -> list[tuple[str, str]]:
        """The parameters of a POSTed search."""
        self.check_type(frozenset({_FORM}))
        return parse_pairs(await self.body())

    def check_type(self, accepted: frozenset[str]) -> str:
        """The media type of the body. Raises UnsupportedMediaType for any other than the accepted ones."""
        media, _, rest = self.header(b"content-type").partition(";")
        parameters = dict(part.strip().lower().partition("=")[::2] for part in rest.split(";") if part.strip())
        charset = parameters.get("charset", "utf-8").strip('"')
        if media.strip().lower() not in accepted or charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(f"Send {' or '.join(sorted(accepted))} in UTF-8.")
        if self.header(b"content-encoding") not in {"", "identity"}:
            raise UnsupportedMediaType("Compressed requests are not taken.")
        return media.strip().lower()

    async def body(self) -> bytes:
        """The bytes of the body. Raises TooLarge before it has read more than is taken, and TooSlow for one that trickles.

        What was asked is known when its last byte is here, and is decided by that moment: a body that is held back keeps no
        relation, consent, mandate or token alive.
        """
        announced = self.header(b"content-length")
        if announced.isdecimal() and int(announced) > self.max_body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._received()
        except TimeoutError:
            raise TooSlow from None

    async def _received(self) -> bytes:
        chunks, size = [], 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("The request ended before its body.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.max_body_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body"):
                if self.ask_again is not None:
                    self.ask = replace(self.ask_again(), trace=self.ask.trace)
                raw = b"".join(chunks)
                self.names_shak = names_shak(raw)
                return raw

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A request body is at most {self.max_body_bytes // 2**20} MiB.")


def parse_pairs(raw: bytes) -> list[tuple[str, str]]:
    """Decoded parameters. Raises BadRequest for what is not UTF-8 or too many."""
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise BadRequest("The parameters are not URL-encoded UTF-8, or are too many.") from None
