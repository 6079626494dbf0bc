"""JSON of what a message says: by the quick writer, or to the digit where a decimal has digits that a float does not keep."""

from typing import Any

import orjson

from helhed.fhir import exact


def loads(raw: bytes, plain: dict[str, Any]) -> dict[str, Any]:
    """``raw``, of which ``plain`` is the quick reading, to the digit."""
    if orjson.dumps(plain) == raw or b"." not in raw:
        return plain
    found: dict[str, Any] = exact.loads(raw)
    return found


def dumps(value: Any) -> bytes:
    """JSON of what was read."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a decimal with its digits
        return exact.dumps(value)


def change_parts(body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A resource as the store takes it: parsed, and its bytes."""
    raw = dumps(body)
    return orjson.loads(raw), raw
