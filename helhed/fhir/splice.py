"""Bytes in, bytes out: what was submitted is what is kept, with only id and meta spliced in (and references resolved before)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: the server says these; other meta (profile, tag, security) is the client's
_OURS = ("versionId", "lastUpdated")
_AFTER_TYPE = ("id", "meta")


def splice(raw: bytes, identifier: str, version: int, updated: datetime) -> bytes:
    """``raw`` as a stored version. White space between tokens is not kept; texts and numbers are, to the character."""
    parts = _PARTS.decode(raw)
    kept = [parts.pop("resourceType"), *(parts.pop(name, None) for name in _AFTER_TYPE)]
    head = b'{"resourceType":' + bytes(kept[0] or b"null") + b',"id":"' + identifier.encode() + b'","meta":'
    rest = msgspec.json.encode(parts)
    joint = b"," if parts else b""
    whole = head + _meta(kept[2], version, updated) + joint + rest[1:]
    return msgspec.json.format(whole, indent=-1) if _pretty(raw) else whole


def _pretty(raw: bytes) -> bool:
    """Whether white space between tokens is worth removing."""
    return b"\n" in raw or b'": ' in raw


def _meta(submitted: msgspec.Raw | None, version: int, updated: datetime) -> bytes:
    ours = b'{"versionId":"%d","lastUpdated":"%s"' % (version, instant(updated).encode())
    if submitted is None:
        return ours + b"}"
    theirs = _PARTS.decode(bytes(submitted))
    more = (b"," + orjson.dumps(name) + b":" + bytes(value) for name, value in theirs.items() if name not in _OURS)
    return ours + b"".join(more) + b"}"


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def add_identifier(raw: bytes, resource: dict[str, Any], identifier: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """A resource with one more business identifier, as bytes and parsed."""
    parts = _PARTS.decode(raw)
    fresh = orjson.dumps(identifier)
    known = bytes(parts["identifier"]).rstrip() if "identifier" in parts else b"[]"
    joint = b"" if not resource.get("identifier") else b","
    parts["identifier"] = msgspec.Raw(known[:-1] + joint + fresh + b"]")
    changed = {**resource, "identifier": [*resource.get("identifier", ()), identifier]}
    return msgspec.json.encode(parts), changed
