"""Writing prepared rows: a few in one statement that the connection has planned before, many with COPY."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from helhed.fhir.store.encoding import (
    DATE_COLUMNS,
    RESOURCE_COLUMNS,
    STRING_COLUMNS,
    date_row,
    resource_row,
    string_row,
)
from helhed.fhir.store.writing import Prepared
from helhed.foundation.binary_copy import copy_binary
from helhed.foundation.database import Connection

_FEW, _FEW_BESIDE = 3, 64  #: rows; COPY costs a conversation of its own for each table, whatever it brings
_SIDE_TYPES = ("smallint[]", "smallint[]", "smallint[]", "uuid[]")


async def put_rows(connection: Connection, prepared: Prepared) -> None:
    """Write them all."""
    few = 0 < len(prepared.resources) <= _FEW
    if few and max(len(prepared.strings), len(prepared.dates)) <= _FEW_BESIDE:
        rows = [value for row in prepared.resources for value in row]
        sides = (*_columns(prepared.strings, STRING_COLUMNS), *_columns(prepared.dates, DATE_COLUMNS))
        await connection.execute(_insert(len(prepared.resources)), *sides, *rows)
    else:
        await copy_rows(connection, prepared)


async def copy_rows(connection: Connection, prepared: Prepared) -> None:
    """Write prepared rows with COPY."""
    for name, columns, encode, rows in (
        ("resource", RESOURCE_COLUMNS, resource_row, prepared.resources),
        ("resource_string", STRING_COLUMNS, string_row, prepared.strings),
        ("resource_date", DATE_COLUMNS, date_row, prepared.dates),
    ):
        if rows:
            await copy_binary(connection, ("fhir", name), columns, [encode(*row) for row in rows])


@cache
def _insert(count: int) -> str:
    """``count`` rows, after the columns of the strings and of the dates beside them."""
    places = iter(range(1, 1 + len(STRING_COLUMNS) + len(DATE_COLUMNS) + count * len(RESOURCE_COLUMNS)))
    strings = _side("resource_string", STRING_COLUMNS, (*_SIDE_TYPES, "text[]", "text[]"), places)
    dates = _side("resource_date", DATE_COLUMNS, (*_SIDE_TYPES, "timestamptz[]", "timestamptz[]"), places)
    rows = ",".join("(" + ",".join(f"${next(places)}" for _ in RESOURCE_COLUMNS) + ")" for _ in range(count))
    return (
        f"with s as ({strings}), d as ({dates}) insert into fhir.resource ({','.join(RESOURCE_COLUMNS)}) values {rows}"
    )


def _side(table: str, columns: Sequence[str], types: Sequence[str], places: Any) -> str:
    arrays = ",".join(f"${next(places)}::{one}" for one in types)
    return f"insert into fhir.{table} ({','.join(columns)}) select * from unnest({arrays})"


def _columns(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(len(names))]
