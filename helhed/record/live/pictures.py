"""Fetching one image for a reader: the row that presents it is read and logged first, then the bytes come from here or from the source.

Nobody is sent to a source, and no address of a source leaves: the network fetches, within a deadline, JPEG and PNG alone.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

import orjson

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Overloaded, Unknown
from helhed.foundation.ids import parse_id
from helhed.record.images import attachments, frames
from helhed.record.live.faults import SourceFault
from helhed.record.live.gathering import LiveSources
from helhed.record.live.keeping import Opened
from helhed.record.live.rules import rules
from helhed.record.live.talking import beneath
from helhed.record.paths import Json

_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_ACCEPT = "image/jpeg, image/png"
_BINARY = b'{"resourceType"'


class NotShown(Overloaded):
    """The image cannot be shown now: its source does not answer, or what it answers is no image."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image, whole."""

    kind: str
    content: bytes


class Pictures:
    """Fetches images."""

    def __init__(self, store: Store, live: LiveSources | None) -> None:
        self._store, self._live = store, live

    async def of(
        self, ask: Ask, type_name: str, identifier: UUID | None, place: int, *, by_address: bool = False
    ) -> Image:
        """One image of a row; ``by_address``, the one that the row's own address for it has the number of. Raises Unknown for what the ask may not see or what is no image, NotShown when it does not come."""
        opened: Opened | None = None
        try:
            body = (await self._store.read(ask, type_name, identifier)).body
        except Unknown:
            opened = await self._answered(ask, type_name, identifier)
            body = opened.version.body
        content = orjson.loads(body)
        if by_address and type_name != "ImagingStudy":
            place = _place(content, place)
        if type_name == "ImagingStudy":
            return _image(await self._frame(ask, opened, content, place))
        return _image(await self._attachment(ask, opened, content, place))

    async def _answered(self, ask: Ask, type_name: str, identifier: UUID | None) -> Opened:
        live = self._live
        opened = await live.kept.read(ask, type_name, identifier) if live and live.any_live and identifier else None
        if opened is None:
            raise Unknown
        return opened

    async def _attachment(self, ask: Ask, opened: Opened | None, content: Json, place: int) -> bytes:
        try:
            wanted = attachments(content)[place]
        except IndexError:
            raise Unknown from None
        if isinstance(wanted.get("data"), str):
            return _decoded(wanted["data"])
        url = str(wanted.get("url", ""))
        if opened is None:
            return await self._stored(ask, url)
        number = url.rpartition("$attachment?number=")[2]
        if not number.isdecimal() or int(number) >= len(opened.addresses):
            raise Unknown
        return await self._fetched(ask, opened, opened.terms.address, opened.addresses[int(number)])

    async def _stored(self, ask: Ask, url: str) -> bytes:
        kind, _, name = url.partition("/")
        if kind != "Binary":
            raise Unknown
        return _decoded(str(orjson.loads((await self._store.read(ask, kind, parse_id(name))).body).get("data", "")))

    async def _frame(self, ask: Ask, opened: Opened | None, content: Json, place: int) -> bytes:
        """Rendered by the source (DICOM PS3.18, section 10.4.1.1.3: ``rendered``)."""
        shown = list(frames(content))
        if opened is None or not opened.terms.images or place >= len(shown):
            raise Unknown
        one = shown[place]
        parts = ("studies", one.study, "series", one.series, "instances", one.instance, "rendered")
        path = "/".join(quote(part, safe="") for part in parts)
        return await self._fetched(ask, opened, opened.terms.images, f"{opened.terms.images}/{path}")

    async def _fetched(self, ask: Ask, opened: Opened, base: str, address: str) -> bytes:
        url = beneath(base, address)
        if url is None or self._live is None:
            raise NotShown
        try:
            async with self._live.deadline(float(rules().image_seconds)):
                talk = await self._live.talk(opened.terms, ask)
                answer = await talk.bytes_at(url, _ACCEPT, rules().most_image_bytes)
        except (SourceFault, TimeoutError):
            raise NotShown from None
        if answer.body.startswith(_BINARY):  # a Binary that was not sent as its bytes
            return await asyncio.to_thread(_of_binary, answer.body)
        return answer.body


def _place(content: Json, number: int) -> int:
    """Where the attachment stands that the row addresses by this number. Raises Unknown."""
    wanted = f"/$attachment?number={number}"
    found = next((n for n, one in enumerate(attachments(content)) if str(one.get("url", "")).endswith(wanted)), None)
    if found is None:
        raise Unknown
    return found


def _of_binary(body: bytes) -> bytes:
    try:
        return _decoded(str(orjson.loads(body).get("data", "")))
    except orjson.JSONDecodeError:
        raise NotShown from None


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise NotShown from None


def _image(content: bytes) -> Image:
    """By its first bytes, whatever it is said to be. Raises NotShown for what is no JPEG and no PNG."""
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            return Image(kind, content)
    raise NotShown
