"""Histories: of an instance, a type, or the system (http://hl7.org/fhir/R4/http.html#history)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from helhed.fhir.changes import Page, Version
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.store.budget import too_costly, within
from helhed.fhir.store.cursor import CursorSigner, not_ours
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import Unknown

_ONE = within(
    "n, total, version, updated, deleted", "fhir.history_between($1::fhir.ask, $2::smallint, $3, $4, $5, $6, $7, $8)",
    "order by n", "$9::bigint",
)  # fmt: skip
_MANY = within(
    "n, type, id, version, updated, deleted",
    "fhir.history_of_types($1::fhir.ask, $2::smallint[], $3, $4, $5, $6, $7, $8, $9)", "order by n", "$10::bigint",
)  # fmt: skip
_NEWEST = 2**31 - 1
_LAST_ID = UUID(int=2**128 - 1)
_LATEST = datetime.max.replace(tzinfo=UTC)  # asyncpg writes it as infinity


@dataclass(frozen=True, slots=True)
class Past:
    """What a history is asked for. Without a type it is the system's; with an id it is that resource's."""

    type_name: str | None
    id: UUID | None = None
    count: int = 20
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None  #: the versions that were current at some time in this period
    cursor: str | None = None

    @property
    def scope(self) -> bytes:
        """What a page link of this history may be used for: the same history, filters and all."""
        moments = (self.since, *(self.at or ()))
        told = [self.type_name, str(self.id), [one.isoformat() if one else None for one in moments]]
        return b"history" + orjson.dumps(told)


async def history_of(connection: Connection, ask: Ask, signer: CursorSigner, past: Past, most_bytes: int) -> Page:
    """Versions, newest first, deleted ones too; a total for one resource only.

    Raises Unknown when nothing of the one resource that is named can be seen, BadRequest for a page link of another
    history, TooCostly for an answer that is too large.
    """
    of = _of_one if past.id is not None else _of_many
    return await of(connection, ask, signer, past, most_bytes)


async def _of_one(connection: Connection, ask: Ask, signer: CursorSigner, past: Past, most_bytes: int) -> Page:
    assert past.type_name is not None
    assert past.id is not None
    before = int(signer.read(ask, past.scope, past.cursor)) if past.cursor else _NEWEST
    lo, hi = past.at or (None, None)
    number = TYPE_NUMBERS[past.type_name]
    told, *rows = await connection.fetch(
        _ONE, ask_row(ask), number, past.id, past.since, lo, hi, before, past.count, most_bytes
    )
    if not told["version"]:
        raise Unknown
    if rows and rows[-1]["over"]:
        raise too_costly(most_bytes)
    versions = [
        Version(past.type_name, past.id, row["version"], row["updated"], row["body"] or b"", deleted=row["deleted"])
        for row in rows[: past.count]
    ]
    more = len(rows) > past.count
    return Page(
        versions, [], told["total"], signer.sign(ask, past.scope, b"%d" % versions[-1].version) if more else None
    )


async def _of_many(connection: Connection, ask: Ask, signer: CursorSigner, past: Past, most_bytes: int) -> Page:
    before = _place(signer.read(ask, past.scope, past.cursor)) if past.cursor else (_LATEST, _LAST_ID, _NEWEST)
    lo, hi = past.at or (None, None)
    rows = await connection.fetch(
        _MANY, ask_row(ask), _numbers(past.type_name), past.since, lo, hi, *before, past.count, most_bytes
    )
    if rows and rows[-1]["over"]:
        raise too_costly(most_bytes)
    versions = [
        Version(TYPE_NAMES[row["type"]], row["id"], row["version"], row["updated"], row["body"] or b"", row["deleted"])
        for row in rows[: past.count]
    ]
    cursor = None
    if len(rows) > past.count:
        last = versions[-1]
        cursor = signer.sign(ask, past.scope, orjson.dumps([last.updated.isoformat(), str(last.id), last.version]))
    return Page(versions, [], None, cursor)


def _place(content: bytes) -> tuple[datetime, UUID, int]:
    try:
        updated, identifier, version = orjson.loads(content)
    except ValueError:
        raise not_ours() from None
    return datetime.fromisoformat(updated), UUID(identifier), version


def _numbers(type_name: str | None) -> Sequence[int]:
    if type_name is not None:
        return [TYPE_NUMBERS[type_name]]
    return [number for name, number in TYPE_NUMBERS.items() if type_definition(name).ownership is not Ownership.VIRTUAL]
