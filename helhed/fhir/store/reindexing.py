"""Indexing again what was stored by code that indexed less. Runs as the owner: nobody else may read bodies."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.indexing import index
from helhed.fhir.store.encoding import DATE_COLUMNS, STRING_COLUMNS, date_row, string_row
from helhed.fhir.store.writing import Prepared, add_side_rows, clinical_dates
from helhed.foundation.binary_copy import copy_binary
from helhed.foundation.database import Connection

_PAGE = 500
_NOBODY = UUID(int=0)
_WORK = "select name, bucket, id from fhir.index_work where done_at is null order by name"
_ROWS = """
select bucket, id, type, body from fhir.resource
where (bucket, id) > ($1, $2) and not deleted order by bucket, id limit $3 for update"""
_PUT = """
update fhir.resource r set code = n.code, date_lo = n.lo, date_hi = n.hi, numbers = $6::float8[], tokens = $5::bigint[]
from (select $1::smallint as bucket, $2::uuid as id, $3::bigint as code, $4::timestamptz as lo, $7::timestamptz as hi) n
where r.bucket = n.bucket and r.id = n.id"""
_CLEAR = "delete from fhir.{table} s using unnest($1::smallint[], $2::uuid[]) as g(bucket, id) where s.bucket = g.bucket and s.id = g.id"
_NOTE = (
    "update fhir.index_work set bucket = $2, id = $3, done_at = case when $4 then clock_timestamp() end where name = $1"
)


async def reindex(connection: Connection, tell: Callable[[int], object]) -> int:
    """Do the work that is noted, from where it was left; returns how many rows were indexed. ``tell`` hears the count.

    Each page is a transaction: stop it whenever you like. Rows that others write meanwhile are indexed by them.
    """
    done = 0
    for work in await connection.fetch(_WORK):
        place = (work["bucket"], work["id"])
        while True:
            async with connection.transaction():
                rows = await connection.fetch(_ROWS, *place, _PAGE)
                await _put(connection, rows)
                place = (rows[-1]["bucket"], rows[-1]["id"]) if rows else (-1, _NOBODY)
                await connection.execute(_NOTE, work["name"], *place, not rows)
            if not rows:
                break
            done += len(rows)
            tell(done)
    return done


async def _put(connection: Connection, rows: list[Any]) -> None:
    prepared = Prepared()
    for row in rows:
        resource = orjson.loads(row["body"])
        indexed = index(resource)
        lo, hi = clinical_dates(indexed)
        await connection.execute(
            _PUT, row["bucket"], row["id"], indexed.code or 0, lo, indexed.tokens, indexed.numbers, hi
        )
        add_side_rows(prepared, row["type"], row["id"], indexed)
        assert resource["resourceType"] == TYPE_NAMES[row["type"]]
    keys = [row["bucket"] for row in rows], [row["id"] for row in rows]
    for table in ("resource_string", "resource_date"):
        await connection.execute(_CLEAR.format(table=table), *keys)
    for name, columns, encode, some in (
        ("resource_string", STRING_COLUMNS, string_row, prepared.strings),
        ("resource_date", DATE_COLUMNS, date_row, prepared.dates),
    ):
        if some:
            await copy_binary(connection, ("fhir", name), columns, [encode(*row) for row in some])
