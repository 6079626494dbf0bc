"""Strict JSON (RFC 8259, with I-JSON's ban on duplicate names, RFC 7493): one meaning, or a refusal that names the place."""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from helhed.foundation.errors import BadRequest, InvalidResource, Issue, TooLarge


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost."""

    bytes: int = 16 * 1024 * 1024
    depth: int = 64
    number_characters: int = 64


DEFAULT_LIMITS = Limits()
_MOST_OPENED = 1_000_000
_MOST_EXPONENT = 400  #: a double reaches to 324; PostgreSQL takes some thousands, and fails at every look at more
_BOM = b"\xef\xbb\xbf"
#: a whole string; one that never ends reaches to the end, so that a scan stays linear
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_BRACKETS_OR_QUOTES = bytes(set(range(256)) - set(b'[]{}"'))


def parse_json(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The JSON object in ``raw``. Raises BadRequest, InvalidResource or TooLarge, naming the place."""
    return parse_compact(raw, limits=limits)[0]


def parse_compact(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[dict[str, Any], bytes]:
    """The same, and the document without white space between its tokens."""
    check_shape(raw, limits)
    return parse_shaped(raw, limits)


def parse_list(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """The same for a JSON list whose shape was checked: a JSON Patch is one."""
    parsed = parse_shaped(b'{"list":' + raw + b"}", limits)[0]["list"]
    if not isinstance(parsed, list):
        raise BadRequest("This document is a JSON list.")
    return parsed


def parse_shaped(raw: bytes, limits: Limits) -> tuple[dict[str, Any], bytes]:
    """The same for a document whose shape was checked."""
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_sentence(raw, error)) from None
    if not isinstance(parsed, dict):
        raise BadRequest("A FHIR document is a JSON object.")
    if b"\\u0000" in raw:
        raise BadRequest("The document holds a NUL character.")
    written = orjson.dumps(parsed)
    if written == raw:  # compact already, and nothing that _check_text looks for
        return parsed, raw
    compact = msgspec.json.format(raw, indent=-1)
    if written != compact:
        _check_text(raw, parsed, compact, limits)
    return parsed, compact


def check_shape(raw: bytes, limits: Limits) -> None:
    """What must hold before anything is parsed. Raises BadRequest or TooLarge."""
    _check_start(raw, limits)
    _check_depth(raw, limits.depth)


def checked_lines(raw: bytes, limits: Limits) -> list[bytes]:
    """The lines of NDJSON, of which the same must hold, each looked at for itself: most are too short to be deep."""
    _check_start(raw, limits)
    _check_count(raw.count(b"[") + raw.count(b"{"))
    lines = raw.split(b"\n")
    for line in lines:
        _check_depth(line, limits.depth)
    return lines


def _check_start(raw: bytes, limits: Limits) -> None:
    if len(raw) > limits.bytes:
        raise TooLarge(f"The document is larger than {limits.bytes // 2**20} MiB.")
    if raw.startswith(_BOM):
        raise BadRequest("The document starts with a byte order mark: send UTF-8 without one.")


def _sentence(raw: bytes, error: orjson.JSONDecodeError) -> str:
    if "surrogate" in str(error) or "UTF-8" in str(error):
        return f"The document is not clean UTF-8 (line {error.lineno})."
    if "infinity" in str(error):
        return f"A number is too large or too small (line {error.lineno}, column {error.colno})."
    return f"The document is not JSON: line {error.lineno}, column {error.colno}."


def _check_depth(raw: bytes, limit: int) -> None:
    """Before any recursion: a document as flat as its brackets are few needs no scan."""
    opened = raw.count(b"[") + raw.count(b"{")
    _check_count(opened)
    if opened > limit and _too_deep(_brackets(raw), limit):
        raise BadRequest(f"The document is nested deeper than {limit} levels.")


def _check_count(opened: int) -> None:
    if opened > _MOST_OPENED:
        raise TooLarge(f"The document holds more than {_MOST_OPENED} objects and lists.")


def _brackets(raw: bytes) -> bytes:
    """The brackets of the document in order, all written as square ones, without those in strings."""
    plain = raw if b"\\" not in raw else raw.replace(b"\\\\", b"").replace(b'\\"', b"")  # no quotes within strings
    bare = plain.translate(_ALIKE, _NOT_BRACKETS_OR_QUOTES).replace(b'""', b"")
    if b'"' not in bare:  # no string held a bracket, else its first quote would still stand
        return bare
    return _STRING.sub(b"", raw).translate(_ALIKE, _NOT_BRACKETS)


def _too_deep(brackets: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than ``limit``. Those that do not match are the parser's to refuse."""
    for _ in range(limit):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    else:
        return bool(brackets)
    first = brackets[: limit + 1]
    return len(first) > limit and not first.strip(b"[")


def _check_text(raw: bytes, parsed: dict[str, Any], compact: bytes, limits: Limits) -> None:
    """No object names a property twice, and no number is longer than a clinic needs.

    When writing the parsed value gives back the very bytes (as they are, which the caller has seen, or as clients that
    escape beyond ASCII write them), nothing was dropped and every number is short; else names and numbers are looked at
    one by one.
    """
    if json.dumps(parsed, separators=(",", ":")).encode() == compact:
        return

    def number(text: str) -> float:
        if len(text) > limits.number_characters:
            raise BadRequest(f"The number {text[:20]}… is longer than {limits.number_characters} characters.")
        return _finite(text)

    json.loads(raw, object_pairs_hook=_unique, parse_float=number, parse_int=number, parse_constant=_refuse)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InvalidResource(issues=[Issue("structure", f"The property {twice[:60]!r} stands twice in one object.")])
    return found


def _finite(text: str) -> float:
    exponent = text.lower().partition("e")[2]
    if exponent and abs(int(exponent)) > _MOST_EXPONENT:
        raise BadRequest(f"The number {text[:40]} is too large or too small.")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadRequest(f"The number {text[:40]} is too large.")
    return value


def _refuse(text: str) -> Any:
    raise BadRequest(f"{text} is not a number in JSON.")
