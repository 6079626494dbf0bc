"""Takes in what sources deliver of their own logs, and holds it against what they say that they sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change, Written
from helhed.fhir.splice import instant
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, HelhedError, Issue
from helhed.foundation.lend import lend
from helhed.trust.audit_events.deliveries import delivery_policy, row_from
from helhed.trust.audit_events.shape import event_id

_DELIVER = "select * from trust.deliver_log($1::fhir.ask, $2::jsonb)"
_TELL = "select trust.tell_manifest($1::fhir.ask, $2, $3, $4, $5, $6)"
_SOURCES = "select * from trust.log_sources($1::fhir.ask)"
_ANOTHER, _NOT_YOURS = "another", "not-yours"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which a source says that it sent something else than is here."""

    since: datetime
    until: datetime
    said: int
    here: int
    mend_by: datetime


@dataclass(frozen=True, slots=True)
class LogSource:
    """How whole a source's log is here."""

    source: int
    name: str
    whole_until: datetime | None  #: up to when everything is here that it says it sent
    told_until: datetime | None  #: up to when it has told what it sent
    last_taken: datetime | None
    said: int
    here: int
    gaps: tuple[Gap, ...]
    late: int
    silent_since: datetime | None  #: since when it has told nothing, when that is too long

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return not self.gaps and self.silent_since is None and self.told_until is not None


class Deliveries:
    """The log of sources."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, ask: Ask, changes: Sequence[Change]) -> list[Written]:
        """Take in events, all or none. Raises what the first that is refused is refused for; delivered again, they are answered the same."""
        rows = [row_from(change, ask, n) for n, change in enumerate(changes)]
        document = orjson.dumps(rows).decode()
        refused: HelhedError | None = None
        async with lend(self._pool) as connection:
            transaction = connection.transaction()
            await transaction.start()
            taken = sorted(await connection.fetch(_DELIVER, ask_row(ask), document), key=lambda one: one["n"])
            refused = next(
                (_refusal(one["outcome"], changes[one["n"]]) for one in taken if one["outcome"] in _WHY), None
            )
            if refused is None or all(one["outcome"] == _NOT_YOURS for one in taken):
                await transaction.commit()  # a denied attempt stands in the log
            else:
                await transaction.rollback()
        if refused is not None:
            await self._note_denials(ask, rows, taken)
            raise refused
        return [_written(changes[one["n"]], one["id"], one["taken_at"]) for one in taken]

    async def _note_denials(self, ask: Ask, rows: Sequence[Any], taken: Sequence[Any]) -> None:
        """What was denied among what was not done, so that the attempt is not undone with it."""
        denied = [rows[one["n"]] for one in taken if one["outcome"] == _NOT_YOURS]
        if denied and len(denied) < len(taken):
            async with lend(self._pool) as connection:
                await connection.fetch(_DELIVER, ask_row(ask), orjson.dumps(denied).decode())

    async def tell(self, ask: Ask, since: datetime, until: datetime, events: int, digest: bytes) -> LogSource:
        """What a source says that it sent of a time. Forbidden for whoever is no source, BadRequest for a time that is none."""
        if not since < until <= ask.at:
            raise BadRequest("A manifest is of a time that is over, from its beginning to its end.")
        async with lend(self._pool) as connection:
            told = await connection.fetchval(_TELL, ask_row(ask), uuid4(), since, until, events, digest)
        if not told:
            raise Forbidden
        return (await self.sources(ask))[0]

    async def sources(self, ask: Ask) -> list[LogSource]:
        """How whole the logs of those sources are that the asker may know of."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_SOURCES, ask_row(ask))
        return [_source(row, ask.at) for row in rows]


def _source(row: Any, now: datetime) -> LogSource:
    rules = delivery_policy()
    gaps = tuple(
        Gap(
            datetime.fromisoformat(one["since"]), datetime.fromisoformat(one["until"]), one["said"], one["here"],
            datetime.fromisoformat(one["told_at"]) + rules.mend_within,
        )
        for one in orjson.loads(row["gaps"])
    )  # fmt: skip
    last = row["told_until"] or row["last_taken"]
    silent = last if last is not None and now - last > rules.silent_after else None
    return LogSource(
        row["source"], row["name"], row["whole_until"], row["told_until"], row["last_taken"], row["said"] or 0,
        row["here"] or 0, gaps, row["late"], silent,
    )  # fmt: skip


def _another(where: str) -> HelhedError:
    text = "Another event stands here under this id of the source's: what is logged is never changed."
    return Conflict(issues=[Issue("duplicate", text, where)])


def _not_yours(where: str) -> HelhedError:
    return Forbidden(issues=[Issue("forbidden", "A source delivers for itself and for what is beneath it.", where)])


_WHY = {_ANOTHER: _another, _NOT_YOURS: _not_yours}


def _refusal(outcome: str, change: Change) -> HelhedError:
    return _WHY[outcome](change.where or "AuditEvent")


def _written(change: Change, row: int, taken_at: datetime) -> Written:
    identifier: UUID = event_id(row)
    meta = {"versionId": "1", "lastUpdated": instant(taken_at)}
    body = orjson.dumps({**(change.resource or {}), "id": str(identifier), "meta": meta})
    return Written("AuditEvent", identifier, 1, taken_at, created=True, deleted=False, body=body)
