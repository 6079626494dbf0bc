"""Rows in the binary format of COPY arrive as the driver's own encoder would have written them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.fhir.store.encoding import (
    DATE_COLUMNS,
    RESOURCE_COLUMNS,
    STRING_COLUMNS,
    date_row,
    resource_row,
    string_row,
)
from helhed.fhir.store.writing import EARLIEST, NO_DATE
from helhed.foundation.binary_copy import copy_binary
from helhed.foundation.database import connect
from tests.support.world import World

SMALL, BIG = st.integers(-(2**15), 2**15 - 1), st.integers(-(2**63), 2**63 - 1)
WHEN = st.just(NO_DATE) | st.datetimes(EARLIEST.replace(tzinfo=None), datetime(9999, 12, 31), timezones=st.just(UTC))
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
RESOURCE = st.tuples(
    SMALL, SMALL, SMALL, st.integers(1, 2**31 - 1), st.uuids(), st.none() | BIG, BIG, BIG, WHEN, WHEN, WHEN,
    st.lists(BIG, max_size=40), st.binary(max_size=40), st.binary(max_size=3000),
    st.lists(st.floats(allow_nan=False), max_size=24), st.lists(BIG, max_size=5),
    st.none() | st.lists(st.uuids(), min_size=1, max_size=5), st.none() | st.lists(BIG, min_size=1, max_size=5), st.none() | WHEN,
    st.none() | WHEN,
)  # fmt: skip
STRING = st.tuples(SMALL, SMALL, SMALL, st.uuids(), TEXT, TEXT)
DATE = st.tuples(SMALL, SMALL, SMALL, st.uuids(), WHEN, WHEN)


@pytest.mark.parametrize(
    ("table", "columns", "encode", "rows"),
    [
        ("resource", RESOURCE_COLUMNS, resource_row, RESOURCE),
        ("resource_string", STRING_COLUMNS, string_row, STRING),
        ("resource_date", DATE_COLUMNS, date_row, DATE),
    ],
    ids=["resources", "strings", "dates"],
)  # fmt: skip
async def test_both_encoders_write_the_same(world: World, table, columns, encode, rows) -> None:
    connection = await connect(world.target.owner)
    for name in ("ours", "theirs"):
        chosen = ", ".join(columns)
        await connection.execute(f"create temp table {name} as select {chosen} from fhir.{table} with no data")

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(rows, max_size=5, unique_by=lambda row: next(one for one in row if isinstance(one, UUID))))
    def same(made) -> None:
        pending.append(made)

    pending: list[list[tuple[object, ...]]] = []
    same()
    for made in pending:
        await connection.execute("truncate ours, theirs")
        schema = await connection.fetchval("select pg_my_temp_schema()::regnamespace::text")
        await copy_binary(connection, (schema, "ours"), columns, [encode(*row) for row in made])
        await connection.copy_records_to_table("theirs", schema_name=schema, columns=columns, records=made)
        differ = "(table ours except all table theirs) union all (table theirs except all table ours)"
        assert await connection.fetch(differ) == []
        assert await connection.fetchval("select count(*) from ours") == len(made)
    await connection.close()
