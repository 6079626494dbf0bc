"""Demo mode's people: who may be logged in as, and the tokens made for them. Absent outside demo mode."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from helhed.foundation.ask import ActorKind
from helhed.foundation.database import Connection, Pool
from helhed.foundation.lend import lend

_COLUMNS = "handle, rank, kind, actor, resource, name, organisation, organisation_id, role, door, about_da, about_en"


@dataclass(frozen=True, slots=True)
class Persona:
    """One of the demo's people."""

    handle: str
    rank: int
    kind: ActorKind
    actor: int
    resource: str  #: Patient/id, Practitioner/id or Organization/id
    name: str
    organisation: int | None
    organisation_id: UUID | None
    role: str
    door: str
    about_da: str
    about_en: str


class Personas:
    """The demo's people, kept in the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[Persona]:
        """Everybody, in the order shown."""
        async with lend(self._pool) as connection:
            return [
                _persona(row) for row in await connection.fetch(f"select {_COLUMNS} from trust.persona order by rank")
            ]

    async def one(self, handle: str) -> Persona | None:
        """The persona with this handle."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(f"select {_COLUMNS} from trust.persona where handle = $1", handle)
        return None if row is None else _persona(row)


async def put_personas(connection: Connection, personas: list[Persona]) -> None:
    """Keep these, and no others. Needs the owner's connection."""
    await connection.execute("delete from trust.persona")
    rows = [tuple(getattr(persona, name) for name in Persona.__slots__) for persona in personas]
    await connection.copy_records_to_table("persona", schema_name="trust", columns=Persona.__slots__, records=rows)


def _persona(row: Any) -> Persona:
    fields = {name: row[name] for name in Persona.__slots__}
    return Persona(**{**fields, "kind": ActorKind(fields["kind"])})
