"""What is listed for a unit as its page shows it: to whoever keeps it, with what they may do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from helhed.portals.language import Words
from helhed.registries.addressing import message_types
from helhed.registries.units.keeping_listings import Listing
from helhed.registries.units.specialities import told


@dataclass(frozen=True, slots=True)
class ListingLine:
    """A place where messages come, or a service."""

    id: UUID
    what: str
    days: str
    ahead: bool  #: whether something of it lies ahead, and can be taken back
    begun: bool


def listing_lines(listings: Sequence[Listing], words: Words, today: date) -> list[ListingLine]:
    """The unit's own, those for messages first."""
    return [_line(one, words, today) for one in listings]


def coming(lines: Sequence[ListingLine]) -> list[ListingLine]:
    """Those that will begin or end: what everybody is told of."""
    return [one for one in lines if one.ahead]


def _line(one: Listing, words: Words, today: date) -> ListingLine:
    begun = one.begins is None or one.begins <= today
    what = _messages(one.said, words) if one.type == "Endpoint" else _service(one.said, words)
    return ListingLine(one.id, what, _days(one, words), not begun or one.ends is not None, begun)


def _days(one: Listing, words: Words) -> str:
    first = None if one.begins is None else words.day(one.begins)
    last = None if one.ends is None else words.day(one.ends - timedelta(days=1))
    if first and last:
        return words("units.between", first=first, last=last)
    if last:
        return words("units.until", day=last)
    return words("units.since", day=first) if first else ""


def _messages(said: Mapping[str, Any], words: Words) -> str:
    known = message_types()
    codes = [
        str(coding.get("code", "")).lower() for one in said.get("payloadType", ()) for coding in one.get("coding", ())
    ]
    types = words.listed([known[code][words.language] if code in known else code for code in codes])
    return words("units.takes_at", types=types, address=str(said.get("address", "")))


def _service(said: Mapping[str, Any], words: Words) -> str:
    named = [str(said["name"])] if said.get("name") else []
    return ", ".join(dict.fromkeys([*named, *told(said.get("specialty", ()), words.language)]))
