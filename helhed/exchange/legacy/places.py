"""A place in a FHIR resource, as the tables write it: ``name[0].family``, ``identifier[cpr].value``, ``extension[unit].valueString``.

A selector in brackets is a number, or a name of the tables: the entry of the list that has its constants, made with them.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]
EXTENSION = "urn:helhed:medcom:"
_STEP = re.compile(r"([A-Za-z_]+)(?:\[([a-z0-9-]+)\])?")


class Step(NamedTuple):
    """One name on the way, and which entry of its list."""

    name: str
    at: int = -1
    chosen: Mapping[str, str] | None = None


class Path(NamedTuple):
    """The way from a resource, or an entry of its lists, to a value. ``alias`` names another resource than the group's own."""

    alias: str
    steps: tuple[Step, ...]
    last: str
    text: str
    many: bool = False  #: whether the last is the first entry of a list


def path(text: str, selectors: Mapping[str, Mapping[str, str]]) -> Path:
    """The place that a table names."""
    alias, _, rest = text.rpartition(":")
    steps = [_step(one, selectors) for one in rest.split(".")]
    return Path(alias, tuple(steps[:-1]), steps[-1].name, text, steps[-1].at >= 0)


def find(node: Any, steps: tuple[Step, ...]) -> Json | None:
    """The object at the end of the steps, if it is there."""
    for step in steps:
        node = node.get(step.name) if isinstance(node, dict) else None
        if step.chosen is not None:
            node = _chosen(node, step.chosen)
        elif step.at >= 0:
            node = node[step.at] if isinstance(node, list) and len(node) > step.at else None
    return node if isinstance(node, dict) else None


def read(node: Any, place: Path) -> Any:
    """The value at the place, or None."""
    holder = find(node, place.steps)
    value = holder.get(place.last) if holder else None
    if place.many:
        return value[0] if isinstance(value, list) and value else None
    return value


def write(node: Json, place: Path, value: Any, *, over: bool = False) -> bool:
    """Put the value at the place; False when there is another one already."""
    for step in place.steps:
        node = _made(node, step)
    last = place.last
    said = [value] if place.many else value
    if last in node and not over:
        return bool(node[last] == said)
    node[last] = said
    return True


def clone(value: Any) -> Any:
    """A template of its own."""
    if isinstance(value, dict):
        return {name: clone(inner) for name, inner in value.items()}
    return [clone(inner) for inner in value] if isinstance(value, list) else value


def _step(text: str, selectors: Mapping[str, Mapping[str, str]]) -> Step:
    found = _STEP.fullmatch(text)
    assert found, text
    name, chosen = found[1], found[2]
    if chosen is None or chosen.isdigit():
        return Step(name, int(chosen) if chosen else -1)
    if chosen in selectors:
        return Step(name, -1, selectors[chosen])
    assert name == "extension", text
    return Step(name, -1, {"url": EXTENSION + chosen})


def _chosen(entries: Any, chosen: Mapping[str, str]) -> Any:
    ((name, value), *_) = chosen.items()
    if isinstance(entries, list):
        for entry in entries:
            if isinstance(entry, dict) and entry.get(name) == value:
                return entry
    return None


def _made(node: Json, step: Step) -> Json:
    if step.chosen is not None:
        entries = node.setdefault(step.name, [])
        entry = _chosen(entries, step.chosen)
        if entry is None:
            entry = dict(step.chosen)
            entries.append(entry)
        return entry  # type: ignore[no-any-return]
    if step.at >= 0:
        entries = node.setdefault(step.name, [])
        if not entries:
            entries.append({})
        return entries[0]  # type: ignore[no-any-return]
    return node.setdefault(step.name, {})  # type: ignore[no-any-return]
