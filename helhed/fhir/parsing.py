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
_BOM = b"\xef\xbb\xbf"
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]')


def parse_json(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The JSON object in ``raw``. Raises BadRequest, InvalidResource or TooLarge, naming the place."""
    if len(raw) > limits.bytes:
        raise TooLarge(f"The document is larger than {limits.bytes // 2**20} MiB.")
    if raw.startswith(_BOM):
        raise BadRequest("The document starts with a byte order mark: send UTF-8 without one.")
    _check_depth(raw, limits.depth)
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_sentence(raw, error)) from None
    if not isinstance(parsed, dict):
        raise BadRequest("A FHIR document is a JSON object.")
    if b"\\u0000" in raw:
        raise BadRequest("The document holds a NUL character.")
    _check_text(raw, parsed, limits)
    return parsed


def _sentence(raw: bytes, error: orjson.JSONDecodeError) -> str:
    if "surrogate" in str(error) or "UTF-8" in str(error):
        return f"The document is not clean UTF-8 (line {error.lineno})."
    return f"The document is not JSON: line {error.lineno}, column {error.colno}."


def _check_depth(raw: bytes, limit: int) -> None:
    """Before any recursion: a document as flat as its brackets are few needs no scan."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    if not _too_deep(raw.translate(None, _OTHERS), limit):
        return
    depth = 0
    for match in _STRUCTURE.finditer(raw):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            if depth > limit:
                line = raw.count(b"\n", 0, match.start()) + 1
                raise BadRequest(f"The document is nested deeper than {limit} levels (line {line}).")
        elif token in (b"}", b"]"):
            depth -= 1


_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_CLOSED = re.compile(rb"\[\]|\{\}")


def _too_deep(brackets: bytes, limit: int) -> bool:
    """Whether brackets, strings' own included, may nest deeper than ``limit``: an upper bound, cheap to find."""
    for _ in range(limit):
        fewer = _CLOSED.sub(b"", brackets)
        if not fewer:
            return False
        if len(fewer) == len(brackets):
            return True
        brackets = fewer
    return True


def _check_text(raw: bytes, parsed: dict[str, Any], limits: Limits) -> None:
    """No object names a property twice, and no number is longer than a clinic needs.

    When writing the parsed value gives back the very bytes (as they are, or as clients that escape beyond ASCII write
    them), nothing was dropped and every number is short; else names and numbers are looked at one by one.
    """
    compact = msgspec.json.format(raw, indent=-1)
    if orjson.dumps(parsed) == compact or json.dumps(parsed, separators=(",", ":")).encode() == compact:
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
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadRequest(f"The number {text[:40]} is too large.")
    return value


def _refuse(text: str) -> Any:
    raise BadRequest(f"{text} is not a number in JSON.")
