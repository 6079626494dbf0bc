"""Rows of the store's tables in the binary format of COPY, each table's columns in the order they are written."""

from datetime import datetime
from struct import Struct
from uuid import UUID

from helhed.foundation.binary_copy import bigints, doubles, sized, timestamp, uuids

RESOURCE_COLUMNS = (
    "bucket", "type", "ownership", "version", "id", "citizen", "origin", "code", "date_lo", "date_hi", "updated",
    "tokens", "digest", "body", "numbers", "authors", "contents", "concerns", "clinical_lo", "clinical_hi",
)  # fmt: skip
STRING_COLUMNS = ("bucket", "type", "parameter", "id", "value", "written")
DATE_COLUMNS = ("bucket", "type", "parameter", "id", "lo", "hi")

#: number of fields, then length and value of each
_BEFORE_CITIZEN = Struct("!hihihihiii16s")
_AFTER_CITIZEN = Struct("!iqiqiqiqiq")
_CITIZEN = Struct("!iq")
_NULL = Struct("!i").pack(-1)
_SIDE = Struct("!hihihihi16s")
_INTERVAL = Struct("!iqiq")


def resource_row(
    bucket: int, number: int, owned: int, version: int, identifier: UUID, citizen: int | None, origin: int, code: int,
    lo: datetime, hi: datetime, updated: datetime, tokens: list[int], digest: bytes, body: bytes,
    numbers: list[float], authors: list[int], contents: list[UUID] | None, concerns: list[int] | None,
    clinical_lo: datetime | None, clinical_hi: datetime | None,
) -> bytes:  # fmt: skip
    """One row of ``fhir.resource``."""
    return b"".join(
        (
            _BEFORE_CITIZEN.pack(20, 2, bucket, 2, number, 2, owned, 4, version, 16, identifier.bytes),
            _NULL if citizen is None else _CITIZEN.pack(8, citizen),
            _AFTER_CITIZEN.pack(8, origin, 8, code, 8, timestamp(lo), 8, timestamp(hi), 8, timestamp(updated)),
            bigints(tokens), sized(digest), sized(body), doubles(numbers),
            bigints(authors), uuids(contents) if contents else _NULL, bigints(concerns) if concerns else _NULL,
            _moment(clinical_lo), _moment(clinical_hi),
        )
    )  # fmt: skip


def _moment(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _CITIZEN.pack(8, timestamp(moment))


def string_row(bucket: int, number: int, parameter: int, identifier: UUID, value: str, written: str) -> bytes:
    """One row of ``fhir.resource_string``."""
    head = _SIDE.pack(6, 2, bucket, 2, number, 2, parameter, 16, identifier.bytes)
    return head + sized(value.encode()) + sized(written.encode())


def date_row(bucket: int, number: int, parameter: int, identifier: UUID, lo: datetime, hi: datetime) -> bytes:
    """One row of ``fhir.resource_date``."""
    head = _SIDE.pack(6, 2, bucket, 2, number, 2, parameter, 16, identifier.bytes)
    return head + _INTERVAL.pack(8, timestamp(lo), 8, timestamp(hi))
