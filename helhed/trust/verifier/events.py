"""The events of an export: each what its leaf says, in the tree, and open only as far as it opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helhed.trust.verifier.faults import Faulty
from helhed.trust.verifier.heads import SeenHead
from helhed.trust.verifier.primitives import canonical, digest, from_hex, items, named, whole
from helhed.trust.verifier.proofs import root_by_inclusion


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event that is in the tree."""

    position: int
    leaf: bytes
    content: Mapping[str, Any] | None  #: None when its row is gone
    citizens: tuple[str, ...] | None  #: None when they are not opened


def check_events(told: Sequence[Any], head: SeenHead) -> dict[int, SeenEvent]:
    """The events by position. Raises Faulty."""
    found: dict[int, SeenEvent] = {}
    last = -1
    for one in told:
        event = _check(one)
        if event.position <= last:
            raise Faulty("event", "Events are out of order.")
        path = [from_hex(part, 32) for part in items(one, "path", str)]
        if root_by_inclusion(event.leaf, event.position, head.size, path) != head.root:
            raise Faulty("inclusion", f"The event at position {event.position} is not what the log had there.")
        last = event.position
        found[last] = event
    return found


def _check(told: Mapping[str, Any]) -> SeenEvent:
    position = whole(told, "position")
    if "event" not in told:
        named(told, {"position", "leaf", "path"})
        return SeenEvent(position, from_hex(told["leaf"], 32), None, None)
    named(told, {"position", "event", "open", "path"})
    content = canonical(told["event"], "event")
    known = isinstance(content, dict) and content.get("v") == 1 and isinstance(content.get("event"), str)
    if not known or type(content.get("at")) is not int or not isinstance(content.get("id"), str):
        raise Faulty("event", f"The event at position {position} does not say what an event says.")
    opened = _opened(content, told["open"])
    return SeenEvent(position, digest(0, told["event"].encode()), content, _citizens(opened))


def _opened(content: Mapping[str, Any], told: Any) -> dict[str, Any]:
    """What is opened, once it is what was committed to."""
    if not isinstance(told, dict):
        raise Faulty("format", "open should be an object.")
    values = {}
    for name, opening in told.items():
        entry = named(opening, {"salt", "value"})
        values[name] = canonical(entry["value"], "opening")
        if content.get(name) != digest(5, from_hex(entry["salt"], 16), entry["value"].encode()).hex():
            raise Faulty("opening", "What an event is said to say is not what was committed to.")
    return values


def _citizens(opened: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = opened.get("citizens")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Faulty("opening", "The citizens of an event are not a list of keys.")
    return tuple(value)
