"""Taking a file as it came, whatever it is: EDIFACT, MedCom's XML, FHIR's XML or JSON; told by its content, never by what it is called."""

from contextlib import suppress
from dataclasses import dataclass

import orjson

from helhed.exchange.legacy import encode, from_fhir
from helhed.exchange.legacy.fhir import frame_of
from helhed.exchange.messages.acknowledging import OK
from helhed.exchange.messages.delivering import Deliveries
from helhed.exchange.messages.intake import Intake, Taken
from helhed.exchange.messages.older import Letters, is_letter
from helhed.exchange.messages.rules import ACKNOWLEDGEMENT
from helhed.fhir import exact
from helhed.fhir.parsing import DEFAULT_LIMITS
from helhed.fhir.store import Store
from helhed.fhir.xml import json_of
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError, TooLarge
from helhed.foundation.settings import RESOURCE_ELEMENTS

_XML_WEIGHT, _LETTER_WEIGHT = 4, 6
_FRAME = b"urn:helhed:legacy-frame"


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a file."""

    answer: bytes  #: b"" for an acknowledgement, which is never acknowledged
    syntax: str  #: of the answer: edi, xml or json
    taken: tuple[Taken, ...]  #: one for each message in it

    @property
    def worst(self) -> Taken:
        """The first that was not taken, or the first."""
        return next((one for one in self.taken if one.code != OK), self.taken[0])


async def take_file(store: Store, ask: Ask, raw: bytes, channel: str) -> Handed:
    """Raises what ``Intake.take`` and ``Letters.take`` raise, and Unknown for an acknowledgement of what was never handed over."""
    intake = Intake(store)
    syntax = syntax_of(raw)
    if len(raw) > DEFAULT_LIMITS.bytes:
        await intake.unreadable(ask, raw, channel, TooLarge())
        raise TooLarge
    if syntax == "edi" or (syntax == "xml" and is_letter(raw)):
        answered = await Letters(store, intake).take(ask, raw, channel)
        return Handed(answered.receipt, syntax, answered.taken)
    plain = raw
    if syntax == "xml":
        try:
            plain = await aside(_XML_WEIGHT * len(raw), lambda: json_of(raw, limits=DEFAULT_LIMITS, most_elements=RESOURCE_ELEMENTS))  # fmt: skip
        except HelhedError as error:
            await intake.unreadable(ask, raw, channel, error)
            raise
    message = await intake.readable(ask, plain, channel, raw)
    if message.type.name == ACKNOWLEDGEMENT:
        await Deliveries(store).settle(ask, message)
        return Handed(b"", "json", (Taken(None, OK, b""),))
    taken = await intake.take_read(ask, message, raw, channel)
    return Handed(taken.answer, "json", (taken,))


async def take_kept(store: Store, ask: Ask, body: bytes, channel: str) -> Taken:
    """Once more what was put aside: a letter, of which the message with its frame was kept, goes the way of letters again."""
    letter = await aside(_LETTER_WEIGHT * len(body), lambda: _letter_in(body))
    return (await take_file(store, ask, body if letter is None else letter, channel)).worst


def syntax_of(raw: bytes) -> str:
    """edi, xml or json."""
    begins = raw[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return "edi" if begins[:3] in {b"UNA", b"UNB"} else "xml" if begins.startswith(b"<") else "json"


def _letter_in(body: bytes) -> bytes | None:
    """The letter that a message came as; None for a message that came as itself, or whose frame is no frame."""
    if _FRAME not in body or syntax_of(body) != "json":
        return None
    with suppress(HelhedError, orjson.JSONDecodeError, LookupError, TypeError, AttributeError, ValueError):
        bundle = exact.loads(body)
        if frame_of(bundle) is not None:
            return encode(from_fhir(bundle))
    return None
