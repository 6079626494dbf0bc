"""What becomes of declared relations (class D): a registration confirms them within the deadline, or somebody explains."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.store.rows import ask_row
from helhed.foundation import metrics
from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.moments import aware
from helhed.trust.policy import policy

_SECONDS_BETWEEN = 60.0
_AT_ONCE = 200
_LONGEST = 1000  #: characters of an explanation that are kept
_FOLLOW_UP = "select * from trust.follow_up_declarations($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration that nothing has confirmed so far."""

    id: UUID
    own: bool
    citizen_name: str
    professional_name: str
    role: str
    organisation_name: str
    reason: str
    declared_at: datetime
    due_at: datetime
    found: bool  #: a registration is there that will confirm it
    escalated_at: datetime | None
    explain_by: datetime | None
    explained_at: datetime | None
    explanation: str
    admitted: bool


@dataclass(frozen=True, slots=True)
class HeldBasis:
    """Why a professional may see a citizen's record now, from what, and until when."""

    basis: int
    organisation_name: str | None
    own_place: bool
    source_type: str | None  #: the type of the registration; None for declarations, consents and tickets
    registered_at: datetime | None
    since: datetime
    until: datetime


class Declarations:
    """Follows declarations up, lists them and takes explanations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def follow_up(self, now: datetime) -> tuple[int, int]:
        """Confirms or escalates what is past its deadline; how many of each. Every worker may, at the same time."""
        within = policy().classes["D"].explain_within
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            row = await connection.fetchrow(_FOLLOW_UP, now, within, _AT_ONCE)
        assert row is not None, "the function answers with one row"
        confirmed, escalated = int(row["confirmed"]), int(row["escalated"])
        metrics.DECLARATIONS.labels("confirmed").inc(confirmed)
        metrics.DECLARATIONS.labels("unconfirmed").inc(escalated)
        return confirmed, escalated

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Again and again until told to stop; when the database is away, the next time will do."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):
                while sum(await self.follow_up(clock())) >= _AT_ONCE:
                    pass
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)

    async def open(self, ask: Ask) -> list[Declaration]:
        """The asker's own, and those of the organisation for whoever answers for its records."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.open_declarations($1::fhir.ask)", ask_row(ask))
        return [_declaration(row) for row in rows]

    async def explain(self, ask: Ask, declaration: UUID, text: str, *, admits: bool) -> None:
        """Says once why nothing confirmed it. Unknown when that is not the asker's to say, or was said."""
        statement = "select trust.explain_declaration($1::fhir.ask, $2, $3, $4)"
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(statement, ask_row(ask), declaration, text.strip()[:_LONGEST], admits):
                raise Unknown

    async def bases(self, ask: Ask, citizen: int) -> list[HeldBasis]:
        """What the asking professional has to do with a citizen now, the firmest first; whether or not a block stands in its way."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.bases_held($1::fhir.ask, $2)", ask_row(ask), citizen)
        return [_held(row) for row in rows]


def _declaration(row: Any) -> Declaration:
    return Declaration(
        row["declaration"], row["own"], row["citizen_name"] or "", row["professional_name"] or "", row["role"],
        row["organisation_name"] or "", row["reason"], row["declared_at"], row["due_at"],
        row["confirmed_by"] is not None, row["escalated_at"], row["explain_by"], row["explained_at"],
        row["explanation"] or "", bool(row["admitted"]),
    )  # fmt: skip


def _held(row: Any) -> HeldBasis:
    kind = None if row["source_type"] is None else TYPE_NAMES.get(row["source_type"])
    since, until = (aware(row[name]) for name in ("since", "until"))
    return HeldBasis(row["basis"], row["organisation_name"], row["own_place"], kind, row["registered_at"], since, until)
