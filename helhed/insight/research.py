"""Research: what an authority let a project see, as a de-identified extract. The database decides, and logs every citizen in it."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Unknown

#: what a data set may hold
GRIDS = ("conditions", "vaccinated", "contacts")
_EXTRACT = "select * from insight.make_extract($1::fhir.ask, $2, $3)"
_PUT = """
insert into insight.permit (id, project, purpose, approval, professional, organisation, role, grids, groups, alike, valid_from, valid_to)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
_END = "update insight.permit set ended_at = $2 where id = $1 and ended_at is null returning id"


@dataclass(frozen=True, slots=True)
class Permit:
    """What a project may see. Keys are those of the ask."""

    id: UUID
    project: str
    purpose: str
    approval: str  #: of which authority, and its number
    professional: int
    organisation: int
    role: str
    grids: tuple[str, ...]  #: of GRIDS
    groups: tuple[str, ...] | None  #: who has one of these conditions; None is everybody
    alike: int  #: at least so many share place, sex and age band; 3 or more
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """One citizen of an extract. What the permit does not hold is None; "" is none of it."""

    pseudonym: str  #: 32 hexadecimal digits: the same in every extract by one permit, and no use with another
    place: str  #: municipality, region, or "" for somewhere in the country
    sex: str
    band: str
    conditions: str | None
    vaccinated: str | None
    contact: str | None


class Research:
    """Extracts by permits, with the application's rights."""

    def __init__(self, pool: Pool, secret: bytes) -> None:
        """``secret``: the installation's key for pseudonyms (``KeyPurpose.PSEUDONYMS``)."""
        self._pool = pool
        self._key = hmac.new(secret, b"citizens in research", hashlib.sha256).digest()

    async def extract(self, ask: Ask, permit: UUID) -> Sequence[Subject]:
        """What the permit lets the asker see now. Unknown when it lets them see nothing, for whatever reason."""
        found = [Subject(*row) for row in await self._pool.fetch(_EXTRACT, _row(ask), permit, self._key)]
        if not found:
            raise Unknown("There is no permit by which you may see anything.")
        return found


async def put_permit(connection: Connection, permit: Permit) -> None:
    """Enter what an authority permitted, with the owner's rights."""
    await connection.execute(
        _PUT, permit.id, permit.project, permit.purpose, permit.approval, permit.professional, permit.organisation, permit.role,
        list(permit.grids), None if permit.groups is None else list(permit.groups), permit.alike, permit.valid_from, permit.valid_to,
    )  # fmt: skip


async def end_permit(connection: Connection, permit: UUID, moment: datetime) -> None:
    """It holds no longer, from the next request on. Unknown when it does not stand."""
    if await connection.fetchval(_END, permit, moment) is None:
        raise Unknown("No such permit stands.")


def _row(ask: Ask) -> tuple[Any, ...]:
    """The ask as ``fhir.ask``. Scopes name types of resources, and an extract has none."""
    return ask.kind, ask.actor, ask.organisation, ask.role, ask.purpose, ask.client, None, None, ask.at, ask.trace
