"""The Narrative that MedCom's profiles ask of what goes in a message."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any


def narrated(resource: dict[str, Any]) -> dict[str, Any]:
    """With a Narrative, which MedCom's profiles ask of every resource: a person who reads it is told what it is, and no more than its elements."""
    names = [
        str(one.get("text") or " ".join([*one.get("given", ()), one.get("family", "")])) for one in _names(resource)
    ]
    told = escape(" ".join(filter(None, [resource["resourceType"], *names, str(resource.get("status", ""))])))
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'}
    return {**{name: resource[name] for name in ("resourceType", "id")}, "text": text, **resource}


def _names(resource: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    name = resource.get("name", ())
    return [{"text": name}] if isinstance(name, str) else name
