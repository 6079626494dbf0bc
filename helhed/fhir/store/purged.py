"""What was purged does not come back unnoticed: a new row is compared with the tombstones of the citizen it is about."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from helhed.fhir.store.encoding import RESOURCE_COLUMNS
from helhed.foundation.database import Connection
from helhed.foundation.errors import Unprocessable

_CITIZEN, _DIGEST = (RESOURCE_COLUMNS.index(name) for name in ("citizen", "digest"))
_BEFORE = "select n, tombstone, done_at from fhir.purged_before($1::fhir.ask, $2::bigint[], $3::bytea[]) order by n"


class PurgedBefore(Unprocessable):
    """This was recorded on the wrong citizen before and has been purged: record it on the right one."""

    def __init__(self, tombstone: UUID) -> None:
        super().__init__(f"{(type(self).__doc__ or '').rstrip('.')}. Tombstone {tombstone}.")


async def purged_before(
    connection: Connection, asker: tuple[Any, ...], pairs: Sequence[tuple[int | None, bytes]]
) -> dict[int, UUID]:
    """Position in ``pairs`` (a citizen's key, and the SHA-256 of what is submitted) -> the tombstone that knows it."""
    if not pairs:
        return {}
    rows = await connection.fetch(_BEFORE, asker, *map(list, zip(*pairs, strict=True)))
    return {row["n"] - 1: row["tombstone"] for row in rows}


async def refuse_purged(connection: Connection, asker: tuple[Any, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Raises PurgedBefore when one of these new rows of ``fhir.resource`` is byte for byte what was purged."""
    found = await purged_before(connection, asker, [(row[_CITIZEN], row[_DIGEST]) for row in rows])
    if found:
        raise PurgedBefore(min(found.items())[1])
