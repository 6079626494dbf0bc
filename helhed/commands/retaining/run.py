"""One run of retention: counted, or carried out in batches that each stand by themselves.

A run that is stopped has lost nothing but time: what a batch took is gone with its row in the log, the rest is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from helhed.commands.retaining.kinds import PARTS, Part
from helhed.commands.retaining.records import count_due, retire_due
from helhed.foundation.ask import Action, ActorKind, Purpose
from helhed.foundation.database import Connection
from helhed.trust.keeping.retention import Kind, retention_policy

_BATCH = 2000
CLIENT = "helhed-retention"
_BEFORE = "select $1::timestamptz - $2::text::interval"
_LOG = """
insert into foundation.access_log
  (at, kind, actor, role, client, purpose, action, permitted, basis, resources, versions, trace)
values ($1, $2, 0, $3, $4, $5, $6, true, 5, '{}', $7, $8)"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What went, or would go, of one kind."""

    kind: Kind
    rows: int
    records: int = 0  #: of whole records: how many
    waits: bool = False  #: the time has passed, but nobody has said that it may go


async def retain(
    connection: Connection,
    now: datetime,
    *,
    dry: bool,
    released: str = "",
    tell: Callable[[Outcome], object] = lambda _: None,
    batch: int = _BATCH,
) -> list[Outcome]:
    """Each kind of the policy in its turn. ``released`` is the case by which records may go; without it they are counted."""
    outcomes = []
    for kind in retention_policy().kinds.values():
        if kind.name in PARTS:
            outcome = Outcome(kind, await _take(connection, kind, now, dry=dry, batch=batch))
        elif dry or not released:
            rows, records = await count_due(connection, kind, now)
            outcome = Outcome(kind, rows, records, waits=not released)
        else:
            outcome = Outcome(kind, *await retire_due(connection, kind, now, released))
        outcomes.append(outcome)
        tell(outcome)
    return outcomes


async def _take(connection: Connection, kind: Kind, now: datetime, *, dry: bool, batch: int) -> int:
    before = await connection.fetchval(_BEFORE, now, kind.keep)
    total = 0
    for part in PARTS[kind.name]:
        if dry:
            count = f"select count(*) from {part.table} x where {part.condition}"
            total += await connection.fetchval(count, before, now)
            continue
        while taken := await _batch(connection, part, before, now, batch):
            total += taken
    return total


async def _batch(connection: Connection, part: Part, before: datetime, now: datetime, size: int) -> int:
    """One transaction: some rows, and the row in the log that says so. Rows that somebody holds wait for the next run."""
    which = f"select x.ctid from {part.table} x where {part.condition} limit {size} for update skip locked"
    act = f"update {part.table} t set {part.blank} = ''" if part.blank else f"delete from {part.table} t"
    async with connection.transaction():
        status = await connection.execute(f"{act} where t.ctid = any(array({which}))", before, now)
        taken = int(status.rpartition(" ")[2])
        if taken:
            about = (int(ActorKind.SYSTEM), "operator", CLIENT, int(Purpose.OPERATIONS), int(Action.RETAIN_NO_LONGER))
            await connection.execute(_LOG, now, *about, [taken], uuid4())
    return taken
