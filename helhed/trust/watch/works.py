"""How the network stands, for those who keep it running: its log, its sources, its deadlines and its own works. Of nobody's data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from cryptography import x509

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Forbidden
from helhed.foundation.lend import lend
from helhed.trust.policy import document
from helhed.trust.watch.incidents import Due, Incident, next_due

BACKUP = "backup"
_WORKS = "select trust.network_state($1::fhir.ask, $2)"
_WITNESSES = """
select w.name, x.head, x.at from foundation.log_witness w left join lateral (
  select c.head, c.at from foundation.log_cosignature c where c.witness = w.name order by c.head desc limit 1) x on true order by w.name"""
_OUTBOX = """
select count(*) filter (where not failed) as waiting, count(*) filter (where failed) as failed, min(at) filter (where not failed) as oldest
from foundation.outbox"""
_MARK = "insert into trust.works_mark values ($1, $2) on conflict (what) do update set at = greatest(works_mark.at, excluded.at)"


@dataclass(frozen=True, slots=True)
class WorksPolicy:
    """From when on somebody has to do something."""

    backup_at_most: timedelta
    outbox_at_most: timedelta
    witness_at_most: timedelta
    head_at_most: timedelta
    certificate_soon: timedelta
    key_at_most: timedelta
    deadline_soon: timedelta


@cache
def works_policy() -> WorksPolicy:
    """``trust/policy/works.json``."""
    told = document("works.json")
    return WorksPolicy(
        timedelta(hours=told["backup_at_most_hours"]), timedelta(minutes=told["outbox_at_most_minutes"]),
        timedelta(minutes=told["witness_at_most_minutes"]), timedelta(seconds=told["head_at_most_seconds"]),
        timedelta(days=told["certificate_soon_days"]), timedelta(days=told["key_at_most_days"]),
        timedelta(hours=told["deadline_soon_hours"]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Tasks that wait for somebody: how many, how many of them too long, and when the next is due."""

    open: int
    late: int
    next: datetime | None
    soon: int = 0


@dataclass(frozen=True, slots=True)
class SeenBy:
    """A witness, and what it signed last."""

    name: str
    head: int | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident by its number, and what is due next: not what it is about."""

    id: UUID
    number: int
    class_: str
    next: Due | None


@dataclass(frozen=True, slots=True)
class Works:
    """Everything at one moment."""

    witnesses: Sequence[SeenBy]
    waiting: int  #: events of the outbox
    failed: int  #: of them those that were given up
    oldest: datetime | None  #: since when the first one waits
    cases: Deadlines
    incidents: Sequence[OpenIncident]
    reviews: Deadlines
    questions: Deadlines
    marks: Mapping[str, datetime]
    certificates: Sequence[tuple[str, datetime]]  #: of those whose assertions are taken: the last day of the newest
    assessed: int  #: organisations that have begun
    lacking: int  #: measures that are not in place
    overdue: int  #: of them those whose date is over


async def works(pool: Pool, ask: Ask) -> Works:
    """As it stands now. Raises Forbidden for whoever does not keep the network running."""
    async with lend(pool) as connection:
        told = await connection.fetchval(_WORKS, ask_row(ask), works_policy().deadline_soon)
        if told is None:
            raise Forbidden
        seen = [SeenBy(row["name"], row["head"], _micros(row["at"])) for row in await connection.fetch(_WITNESSES)]
        outbox = await connection.fetchrow(_OUTBOX)
    return _works(orjson.loads(told), seen, outbox)


async def mark(connection: Connection, what: str, at: datetime) -> None:
    """That something was done."""
    await connection.execute(_MARK, what, at)


def _works(told: Mapping[str, Any], seen: Sequence[SeenBy], outbox: Any) -> Works:
    posture = told["posture"]
    return Works(
        seen, outbox["waiting"], outbox["failed"], outbox["oldest"], _deadlines(told["cases"]),
        [_incident(one) for one in told["incidents"]], _deadlines(told["reviews"]), _deadlines(told["questions"]),
        {what: datetime.fromisoformat(at) for what, at in told["marks"].items()},
        [(one["name"], _ends(one["pem"])) for one in told["certificates"] if one["pem"]],
        posture["places"], posture["lacking"], posture["late"],
    )  # fmt: skip


def _deadlines(told: Mapping[str, Any]) -> Deadlines:
    return Deadlines(told["open"], told["late"], _moment(told["next"]), told.get("soon", 0))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _micros(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)


def _incident(one: Mapping[str, Any]) -> OpenIncident:
    known = datetime.fromisoformat(one["known_at"])
    whole = Incident(
        UUID(one["id"]), one["number"], one["class"], "", "", known, one["personal_data"], 0, None, None,
        datetime.fromisoformat(one["opened_at"]), None, one["entries"],
    )  # fmt: skip
    return OpenIncident(whole.id, whole.number, whole.class_, next_due(whole))


def _ends(certificates: Sequence[str]) -> datetime:
    """A source is trusted as long as one of its certificates is."""
    return max(x509.load_pem_x509_certificate(one.encode()).not_valid_after_utc for one in certificates)
