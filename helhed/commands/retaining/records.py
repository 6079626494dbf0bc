"""Whole records: what one organisation recorded on one citizen, bucket by bucket, each record a transaction."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.database import Connection
from helhed.foundation.ids import BUCKETS
from helhed.trust.keeping.retention import Kind

_DUE = """
select * from trust.due_records($1::smallint, $2, $3::text::interval, $4::text::interval, $5::text[], $6::smallint)"""
_COUNT = "select count(*) from trust.rows_due($1, $2, $3::smallint, $4::smallint[])"
_RETIRE = "select trust.retire_record($1, $2, $3, $4, $5::smallint, $6::smallint[], $7)"
_PATIENT = TYPE_NUMBERS["Patient"]


async def count_due(connection: Connection, kind: Kind, now: datetime) -> tuple[int, int]:
    """How many rows of how many records would go."""
    rows = records = 0
    async for citizen, origin, _ in _due(connection, kind, now):
        found = await connection.fetchval(_COUNT, citizen, origin, _PATIENT, _stays(kind))
        rows, records = rows + found, records + bool(found)
    return rows, records


async def retire_due(connection: Connection, kind: Kind, now: datetime, released: str) -> tuple[int, int]:
    """Let them go; how many rows of how many records went."""
    rows = records = 0
    async for citizen, origin, before in _due(connection, kind, now):
        gone = await connection.fetchval(_RETIRE, citizen, origin, now, before, _PATIENT, _stays(kind), released)
        rows, records = rows + gone, records + bool(gone)
    return rows, records


async def _due(connection: Connection, kind: Kind, now: datetime) -> AsyncIterator[tuple[Any, Any, Any]]:
    """The records whose time has passed."""
    for bucket in range(BUCKETS):
        found = await connection.fetch(
            _DUE, bucket, now, kind.keep, kind.shorter or kind.keep, list(kind.shorter_for), _PATIENT
        )
        for row in found:
            yield row["citizen"], row["origin"], row["before"]


def _stays(kind: Kind) -> list[int]:
    return [TYPE_NUMBERS[name] for name in kind.stays_while_alive]
