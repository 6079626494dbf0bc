"""XML out: the JSON of an answer, its elements in the order of their definitions, its decimals as they were written."""

import re
from typing import Any
from xml.sax.saxutils import escape

from helhed.fhir import exact
from helhed.fhir.definitions import TYPE_NUMBERS, facts
from helhed.fhir.validation.narrative import narrative_problem
from helhed.fhir.xml.names import FHIR, NARRATIVE, attributes_of, holds_resource, positions

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
#: a parser makes a space of white space in attributes unless it is escaped (XML 1.0, section 3.3.3)
_ESCAPES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
#: what no XML document can hold, not even escaped (XML 1.0, section 2.2)
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class CannotBeXml(Exception):
    """The document holds something that XML has no way to say."""


def xml_of(raw: bytes) -> bytes:
    """The XML of a resource that was validated, or that was made here. Raises CannotBeXml."""
    resource = exact.loads(raw)
    if not isinstance(resource, dict) or resource.get("resourceType") not in TYPE_NUMBERS:
        raise CannotBeXml("not a resource")
    kind = resource["resourceType"]
    parts = [_DECLARATION]
    _object(parts, f'{kind} xmlns="{FHIR}"', kind, resource)
    return "".join(parts).encode()


def _object(parts: list[str], tag: str, kind: str, held: dict[str, Any], value: Any = None) -> None:
    """A resource, data type or nested element; or a primitive, with its ``value`` and what it holds beside it."""
    as_attributes = attributes_of(kind)
    known, places = facts.properties(kind), positions(kind)
    names = dict.fromkeys(name.removeprefix("_") for name in held)
    if kind in TYPE_NUMBERS:
        del names["resourceType"]
    if not names.keys() <= places.keys():
        raise CannotBeXml(f"an element that {kind} does not have")
    attributes = "".join(f' {name}="{_text(held[name])}"' for name in sorted(as_attributes & held.keys()))
    if value is not None:
        attributes += f' value="{_text(value)}"'
    begun = len(parts)
    parts.append(f"<{tag}{attributes}>")
    for name in sorted(names.keys() - as_attributes, key=places.__getitem__):
        _property(parts, name, known[name][1], held.get(name), held.get(f"_{name}"))
    if len(parts) == begun + 1:
        parts[begun] = f"<{tag}{attributes}/>"
    else:
        parts.append(f"</{tag.partition(' ')[0]}>")


def _property(parts: list[str], name: str, kind: str, value: Any, extra: Any) -> None:
    """One property; a list is its element again and again, a null in it what the other list holds."""
    if not isinstance(value, list) and not isinstance(extra, list):
        _element(parts, name, kind, value, extra)
        return
    values, extras = value or [], extra or []
    for place in range(max(len(values), len(extras))):
        _element(
            parts,
            name,
            kind,
            values[place] if place < len(values) else None,
            extras[place] if place < len(extras) else None,
        )


def _element(parts: list[str], name: str, kind: str, value: Any, extra: Any) -> None:
    if holds_resource(kind):
        parts.append(f"<{name}>")
        _object(parts, value["resourceType"], value["resourceType"], value)
        parts.append(f"</{name}>")
    elif kind == NARRATIVE:
        if narrative_problem(value):
            raise CannotBeXml("a narrative that is not XHTML")
        parts.append(value.strip("\ufeff \t\r\n"))
    elif facts.is_type(kind):
        _object(parts, name, kind, value)
    else:
        _object(parts, name, "Element", extra or {}, value)


def _text(value: Any) -> str:
    """A primitive as XML writes it."""
    if isinstance(value, str):
        if _UNSPEAKABLE.search(value):
            raise CannotBeXml("a character that XML does not have")
        return escape(value, _ESCAPES)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, exact.Decimal) else str(value)
