"""The policy as dated, sourced data: roles, relation classes, bases and their words. What the words mean is decided elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

Types = frozenset[str] | None  #: None is every type


@dataclass(frozen=True, slots=True)
class Role:
    """What an employment is for, and the most that its work needs."""

    name: str
    danish: str
    english: str
    authorised: bool  #: holds the state's authorisation as a health professional
    may_declare: bool  #: may declare "in treatment with me now" (class D)
    law: str
    reads: Types
    writes: Types


@dataclass(frozen=True, slots=True)
class RelationClass:
    """A class of treatment relation, by what it is registered from."""

    letter: str
    danish: str
    english: str
    personal: bool  #: covers the professional it names, not the whole organisation
    confirm_within: timedelta | None  #: ends by itself, unless confirmed by a registration


@dataclass(frozen=True, slots=True)
class BasisWords:
    """Why a row may be seen, in words for the citizen's log."""

    name: str
    relation_class: str | None
    danish: str
    english: str
    law: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force."""

    dated: date
    roles: Mapping[str, Role]
    classes: Mapping[str, RelationClass]
    bases: Mapping[str, BasisWords]


@cache
def policy() -> Policy:
    """The policy that this version of the network carries."""
    roles, relations = _read("roles.json"), _read("relation.json")
    return Policy(
        dated=max(date.fromisoformat(roles["date"]), date.fromisoformat(relations["date"])),
        roles=MappingProxyType({one["role"]: _role(one) for one in roles["roles"]}),
        classes=MappingProxyType({one["class"]: _relation_class(one) for one in relations["classes"]}),
        bases=MappingProxyType({one["basis"]: _basis(one) for one in relations["bases"]}),
    )


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((resources.files("helhed.trust.policy") / name).read_text("utf-8"))
    return found


def _role(one: dict[str, Any]) -> Role:
    return Role(
        one["role"], one["da"], one["en"], one["authorised"], one["may_declare"], one["law"],
        _types(one["read"]), _types(one["write"]),
    )  # fmt: skip


def _types(names: Any) -> Types:
    return None if names == "*" else frozenset(names)


def _relation_class(one: dict[str, Any]) -> RelationClass:
    hours = one["confirm_within_hours"]
    deadline = None if hours is None else timedelta(hours=hours)
    return RelationClass(one["class"], one["da"], one["en"], one["personal"], deadline)


def _basis(one: dict[str, Any]) -> BasisWords:
    return BasisWords(one["basis"], one["class"], one["da"], one["en"], one["law"])
