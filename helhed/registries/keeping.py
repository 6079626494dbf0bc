"""What a keeper of the directory sees in person: who has a number, and which registrations are or were one citizen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.registries.directory import CitizenIdentity, identity
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

_FINDS = "select * from registries.keeper_finds($1::fhir.ask, $2::text[], $3, $4::smallint)"
_LINKS = "select * from registries.links_seen($1::fhir.ask, $2, $3::smallint, $4)"
_TELL = "select registries.note_link_notice($1::fhir.ask, $2, $3, $4, $5, $6::smallint)"
_PATIENT = TYPE_NUMBERS["Patient"]
_MOST = 50


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link between two registrations, as a keeper sees it."""

    id: UUID
    replaced: UUID
    replaced_name: str
    replaced_number: str | None
    kept: UUID
    kept_name: str
    kept_number: str | None
    reason: str
    linked_at: datetime
    unlinked_at: datetime | None
    unlinked_reason: str | None
    told: int  #: notices to units, of what they did while it stood


async def keeper_finds(pool: Pool, ask: Ask, number: str) -> CitizenIdentity | None:
    """Whoever has this number, also when they were replaced; logged. None for who is no keeper."""
    async with lend(pool) as connection:
        row = await connection.fetchrow(_FINDS, ask_row(ask), [CPR, REPLACEMENT_CPR], normal_cpr(number), _PATIENT)
    return None if row is None else identity(row)


async def links_seen(pool: Pool, ask: Ask, only: UUID | None = None) -> list[SeenLink]:
    """The newest links, or one of them; whoever is named has it in the log. Nothing for who is no keeper."""
    async with lend(pool) as connection:
        rows = await connection.fetch(_LINKS, ask_row(ask), only, _PATIENT, _MOST)
    return [SeenLink(**dict(row)) for row in rows]


async def note_told(connection: Connection, ask: Ask, link: UUID, unit: UUID, citizen: UUID, task: UUID) -> bool:
    """Whether the unit is to be told by this task, in this transaction: not when it was told before, or by who may not."""
    told: bool = await connection.fetchval(_TELL, ask_row(ask), link, key_of(unit), key_of(citizen), task, _PATIENT)
    return told
