"""Who may act for whom, as dated data: the words of a mandate, ages, how long, and what each basis lets somebody change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.database import Connection
from helhed.trust.policy import BASIS_NUMBERS, Types, document

_PUT_DUTIES = "select trust.put_duties($1::text[], $2::text[])"


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the record as a mandate names it."""

    name: str
    danish: str
    english: str
    types: Types


@dataclass(frozen=True, slots=True)
class ActingPolicy:
    """The policy in force."""

    giver_from_age: int
    actor_from_age: int
    mandate_at_most: timedelta
    offer_open: timedelta
    scopes: Mapping[str, Scope]
    may_block: frozenset[int]  #: numbers of the bases by which somebody sets and ends blocks for another
    duties: tuple[tuple[str, str], ...]  #: role, and what it does beside treating

    def types_of(self, names: Iterable[str]) -> list[int] | None:
        """Numbers of the types that these scopes open; None is every type. KeyError for a scope that there is not."""
        chosen = [self.scopes[name].types for name in names]
        if any(types is None for types in chosen):
            return None
        return sorted({TYPE_NUMBERS[one] for types in chosen for one in types or ()})


@cache
def acting_policy() -> ActingPolicy:
    """``trust/policy/acting.json``."""
    found: dict[str, Any] = document("acting.json")
    return ActingPolicy(
        giver_from_age=found["giver_from_age"],
        actor_from_age=found["actor_from_age"],
        mandate_at_most=timedelta(days=found["mandate_at_most_days"]),
        offer_open=timedelta(days=found["offer_open_days"]),
        scopes=MappingProxyType({one["scope"]: _scope(one) for one in found["scopes"]}),
        may_block=frozenset(BASIS_NUMBERS[one["basis"]] for one in found["bases"] if one["may_block"]),
        duties=tuple((role, one["duty"]) for one in found["duties"] for role in one["roles"]),
    )


def _scope(one: dict[str, Any]) -> Scope:
    types = None if one["types"] is None else frozenset(one["types"])
    return Scope(one["scope"], one["da"], one["en"], types)


async def put_duties(connection: Connection) -> None:
    """Keep what roles do beside treating as the policy has it today."""
    pairs = acting_policy().duties
    await connection.execute(_PUT_DUTIES, [role for role, _ in pairs], [duty for _, duty in pairs])
