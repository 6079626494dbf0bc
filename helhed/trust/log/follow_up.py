"""An organisation follows up on the looks of its own staff, without seeing at whom they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.log.pseudonyms import Pseudonyms

_LOOKS = "select * from trust.staff_looks($1::fhir.ask, $2, $3, $4, $5, $6)"
MOST = 200
#: which looks: a sample, those in emergencies, the refused, those by a declared relation, all of one person
CHOICES = ("stikproeve", "noed", "afvist", "erklaeret", "alle")


@dataclass(frozen=True, slots=True)
class StaffLook:
    """One look of somebody of the own staff."""

    id: int
    moment: datetime
    actor: int
    actor_name: str | None
    role: str
    organisation_name: str
    action: int
    permitted: bool
    basis: int | None
    citizen: str  #: letters that are the same for the same citizen, for this asker's organisation only
    seen: int
    delivered: bool


class FollowUp:
    """Looks of the own staff."""

    def __init__(self, pool: Pool, pseudonyms: Pseudonyms) -> None:
        self._pool, self._pseudonyms = pool, pseudonyms

    async def looks(
        self, ask: Ask, since: datetime, until: datetime, which: str, staff: int | None = None, limit: int = 50
    ) -> Sequence[StaffLook]:
        """Nothing for whoever keeps no log; that it was asked for is logged."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_LOOKS, ask_row(ask), since, until, which, staff, min(limit, MOST))
        return [self._look(row, ask) for row in rows]

    def _look(self, row: Any, ask: Ask) -> StaffLook:
        place = ask.organisation or 0
        return StaffLook(
            row["id"], row["moment"], row["actor"], row["actor_name"], row["role"], row["organisation_name"], row["action"],
            row["permitted"], row["basis"], self._pseudonyms.of(place, row["citizen"], b"citizen in a follow-up"), row["seen"],
            row["delivered"],
        )  # fmt: skip
