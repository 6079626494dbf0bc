"""Indexing again what was stored by code that indexed less, or before a search parameter was taken into use.

Runs as the owner: nobody else may read bodies.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from helhed.fhir.definitions import TYPE_NAMES, parameters_in_use, use_parameters
from helhed.fhir.indexing import index
from helhed.fhir.search_parameters import OUTDATED, in_use, types_waiting
from helhed.fhir.store.encoding import DATE_COLUMNS, STRING_COLUMNS, date_row, string_row
from helhed.fhir.store.writing import Prepared, add_side_rows, clinical_dates, label_columns
from helhed.foundation.binary_copy import copy_binary
from helhed.foundation.database import Connection

_PAGE = 500
_NOBODY = UUID(int=0)
_WORK = "select name, bucket, id from fhir.index_work where done_at is null order by name"
_ROWS = """
select bucket, id, type, ownership = 4 as is_part, body, citizen, coalesce(
  (select min(v.updated) from fhir.version v where v.bucket = r.bucket and v.id = r.id), r.updated) as first_stored
from fhir.resource r where (bucket, id) > ($1, $2) and not deleted and ($4::smallint[] is null or type = any($4))
order by bucket, id limit $3 for update"""
_PUT = """
update fhir.resource r set code = n.code, date_lo = n.lo, date_hi = n.hi, numbers = $6::float8[], tokens = $5::bigint[],
  authors = array(select distinct unnest(r.authors || $8::bigint[]) order by 1),  -- a writer who was noted stays
  contents = case when r.authors is null then $9::uuid[] else r.contents end,     -- and what the writer could see
  concerns = $10::bigint[], clinical_lo = $11, clinical_hi = $12
from (select $1::smallint as bucket, $2::uuid as id, $3::bigint as code, $4::timestamptz as lo, $7::timestamptz as hi) n
where r.bucket = n.bucket and r.id = n.id"""
_PUT_PART = """
update fhir.resource r set code = $3, date_lo = $4, tokens = $5::bigint[], numbers = $6::float8[], date_hi = $7
where r.bucket = $1 and r.id = $2"""  # its labels are the row's
_CLEAR = "delete from fhir.{table} s using unnest($1::smallint[], $2::uuid[]) as g(bucket, id) where s.bucket = g.bucket and s.id = g.id"
_HOLD = "select fhir.hold_search_parameters($1)"
_NOTE = (
    "update fhir.index_work set bucket = $2, id = $3, done_at = case when $4 then clock_timestamp() end "
    "where name = any($1::text[])"
)


async def reindex(connection: Connection, tell: Callable[[int], object]) -> int:
    """Do all the work that is noted at once, from where the least of it was left; returns how many rows were indexed. ``tell`` hears the count.

    Each page is a transaction: stop it whenever you like. Rows that others write meanwhile are indexed by them.
    """
    work = await connection.fetch(_WORK)
    if not work:
        return 0
    names, place = [one["name"] for one in work], min((one["bucket"], one["id"]) for one in work)
    done, types = 0, await types_waiting(connection, names)
    use_parameters(await in_use(connection))
    while True:
        try:
            rows = await _page(connection, names, place, types)
        except asyncpg.PostgresError as error:
            if error.sqlstate != OUTDATED:
                raise
            use_parameters(await in_use(connection))  # the set changed under this page: it is done again
            continue
        if not rows:
            return done
        place = rows[-1]["bucket"], rows[-1]["id"]
        done += len(rows)
        tell(done)


async def _page(
    connection: Connection, names: list[str], place: tuple[int, UUID], types: list[int] | None
) -> list[Any]:
    """Index the next rows, and note how far that is."""
    async with connection.transaction():
        rows = await connection.fetch(_ROWS, *place, _PAGE, types)
        await _put(connection, rows)
        reached = (rows[-1]["bucket"], rows[-1]["id"]) if rows else (-1, _NOBODY)
        await connection.execute(_NOTE, names, *reached, not rows)
        await connection.execute(_HOLD, parameters_in_use().edition)
    return list(rows)


async def _put(connection: Connection, rows: list[Any]) -> None:
    prepared = Prepared()
    for row in rows:
        resource = orjson.loads(row["body"])
        indexed = index(resource)
        lo, hi = clinical_dates(indexed)
        place = row["bucket"], row["id"], indexed.code or 0, lo, indexed.tokens, indexed.numbers, hi
        if row["is_part"]:
            await connection.execute(_PUT_PART, *place)
        else:
            labels = label_columns(resource, row["body"], row["citizen"], indexed, row["first_stored"])
            await connection.execute(_PUT, *place, *labels)
        add_side_rows(prepared, row["type"], row["id"], indexed, bucket=row["bucket"])
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
