"""Formats a pattern cannot tell: real dates and sound base64."""

import binascii
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from helhed.fhir.definitions import facts
from helhed.fhir.moments import TO_THE_SECOND

_PATTERNS = {kind: re.compile(facts.primitives()[kind], re.ASCII) for kind in ("date", "dateTime", "instant", "time")}
_DATE_CHARACTERS = 10
_LONGEST = 64  #: what is remembered is short


@lru_cache(maxsize=1 << 16)
def _real(kind: str, text: str) -> bool:
    if _PATTERNS[kind].fullmatch(text) is None:
        return False
    if kind == "time" or len(text) < _DATE_CHARACTERS:
        return True
    try:
        date.fromisoformat(text[:_DATE_CHARACTERS])
    except ValueError:
        return False
    return True


def _base64(text: str) -> bool:
    try:
        binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text)


def _when(kind: str) -> Callable[[str], bool]:
    return lambda text: len(text) <= _LONGEST and _real(kind, text)


def _moment(kind: str) -> Callable[[str], bool]:
    """Most moments are told to the second and come once: no use in remembering those."""
    seldom = _when(kind)

    def real(text: str) -> bool:
        if TO_THE_SECOND.fullmatch(text) is None:
            return seldom(text)
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return False
        return True

    return real


FORMATS = {
    "fhir-date": _when("date"),
    "fhir-dateTime": _moment("dateTime"),
    "fhir-instant": _moment("instant"),
    "fhir-time": _when("time"),
    "fhir-base64": _base64,
}
