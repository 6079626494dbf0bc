"""COPY in PostgreSQL's binary format, for tables whose rows come by the thousand.

The layout is that of the PostgreSQL documentation, command COPY, section "Binary Format"; array and timestamp fields are
laid out as ``array_send`` and ``timestamptz_send`` do. A field is its length (int32) and its bytes; length -1 is null.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import cache
from struct import Struct
from uuid import UUID

from helhed.foundation.database import Connection

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_CHUNK_ROWS = 500
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MINUS_INFINITY = -(1 << 63)
_DAY, _SECOND = 86_400_000_000, 1_000_000
_ARRAY_HEAD_BYTES, _ITEM_BYTES = 20, 12
_BIGINT = 20  #: object identifier of the type bigint
_NO_ITEMS = Struct("!iiii").pack(12, 0, 0, _BIGINT)
_DOUBLE = 701  #: of the type double precision
_NO_DOUBLES = Struct("!iiii").pack(12, 0, 0, _DOUBLE)
_UUID = 2950  #: of the type uuid
_LENGTH = Struct("!i")
_SIXTEEN = _LENGTH.pack(16)


def timestamp(moment: datetime) -> int:
    """Microseconds since 2000; the earliest year stands for ``-infinity``, as in asyncpg."""
    if moment.year == 1 and moment.month == 1 and moment.day == 1:
        return _MINUS_INFINITY
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def bigints(items: Sequence[int]) -> bytes:
    """The field of a ``bigint[]``."""
    count = len(items)
    if not count:
        return _NO_ITEMS
    fields = [8] * (2 * count)  # the length of an item, and the item
    fields[1::2] = items
    return _array(count).pack(_ARRAY_HEAD_BYTES + count * _ITEM_BYTES, 1, 0, _BIGINT, count, 1, *fields)


def doubles(items: Sequence[float]) -> bytes:
    """The field of a ``double precision[]``."""
    count = len(items)
    if not count:
        return _NO_DOUBLES
    fields: list[float] = [8] * (2 * count)
    fields[1::2] = items
    return _double_array(count).pack(_ARRAY_HEAD_BYTES + count * _ITEM_BYTES, 1, 0, _DOUBLE, count, 1, *fields)


def uuids(items: Sequence[UUID]) -> bytes:
    """The field of a ``uuid[]`` that is not empty."""
    head = Struct("!iiiiii").pack(_ARRAY_HEAD_BYTES + len(items) * 20, 1, 0, _UUID, len(items), 1)
    return head + b"".join(_SIXTEEN + item.bytes for item in items)


@cache
def _double_array(count: int) -> Struct:
    return Struct("!iiiiii" + "id" * count)


@cache
def _array(count: int) -> Struct:
    return Struct("!iiiiii" + "iq" * count)


def sized(content: bytes) -> bytes:
    """The field of a ``bytea`` or ``text``."""
    return _LENGTH.pack(len(content)) + content


async def copy_binary(
    connection: Connection, table: tuple[str, str], columns: Sequence[str], rows: list[bytes]
) -> None:
    """Write ``rows``, each its number of fields (int16) and its fields, to (schema, table)."""
    schema, name = table
    await connection.copy_to_table(name, schema_name=schema, columns=columns, source=_chunks(rows), format="binary")


async def _chunks(rows: list[bytes]) -> AsyncIterator[bytes]:
    yield _SIGNATURE
    for start in range(0, len(rows), _CHUNK_ROWS):
        yield b"".join(rows[start : start + _CHUNK_ROWS])
    yield _TRAILER
