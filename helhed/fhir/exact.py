"""JSON with its decimals as they were written: 4.60 stays 4.60 through parsing, changing and writing.

For the few resources that are changed in parts (patches). Everything else keeps bytes (decision 0002).
"""

import json
from typing import Any

import orjson


class Decimal(float):
    """A number with a fraction or an exponent, and its text."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Decimal":
        """Of the text as it stands in JSON."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __deepcopy__(self, memo: Any) -> "Decimal":
        return self


def loads(raw: bytes) -> Any:
    """What ``raw`` holds. It was parsed strictly before (``parsing``)."""
    return json.loads(raw, parse_float=Decimal)


def dumps(value: Any) -> bytes:
    """The JSON of what ``loads`` gave, changed or not."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Any, parts: list[bytes]) -> None:
    if isinstance(value, dict):
        mark = b"{"
        for name, inner in value.items():
            parts += (mark, orjson.dumps(name), b":")
            _write(inner, parts)
            mark = b","
        parts.append(b"}" if value else b"{}")
    elif isinstance(value, list):
        mark = b"["
        for inner in value:
            parts.append(mark)
            _write(inner, parts)
            mark = b","
        parts.append(b"]" if value else b"[]")
    elif isinstance(value, Decimal):
        parts.append(value.text.encode())
    elif isinstance(value, int) and not isinstance(value, bool):
        parts.append(str(value).encode())
    else:
        parts.append(orjson.dumps(value))
