"""A standing row takes its next version; the version before goes where versions are kept, with the labels it had."""

from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.fhir.store.writing import NO_DATE
from helhed.foundation.database import Connection

_PUT = """
select fhir.put_version($1::smallint, $2, $3, $4, $5, $6, $7, $8::bigint[], $9, $10, $11::float8[], $12::bigint[], $13::uuid[],
                        $14::bigint[], $15, $16)"""
_NO_LABELS: list[Any] = [[], None, None, None, None]  #: a deleted row keeps those it had


async def put_version(connection: Connection, identifier: UUID, version: int, row: tuple[Any, ...]) -> None:
    """``row`` (columns of ``fhir.resource``) in place of version ``version``."""
    _, number, _, _, _, _, _, code, lo, hi, at, tokens, digest, body, numbers, *labels = row
    await connection.execute(
        _PUT, number, identifier, version, at, code, lo, hi, tokens, digest, body, numbers, *labels
    )


async def put_deletion(connection: Connection, number: int, identifier: UUID, version: int, at: datetime) -> None:
    """Nothing in place of version ``version``."""
    nothing: tuple[Any, ...] = (0, NO_DATE, NO_DATE, [], b"", None, [])
    await connection.execute(_PUT, number, identifier, version, at, *nothing, *_NO_LABELS)
