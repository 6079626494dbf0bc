"""The text of an attribute as a value of its type: JSON tells numbers and booleans from strings, XML does not."""

import re
from functools import cache
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.exact import Decimal
from helhed.fhir.xml.names import BOOLEAN, DECIMAL, WHOLE_NUMBERS
from helhed.foundation.errors import InvalidResource, Issue

_BOOLEANS = {"true": True, "false": False}


def typed(kind: str, text: str, place: str, longest: int) -> Any:
    """The value. Raises InvalidResource for an empty attribute, and for a number or boolean that is none."""
    if not text.strip():
        raise InvalidResource(issues=[Issue("structure", "An attribute is never empty.", place)])
    if kind == BOOLEAN:
        if text not in _BOOLEANS:
            raise _wrong(kind, place)
        return _BOOLEANS[text]
    if kind == DECIMAL or kind in WHOLE_NUMBERS:
        if len(text) > longest:
            raise InvalidResource(
                issues=[Issue("value", f"The number {text[:20]}… is longer than {longest} characters.", place)]
            )
        if not _pattern(kind).fullmatch(text):
            raise _wrong(kind, place)
        return Decimal(text) if kind == DECIMAL else int(text)
    return text


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(facts.primitives()[kind])


def _wrong(kind: str, place: str) -> InvalidResource:
    return InvalidResource(issues=[Issue("value", f"This is not a value of the type {kind}.", place)])
