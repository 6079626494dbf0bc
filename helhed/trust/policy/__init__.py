"""The policy as dated, sourced data: roles, relation classes, bases and their words. What the words mean is decided elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

#: the number of each basis in the log and in the decision's SQL; numbers are never used again for something else
BASIS_NUMBERS: Mapping[str, int] = MappingProxyType({
    "self": 1, "treatment-A": 2, "treatment-B": 3, "treatment-D": 4, "custodian": 5, "public": 6, "owner": 7, "override": 8,
    "custody": 9, "mandate": 10, "guardian": 11, "proxy": 12, "consent": 13, "decision-for-youth": 14,
    "treatment-C": 15, "own-follow-up": 16, "research-permit": 17, "disclosure": 18,
})  # fmt: skip
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
    assists: bool = False  #: acts only within the reach of one responsible professional
    may_override: bool = False  #: may break the glass
    may_purge: bool = False  #: takes out, with a second one, what its organisation recorded on the wrong citizen
    may_review: bool = False  #: reviews, for its organisation, that somebody broke the glass


@dataclass(frozen=True, slots=True)
class RelationClass:
    """A class of treatment relation, by what it is registered from."""

    letter: str
    danish: str
    english: str
    personal: bool  #: covers the professional it names, not the whole organisation
    confirm_within: timedelta | None  #: ends by itself, unless confirmed by a registration
    explain_within: timedelta | None = None  #: in which somebody explains why nothing confirmed it


@dataclass(frozen=True, slots=True)
class BasisWords:
    """Why a row may be seen, in words for the citizen's log."""

    name: str
    relation_class: str | None
    danish: str
    english: str
    law: str
    ends_after: "Deadline | None" = None  #: how long it holds once the contact that gives it has ended


@dataclass(frozen=True, slots=True)
class Deadline:
    """A stretch of time from a moment on, in days or in months of the calendar."""

    days: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force."""

    dated: date
    roles: Mapping[str, Role]
    classes: Mapping[str, RelationClass]
    bases: Mapping[str, BasisWords]
    ends_at_age: Mapping[str, int]  #: the birthday of the citizen on which a basis ends

    @property
    def declared_lasts(self) -> timedelta:
        """How long a declared relation (class D) holds when nothing confirms it."""
        lasts = self.classes["D"].confirm_within
        assert lasts is not None, "a declared relation ends"
        return lasts

    @property
    def deadlines(self) -> dict[str, Deadline]:
        """How long after a contact a basis holds."""
        return {name: one.ends_after for name, one in self.bases.items() if one.ends_after is not None}


@cache
def policy() -> Policy:
    """The policy that this version of the network carries."""
    roles, relations = document("roles.json"), document("relation.json")
    return Policy(
        dated=max(date.fromisoformat(roles["date"]), date.fromisoformat(relations["date"])),
        roles=MappingProxyType({one["role"]: _role(one) for one in roles["roles"]}),
        classes=MappingProxyType({one["class"]: _relation_class(one) for one in relations["classes"]}),
        bases=MappingProxyType({one["basis"]: _basis(one) for one in relations["bases"]}),
        ends_at_age=MappingProxyType(document("ages.json")["ends_at_age"]),
    )


def relation_registrations() -> list[dict[str, Any]]:
    """What a place registers for itself gives it a relation, as ``relation.json`` has it."""
    found: list[dict[str, Any]] = document("relation.json")["registrations"]
    return found


def contact_holds() -> timedelta:
    """For how long after it was last registered an open contact gives a relation at the longest (class A in ``relation.json``)."""
    (days,) = (one["holds_days"] for one in document("relation.json")["classes"] if one["class"] == "A")
    return timedelta(days=days)


def document(name: str) -> dict[str, Any]:
    """A dated policy of this folder, as it stands there."""
    found: dict[str, Any] = json.loads((resources.files("helhed.trust.policy") / name).read_text("utf-8"))
    return found


def _role(one: dict[str, Any]) -> Role:
    return Role(
        one["role"], one["da"], one["en"], one["authorised"], one["may_declare"], one["law"],
        _types(one["read"]), _types(one["write"]), one.get("assists", False), one.get("may_override", False), one.get("may_purge", False),
        one.get("may_review", False),
    )  # fmt: skip


def _types(names: Any) -> Types:
    return None if names == "*" else frozenset(names)


def _relation_class(one: dict[str, Any]) -> RelationClass:
    hours = one["confirm_within_hours"]
    deadline = None if hours is None else timedelta(hours=hours)
    days = one.get("explain_within_days")
    explain = None if days is None else timedelta(days=days)
    return RelationClass(one["class"], one["da"], one["en"], one["personal"], deadline, explain)


def _basis(one: dict[str, Any]) -> BasisWords:
    deadline = Deadline(**one["ends_after"]) if "ends_after" in one else None
    return BasisWords(one["basis"], one["class"], one["da"], one["en"], one["law"], deadline)
