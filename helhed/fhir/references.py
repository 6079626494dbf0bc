"""Rewriting references: in parsed resources for the index, in raw bytes for what is kept."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

#: a literal reference, found by its name (the literal prefix keeps the scan fast)
_REFERENCE = re.compile(rb'"reference"\s*:\s*("(?:[^"\\]|\\.)*")')
#: uri and canonical elements that may name an entry of the same Bundle
_LINK = re.compile(rb'"(?:url|uri|canonical|valueUri|valueUrl|valueCanonical)"\s*:\s*("urn:(?:[^"\\]|\\.)*")')
#: how a literal reference begins, compact and as most writers set it
_BEGINNINGS = (b'"reference":"', b'"reference": "')
_ANY_BEGINNING = b'"reference"'
_NAMES = frozenset({"reference", "url", "uri", "canonical", "valueUri", "valueUrl", "valueCanonical"})


def rewrite(resource: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """``resource`` with the references in ``mapping`` replaced; parts without any are shared, not copied."""
    changed = _rewritten(resource, mapping) if mapping else resource
    assert isinstance(changed, dict)
    return changed


def _rewritten(value: Any, mapping: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        fresh: dict[str, Any] | None = None
        for name, inner in value.items():
            if isinstance(inner, str):
                one: Any = _replacement(inner, mapping) if _links(name, inner) else inner
            else:
                one = _rewritten(inner, mapping) if isinstance(inner, (dict, list)) else inner
            if one is not inner:
                fresh = dict(value) if fresh is None else fresh
                fresh[name] = one
        return value if fresh is None else fresh
    if isinstance(value, list):
        some = [_rewritten(inner, mapping) if isinstance(inner, (dict, list)) else inner for inner in value]
        return some if any(a is not b for a, b in zip(some, value, strict=True)) else value
    return value


def _links(name: str, text: str) -> bool:
    return name == "reference" or (name in _NAMES and text.startswith("urn:"))


def _replacement(text: str, mapping: Mapping[str, str]) -> str:
    """``text`` itself, or what it stands for; a fragment stays behind it."""
    found = mapping.get(text)
    if found is not None:
        return found
    name, mark, fragment = text.partition("#")
    found = mapping.get(name) if mark and name else None
    return text if found is None else f"{found}#{fragment}"


def rewrite_raw(raw: bytes, mapping: Mapping[str, str]) -> bytes:
    """The same on bytes, every other byte kept."""
    if not mapping:
        return raw

    def replaced(match: "re.Match[bytes]") -> bytes:
        text = match[1]
        name = text[1:-1].decode(errors="surrogateescape") if b"\\" not in text else str(orjson.loads(text))
        found = _replacement(name, mapping)
        whole = match[0]
        return whole if found == name else whole[: -len(text)] + orjson.dumps(found)

    fresh = _rewritten_between(raw, mapping)
    if fresh is None:
        fresh = _REFERENCE.sub(replaced, raw)
    return _LINK.sub(replaced, fresh) if _has_links(fresh) else fresh


def _rewritten_between(raw: bytes, mapping: Mapping[str, str]) -> bytes | None:
    """References replaced where all begin alike and none is escaped: quicker than a pattern. None where it is not so."""
    many = raw.count(_ANY_BEGINNING)
    beginning = next((one for one in _BEGINNINGS if raw.count(one) == many), None)
    if beginning is None:
        return None
    parts = raw.split(beginning)
    written = _Written(mapping)
    for place in range(1, len(parts)):
        part = parts[place]
        end = part.find(b'"')
        text = part[:end] if end >= 0 else part
        if b"\\" in text:
            return None
        parts[place] = written[text] + part[len(text) :]
    return beginning.join(parts)


class _Written(dict[bytes, bytes]):
    """What stands for a reference that is written without escapes: itself, or what it is replaced by. Most come again."""

    __slots__ = ("_mapping",)

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping

    def __missing__(self, text: bytes) -> bytes:
        name = text.decode(errors="surrogateescape")
        found = _replacement(name, self._mapping)
        self[text] = fresh = text if found == name else orjson.dumps(found)[1:-1]
        return fresh


def _has_links(raw: bytes) -> bool:
    """Whether an address stands anywhere but as the fullUrl of an entry (counting is quicker than looking for names)."""
    return raw.count(b'"urn:uuid:') > raw.count(b'"fullUrl":"urn:uuid:') + raw.count(b'"fullUrl": "urn:uuid:')


def references_in(value: Any) -> Iterator[str]:
    """Every Reference.reference text in a parsed resource."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str):
            yield text
        for inner in value.values():
            if isinstance(inner, (dict, list)):
                yield from references_in(inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (dict, list)):
                yield from references_in(inner)
