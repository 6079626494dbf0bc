"""Log-ins: who somebody that another vouches for is here, where they work, and what is kept of it for themselves to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.trust.identity.upstream.flow import Vouched

_CITIZEN = "select registries.citizen_known_as($1, $2)"
_JOBS = "select * from trust.jobs_known_as($1, $2, $3, $4, $5)"
_WORKS = "select trust.works($1, $2, $3, $4)"
_NOTE = "select trust.note_log_in($1::fhir.ask, $2, $3, $4, $5, $6)"
_OWN = "select * from trust.own_log_ins($1::fhir.ask, $2)"


@dataclass(frozen=True, slots=True)
class Job:
    """Where a professional works, as what."""

    professional: int
    name: str
    organisation: int
    place: str
    role: str


@dataclass(frozen=True, slots=True)
class KeptLogIn:
    """A log-in, or one that was refused, as its person may see it."""

    at: datetime
    provider: str
    means: str
    device: str
    refused: str  #: why not; "" when it was let in


class LogIns:
    """What the database knows of log-ins."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def citizen(self, vouched: Vouched) -> int | None:
        """The citizen whom a number names, alive and only one."""
        for system, value in vouched.identifiers:
            number = normal_cpr(value) if system in {CPR, REPLACEMENT_CPR} else value
            async with lend(self._pool) as connection:
                found: int | None = await connection.fetchval(_CITIZEN, system, number)
            if found is not None:
                return found
        return None

    async def jobs(self, vouched: Vouched, now: datetime) -> list[Job]:
        """The jobs now of whom an identifier names, at places the provider may speak for. An earlier identifier wins."""
        provider = vouched.provider
        speaks_for = (
            [None, None] if provider.demo else [list(provider.organisations), list(provider.organisations_of_kind)]
        )
        for system, value in vouched.identifiers:
            async with lend(self._pool) as connection:
                rows = await connection.fetch(_JOBS, system, value, *speaks_for, now)
            if rows:
                return [Job(**row) for row in rows]
        return []

    async def works(self, professional: int, organisation: int, role: str, now: datetime) -> bool:
        """Whether the job holds at this moment."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(_WORKS, professional, organisation, role, now))

    async def note(self, ask: Ask, provider: str, means: str, device: str, refused: str) -> None:
        """A log-in of the asker, or why there was none. It stands before this returns."""
        async with lend(self._pool) as connection:
            await connection.execute(_NOTE, ask_row(ask), uuid4(), provider, means, device, refused)

    async def own(self, ask: Ask, limit: int) -> Sequence[KeptLogIn]:
        """The asker's own, newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask), limit)
        return [KeptLogIn(*(row[name] for name in KeptLogIn.__slots__)) for row in rows]
