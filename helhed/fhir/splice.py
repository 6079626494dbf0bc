"""Bytes in, bytes out: what was submitted is what is kept, with only id and meta spliced in (and references resolved before)."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: the server says these; other meta (profile, tag, security) is the client's
_OURS = (b"versionId", b"lastUpdated")
_AFTER_TYPE = ("id", "meta")
#: the usual beginning: the type, then the id and plain meta if there are any
_HEAD = re.compile(rb'(\{"resourceType":"[A-Za-z]+")(,"id":"[^"\\]*")?(?:,"meta":\{([^{}]*)\})?(?=[,}])')
#: an id at the very end: what closes behind it is the resource itself
_TAIL = re.compile(rb',"id":"[^"\\]*"\}\Z')


def splice(raw: bytes, identifier: str, version: int, updated: datetime, resource: dict[str, Any]) -> bytes:
    """``raw``, which reads ``resource``, as a stored version.

    White space between tokens is not kept; texts and numbers are, to the character.
    """
    compact = msgspec.json.format(raw, indent=-1) if _pretty(raw) else raw
    head = _HEAD.match(compact)
    rest = None if head is None else _without_id(compact, head, resource)
    theirs = b"" if head is None else head[3] or b""
    if head is None or rest is None or (head[3] is None) is ("meta" in resource) or _says_ours(theirs):
        return _rebuilt(compact, identifier, version, updated)
    ours, joint = _our_meta(version, updated), b"," if theirs else b""
    return b'%b,"id":"%b","meta":%b%b%b}%b' % (head[1], identifier.encode(), ours, joint, theirs, rest)


def _says_ours(meta: bytes) -> bool:
    return bool(meta) and any(one in meta for one in _OURS)


def _without_id(compact: bytes, head: "re.Match[bytes]", resource: dict[str, Any]) -> bytes | None:
    """What follows the beginning; None when an id stands neither in it nor at the very end."""
    rest = compact[head.end() :]
    if head[2] is not None or "id" not in resource:
        return rest
    tail = _TAIL.search(rest)
    return None if tail is None else rest[: tail.start()] + b"}"


def _rebuilt(raw: bytes, identifier: str, version: int, updated: datetime) -> bytes:
    """The same for a resource whose properties stand in another order, or that has meta of its own."""
    parts = _PARTS.decode(raw)
    kept = [parts.pop("resourceType"), *(parts.pop(name, None) for name in _AFTER_TYPE)]
    head = b'{"resourceType":' + bytes(kept[0] or b"null") + b',"id":"' + identifier.encode() + b'","meta":'
    rest = msgspec.json.encode(parts)
    joint = b"," if parts else b""
    return head + _meta(kept[2], version, updated) + joint + rest[1:]


def _pretty(raw: bytes) -> bool:
    """Whether white space between tokens is worth removing (line breaks within texts are escaped)."""
    return b"\n" in raw or b'": ' in raw


def _meta(submitted: msgspec.Raw | None, version: int, updated: datetime) -> bytes:
    ours = _our_meta(version, updated)
    if submitted is None:
        return ours + b"}"
    theirs = _PARTS.decode(bytes(submitted))
    more = (
        b"," + orjson.dumps(name) + b":" + bytes(value) for name, value in theirs.items() if name.encode() not in _OURS
    )
    return ours + b"".join(more) + b"}"


@lru_cache(maxsize=1024)
def _our_meta(version: int, updated: datetime) -> bytes:
    """What the server says of a version, still open for what the client says."""
    return b'{"versionId":"%d","lastUpdated":"%s"' % (version, instant(updated).encode())


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


def set_property(raw: bytes, resource: dict[str, Any], name: str, value: Any) -> tuple[bytes, dict[str, Any]]:
    """A resource with another value of one property, or without it (None), as bytes and parsed."""
    parts = _PARTS.decode(raw)
    rest = {own: inner for own, inner in resource.items() if own != name}
    parts.pop(name, None)
    if value is not None:
        parts[name] = msgspec.Raw(orjson.dumps(value))
        rest[name] = value
    return msgspec.json.encode(parts), rest
