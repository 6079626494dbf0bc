"""The citizen's own log: every look, and every attempt that was denied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend

_PURGES = "select * from trust.own_purges($1::fhir.ask, $2::uuid[])"
_LOG = "select * from trust.own_log($1::fhir.ask, $2, $3, $4, $5)"
NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One look as the citizen reads it. Numbers are those of ``foundation.ask`` and ``trust.policy``."""

    id: int
    at: datetime
    kind: int
    actor: int
    actor_name: str | None
    organisation: int | None
    organisation_name: str | None
    role: str
    purpose: int
    action: int
    permitted: bool
    basis: int | None
    type_name: str | None  #: the type asked for
    resources: tuple[UUID, ...]
    type_names: tuple[str, ...]  #: the types of what was seen
    principal_name: str | None = None  #: the professional on whose behalf an assistant looked
    as_other: bool = False  #: the look was at somebody else, whose rows concern the citizen


@dataclass(frozen=True, slots=True)
class PurgeNote:
    """A proposal to purge, or its tombstone, as a citizen whom it concerns reads it: never the content, nor the other citizen."""

    id: UUID
    wrongly: bool  #: it was recorded on the asking citizen; else it is about them, and was recorded on somebody else
    ground: str
    case_number: str
    owner: str | None
    proposer: str | None
    approver: str | None
    done_at: datetime | None
    rows: int
    versions: int
    seal: bytes  #: by which the network recognises a copy


class CitizenLog:
    """Reads the log of the asking citizen; for anybody else it is empty."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def entries(
        self, ask: Ask, since: datetime, until: datetime, *, before: int = NEWEST, limit: int = 500
    ) -> list[LogEntry]:
        """Entries in [since, until), newest first, older than row ``before``."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_LOG, ask_row(ask), since, until, before, limit)
        return [_entry(row) for row in rows]

    async def purges(self, ask: Ask, ids: Sequence[UUID]) -> list[PurgeNote]:
        """What entries of the own log that name these say of what was, or is to be, purged."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_PURGES, ask_row(ask), list(ids))
        return [PurgeNote(*row) for row in rows]


def _entry(row: Any) -> LogEntry:
    types = tuple(sorted(TYPE_NAMES[number] for number in row["types"]))
    own = TYPE_NAMES.get(row["type"]) if row["type"] is not None else None
    return LogEntry(
        row["id"], row["at"], row["kind"], row["actor"], row["actor_name"], row["organisation"],
        row["organisation_name"], row["role"], row["purpose"], row["action"], row["permitted"], row["basis"], own,
        tuple(row["resources"]), types, row["principal_name"], row["as_other"],
    )  # fmt: skip
