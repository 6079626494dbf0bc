"""What is left of masked rows is stored beside them, with an index of its own, in the transaction that stores them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from helhed.fhir.changes import Version
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing import index
from helhed.fhir.masking import in_part
from helhed.fhir.store.writing import Prepared, add_side_rows, clinical_dates
from helhed.foundation.aside import aside
from helhed.foundation.database import Connection

_TO_BE_MASKED = "select id, elements from fhir.to_be_masked($1::uuid[], $2)"
_PUT = """
select fhir.put_part($1::smallint, $2, $3, $4, $5, $6, $7::bigint[], $8, $9, $10::float8[], $11::smallint[], $12::text[], $13::text[],
                     $14::smallint[], $15::timestamptz[], $16::timestamptz[], $17::uuid[])"""
_PUT_PAST = "select fhir.put_past_parts($1::smallint, $2, $3::int[], $4::bytea[], $5::bytea[])"


async def renew_parts(connection: Connection, changed: Iterable[Version], at: datetime) -> None:
    """What is left of rows that took a new version, of those that are masked in part."""
    versions = {one.id: one for one in changed}
    if versions:
        for row in await connection.fetch(_TO_BE_MASKED, list(versions), at):
            await put_part(connection, versions[row["id"]], row["elements"])


async def put_part(connection: Connection, version: Version, elements: Sequence[str]) -> None:
    """What is left of a standing version without ``elements``, in place of what was left of it before."""
    await connection.execute(_PUT, *await aside(len(version.body), lambda: _columns(version, elements)))


async def put_past_parts(connection: Connection, past: Sequence[Version], elements: Sequence[str]) -> None:
    """The same of versions of one resource that were replaced; a deletion shows nothing."""
    if past:
        size = sum(len(one.body) for one in past)
        bodies = await aside(size, lambda: [b"" if one.deleted else in_part(one.body, elements).body for one in past])
        digests = [sha256(body).digest() for body in bodies]
        number, identifier = TYPE_NUMBERS[past[0].type_name], past[0].id
        await connection.execute(_PUT_PAST, number, identifier, [one.version for one in past], digests, bodies)


def _columns(version: Version, elements: Sequence[str]) -> tuple[Any, ...]:
    part = in_part(version.body, elements)
    indexed = index(part.resource)
    lo, hi = clinical_dates(indexed)
    side, number = Prepared(), TYPE_NUMBERS[version.type_name]
    add_side_rows(side, number, version.id, indexed)
    return (
        number, version.id, version.version, indexed.code or 0, lo, hi, indexed.tokens, sha256(part.body).digest(),
        part.body, indexed.numbers, *_each(side.strings, (2, 4, 5)), *_each(side.dates, (2, 4, 5)), part.attachments,
    )  # fmt: skip


def _each(rows: Sequence[tuple[Any, ...]], columns: Sequence[int]) -> list[list[Any]]:
    """Some columns of rows, one by one."""
    return [[row[column] for row in rows] for column in columns]
