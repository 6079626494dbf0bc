"""Who acted on two citizens while a link said that they were one: what a keeper of the directory asks when a link is taken back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend

_ACTED = "select * from registries.acted_while_linked($1::fhir.ask, $2, $3, $4, $5::smallint)"


@dataclass(frozen=True, slots=True)
class Acted:
    """One who looked or wrote: how often at the citizen who was replaced, and at the one who was kept."""

    kind: int  #: foundation.ask.ActorKind
    actor: UUID | None  #: the Practitioner; None for systems and for citizens, who are not named
    actor_name: str | None
    organisation: UUID | None
    organisation_name: str | None
    role: str
    looks_at_replaced: int
    looks_at_kept: int
    writes_on_replaced: int
    writes_on_kept: int
    first_at: datetime
    last_at: datetime

    @property
    def saw_both(self) -> bool:
        """Whether it was data of both."""
        return bool(self.looks_at_replaced + self.writes_on_replaced and self.looks_at_kept + self.writes_on_kept)


@dataclass(frozen=True, slots=True)
class WronglyLinked:
    """The last link of two citizens, and everybody who acted while it stood; whoever saw data of both first."""

    linked_at: datetime
    unlinked_at: datetime | None
    acted: tuple[Acted, ...]


async def acted_while_linked(pool: Pool, ask: Ask, replaced: UUID, kept: UUID) -> WronglyLinked:
    """Asking is in the log of both citizens. Raises Forbidden, and Unknown when no such link was ever made."""
    async with lend(pool) as connection:
        rows = await connection.fetch(
            _ACTED, ask_row(ask), uuid4(), key_of(replaced), key_of(kept), TYPE_NUMBERS["Patient"]
        )
    if rows[0]["problem"] == "forbidden":
        raise Forbidden("Only a keeper of the directory asks who acted while two citizens were linked.")
    if rows[0]["problem"] is not None:
        raise Unknown("These two were never linked, in this order.")
    acted = tuple(Acted(**{name: row[name] for name in Acted.__slots__}) for row in rows if row["kind"] is not None)
    return WronglyLinked(rows[0]["linked_at"], rows[0]["unlinked_at"], acted)
