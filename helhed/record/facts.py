"""The facts this room reads resources by, loaded once from ``data/``; each file says where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import msgspec


def load(name: str) -> dict[str, Any]:
    """A file of ``data/``."""
    loaded: dict[str, Any] = msgspec.json.decode((resources.files("helhed.record") / "data" / name).read_bytes())
    return loaded


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """How one resource type is shown: its kind, and where its date and title stand, best first."""

    kind: str
    dates: tuple[str, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing that is measured, whatever codes the senders use for it."""

    key: str
    names: Mapping[str, str]  #: by language: da, en
    order: int  #: the lower, the earlier on an overview


def _types() -> dict[str, TypeFacts]:
    return {
        name: TypeFacts(fact["kind"], tuple(fact["dates"]), tuple(fact["titles"]))
        for name, fact in load("types.json")["types"].items()
    }


def _measurements() -> dict[str, Measurement]:
    found: dict[str, Measurement] = {}
    for order, fact in enumerate(load("measurements.json")["measurements"]):
        measurement = Measurement(fact["key"], {"da": fact["da"], "en": fact["en"]}, order)
        found.update(dict.fromkeys(fact["codes"], measurement))
    return found


CODE_SYSTEMS: Mapping[str, str] = load("code_systems.json")["systems"]
TYPES: Mapping[str, TypeFacts] = _types()
KINDS: tuple[str, ...] = tuple(dict.fromkeys(fact.kind for fact in TYPES.values() if fact.kind))
MEASUREMENTS: Mapping[str, Measurement] = _measurements()
PANELS: frozenset[str] = frozenset(load("measurements.json")["panels"])
