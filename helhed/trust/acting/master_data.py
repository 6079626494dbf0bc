"""Who may change what a citizen says of themselves: the citizen, whoever acts for them in it, and staff who help; logged either way."""

from dataclasses import dataclass, replace
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.lend import lend

_MAY = "select trust.change_master_data($1::fhir.ask, $2, $3, $4, $5::smallint)"
_HELPED = "select * from trust.see_master_data($1::fhir.ask, $2)"
_HELPED_CLIENT = "helhed-helped"
SELF = 1


@dataclass(frozen=True, slots=True)
class Helped:
    """Whom staff help, by the identity minimum."""

    citizen: int
    patient: UUID
    name: str


async def may_change(
    connection: Connection, ask: Ask, citizen: int, about: UUID, help: UUID | None = None
) -> int | None:
    """By which basis the card may be changed in this transaction; None when it may not. ``about`` is the row."""
    number = TYPE_NUMBERS["RelatedPerson"]
    basis: int | None = await connection.fetchval(_MAY, ask_row(ask), citizen, about, help, number)
    return basis


async def see_helped(pool: Pool, ask: Ask, help: UUID) -> Helped:
    """Whom the asker helps now; the look is in the citizen's log. Raises Unknown."""
    async with lend(pool) as connection:
        row = await connection.fetchrow(_HELPED, ask_row(ask), help)
    if row is None or row["citizen"] is None:
        raise Unknown
    return Helped(row["citizen"], row["patient"], row["name"])


def in_name_of(ask: Ask, helped: Helped) -> Ask:
    """The ask of the citizen who is helped: what follows is the citizen's own look, by somebody else's hands."""
    return replace(
        ask,
        kind=ActorKind.CITIZEN,
        actor=helped.citizen,
        organisation=None,
        role="",
        purpose=Purpose.OWN,
        client=_HELPED_CLIENT,
    )
