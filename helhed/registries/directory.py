"""Looking people and places up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from helhed.fhir.indexing import normalise
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.registries.regional_systems import regional_systems

if TYPE_CHECKING:
    from helhed.registries.matching import Described

_FIND = "select * from registries.find_citizen($1::fhir.ask, $2, $3)"
_MATCH = "select * from registries.match_people($1::fhir.ask, $2::text[], $3::text[], $4::text[], $5, $6, $7::text[])"
_NAMES = "select name from registries.organisation where key = any($1::bigint[]) order by name"
_ORGANISATIONS = "select key, id, name, sor, kind, parent, places, last_received from registries.organisation"


@dataclass(frozen=True, slots=True)
class CitizenIdentity:
    """The identity minimum: it cannot be blocked, and each look-up of it is logged."""

    key: int
    patient: UUID
    name: str
    birth_date: date | None
    sex: str
    deceased: bool
    cpr: str | None
    replacement: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be meant, and whether a number says so: one that is theirs alone, now or before, or an alias of several."""

    citizen: CitizenIdentity
    numbered: bool
    aliased: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation in the hierarchy."""

    key: int
    id: UUID
    name: str
    sor: str | None
    kind: str
    parent: int | None
    places: tuple[int, ...]  #: itself, then everything above
    last_received: datetime | None


class Directory:
    """The registries as other rooms see them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def names_of(self, keys: Iterable[int]) -> list[str]:
        """The names of organisations, in order."""
        async with lend(self._pool) as connection:
            return [row["name"] for row in await connection.fetch(_NAMES, list(keys))]

    async def find_citizen(self, ask: Ask, system: str, value: str) -> CitizenIdentity | None:
        """The citizen with this identifier, by the directory basis; None when there is none or the ask may not look."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_FIND, ask_row(ask), system, value)
        return None if row is None else identity(row)

    async def find_by_number(self, ask: Ask, text: str) -> CitizenIdentity | None:
        """The citizen with this CPR number or replacement number, however it is written."""
        number = normal_cpr(text)
        system = CPR if number.isdigit() else REPLACEMENT_CPR
        return await self.find_citizen(ask, system, number)

    async def match_citizens(self, ask: Ask, described: "Described", limit: int) -> list[Candidate]:
        """Who may be meant, by the directory basis, each logged; nobody for systems, at most oneself for citizens."""
        systems = [system for system, _ in described.identifiers]
        numbers = [value for _, value in described.identifiers]
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _MATCH,
                ask_row(ask),
                systems,
                numbers,
                list(described.words),
                described.born,
                limit,
                list(regional_systems()),
            )
        return [Candidate(identity(row), row["numbered"], row["aliased"]) for row in rows]

    async def organisations(self, keys: Iterable[int] | None = None) -> dict[int, Organisation]:
        """Organisations by key; all of them when no keys are given."""
        async with lend(self._pool) as connection:
            if keys is None:
                rows = await connection.fetch(_ORGANISATIONS)
            else:
                rows = await connection.fetch(f"{_ORGANISATIONS} where key = any($1::bigint[])", list(keys))
        return {row["key"]: _organisation(row) for row in rows}

    async def organisation_names(self, keys: Iterable[int]) -> dict[int, str]:
        """Names by key."""
        return {key: one.name for key, one in (await self.organisations(keys)).items()}

    async def demo_citizens(self, text: str, limit: int) -> list[CitizenIdentity]:
        """Citizens whose name or number starts like ``text``: for the demo's log-in page only."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                "select * from registries.demo_citizens($1, $2, $3)", normalise(text), normal_cpr(text), limit
            )
        return [identity(row) for row in rows]


def identity(row: Any) -> CitizenIdentity:
    """A row of the registries as an identity minimum."""
    return CitizenIdentity(*(row[name] for name in CitizenIdentity.__slots__))


def _organisation(row: Any) -> Organisation:
    fields = {name: row[name] for name in Organisation.__slots__}
    return Organisation(**{**fields, "places": tuple(fields["places"])})
