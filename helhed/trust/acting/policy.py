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
_PUT_DOCUMENTS = "select trust.put_counter_documents($1::text[], $2::text[])"


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
    identified: tuple[str, ...]  #: how a citizen who is helped may have shown who they are
    counter_waits: timedelta  #: after which what waits at the counter lapses
    counter_documents: Mapping[str, tuple[str, ...]]  #: by act, what a second person may have seen

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
        identified=tuple(found["counter"]["identified"]),
        counter_waits=timedelta(days=found["counter"]["waits_days"]),
        counter_documents=MappingProxyType({one["act"]: tuple(one["documents"]) for one in found["counter"]["acts"]}),
    )


def _scope(one: dict[str, Any]) -> Scope:
    types = None if one["types"] is None else frozenset(one["types"])
    return Scope(one["scope"], one["da"], one["en"], types)


async def put_duties(connection: Connection) -> None:
    """Keep what roles do beside treating, and what a second person must have seen, as the policy has it today."""
    pairs = acting_policy().duties
    await connection.execute(_PUT_DUTIES, [role for role, _ in pairs], [duty for _, duty in pairs])
    shown = [(act, one) for act, documents in acting_policy().counter_documents.items() for one in documents]
    await connection.execute(_PUT_DOCUMENTS, [act for act, _ in shown], [one for _, one in shown])
