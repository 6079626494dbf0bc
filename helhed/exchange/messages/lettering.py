"""A copy as the receiver's system reads it: the FHIR message in an envelope of its own, or a letter in MedCom's older syntaxes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.exchange.legacy import encode, from_fhir
from helhed.exchange.legacy.composing import compose
from helhed.exchange.legacy.fhir import frame_of
from helhed.fhir import exact

#: event code -> the older messages that say the same, as the address book names them: XML first
OLDER_NAMES = {"care-communication-message": ["xdis91", "dis91"]}
_MEDIA = {"xml": "application/xml", "edi": "application/edifact", "json": "application/fhir+json"}
_DIGITS = 14  #: of the number of an envelope


@dataclass(frozen=True, slots=True)
class Rendered:
    """What goes over the line."""

    body: bytes
    suffix: str  #: json, xml or edi
    number: str = ""  #: of the letter's envelope
    told: str = ""  #: what it became, and what it names alone

    @property
    def media(self) -> str:
        """Its media type."""
        return _MEDIA[self.suffix]


def rendered(body: bytes, enveloped: bytes, envelope: UUID, sent_at: datetime, taken_as: str | None) -> Rendered:
    """``taken_as``: the name of an older message in the address book, or None. A letter that came as one goes on word for word.

    Raises Unprocessable for what no letter can say.
    """
    if not taken_as:
        return Rendered(enveloped, "json")
    bundle = exact.loads(body)
    if frame_of(bundle) is not None:
        letter = from_fhir(bundle)
        number = str(bundle.get("identifier", {}).get("value", ""))
        return Rendered(encode(letter), _suffix(letter.syntax), number, taken_as.upper())
    number = str(envelope.int % 10**_DIGITS).zfill(_DIGITS)
    made = compose(bundle, "xml" if taken_as.startswith("x") else "edifact", number, sent_at)
    told = "; ".join([taken_as.upper(), *made.left_out])
    return Rendered(encode(made.letter), _suffix(made.letter.syntax), number, told)


def _suffix(syntax: str) -> str:
    return "edi" if syntax == "edifact" else "xml"
