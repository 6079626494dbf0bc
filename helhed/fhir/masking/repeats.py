"""What was masked and stands elsewhere in the same resource once more: a display, a text, an extension that repeats it."""

import re
from collections.abc import Iterator
from typing import Any

from helhed.fhir.indexing import normalise

#: what is matched as a whole only, since it stands within many words
_SHORT = 4
#: properties whose texts say how something is meant, not what was written
_STRUCTURE = frozenset({
    "resourceType", "id", "reference", "system", "url", "code", "use", "type", "status", "contentType", "language", "versionId", "lastUpdated", "profile",
    "comparator", "mode", "unit",
})  # fmt: skip
_NUMBER = re.compile(r"\d[\d.,]*\d")
_MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?")


class Number(str):
    """A number as it was written."""

    __slots__ = ()


class Repeats:
    """Tells which texts repeat what was taken out."""

    def __init__(self, taken: list[Any]) -> None:
        texts = {normalise(text) for value in taken for text in _written(value, "")}
        self._long = tuple(sorted(text for text in texts if len(text) >= _SHORT))
        self._short = frozenset(text for text in texts if 0 < len(text) < _SHORT)
        self._numbers = frozenset(number for value in taken for number in _numbers(value))

    def repeats(self, name: str, text: str) -> bool:
        """Whether the text of a property says again what was taken out."""
        if name in _STRUCTURE or _MOMENT.fullmatch(text):
            return False
        folded = normalise(text)
        if folded in self._short or any(one in folded for one in self._long):
            return True
        return bool(self._numbers) and any(_plain(one) in self._numbers for one in _NUMBER.findall(text))

    def counts(self, number: Number) -> bool:
        """Whether a number is one that was taken out."""
        return _plain(number) in self._numbers


def _written(value: Any, name: str) -> Iterator[str]:
    """The texts in what was taken out."""
    if isinstance(value, dict):
        for own, inner in value.items():
            yield from _written(inner, own.removeprefix("_"))
    elif isinstance(value, list):
        for one in value:
            yield from _written(one, name)
    elif (
        isinstance(value, str)
        and not isinstance(value, Number)
        and name not in _STRUCTURE
        and not _MOMENT.fullmatch(value)
    ):
        yield value


def _numbers(value: Any) -> Iterator[str]:
    """The numbers in what was taken out that are long enough to say something."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _numbers(one)
    elif isinstance(value, Number) and len(plain := _plain(value)) > 1:
        yield plain


def _plain(number: str) -> str:
    """A number as it is compared: 8,30 is 8.3."""
    text = number.replace(",", ".")
    return text.rstrip("0").rstrip(".") if "." in text else text
