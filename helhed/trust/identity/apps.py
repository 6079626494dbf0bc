"""The apps that somebody allowed something, as that person sees and ends them; and apps that are opened from a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.secrets import digest, new_secret

LAUNCH_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AppInUse:
    """An app with access."""

    id: UUID
    client: str
    name: str
    scope: str
    patient: UUID | None
    begun_at: datetime
    used_at: datetime
    valid_to: datetime


class Apps:
    """What people see of apps."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, ask: Ask) -> Sequence[AppInUse]:
        """The asker's own."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.apps_of($1::fhir.ask)", ask_row(ask))
        return [AppInUse(**{name: row[name] for name in AppInUse.__slots__}) for row in rows]

    async def end(self, ask: Ask, authorisation: UUID) -> bool:
        """Ends an app's access, from the next request on; False when it is none of the asker's."""
        async with lend_proven(self._pool, Duty.APPS) as connection:
            return bool(
                await connection.fetchval("select trust.end_app($1::fhir.ask, $2)", ask_row(ask), authorisation)
            )

    async def launch(self, ask: Ask, client: str, patient: UUID) -> str:
        """What an app brings back to be opened with this patient, by this person, once. Raises Unknown when they may not see them."""
        handle = new_secret()
        statement = "select trust.launch_app($1::fhir.ask, $2, $3, $4, $5, $6::smallint)"
        async with lend_proven(self._pool, Duty.APPS) as connection:
            done = await connection.fetchval(
                statement, ask_row(ask), digest(handle), client, patient, ask.at + LAUNCH_FOR, TYPE_NUMBERS["Patient"]
            )
        if not done:
            raise Unknown
        return handle

    async def launched(self, ask: Ask, client: str, handle: str, *, take: bool = False) -> UUID | None:
        """The patient an app was opened with; None for a handle that is unknown, used, another's or too old. ``take`` uses it up."""
        statement = f"select trust.{'take_launch' if take else 'launched_with'}($1::fhir.ask, $2, $3)"
        async with lend_proven(self._pool, Duty.APPS) as connection:
            patient: UUID | None = await connection.fetchval(statement, ask_row(ask), digest(handle), client)
        return patient
