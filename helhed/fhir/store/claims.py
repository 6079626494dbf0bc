"""What is known of new rows by who writes them: what they may claim to present, and one author more.

A row presents only rows that its writer can see, what is written beside it, and what it presented before it was changed.
Otherwise a writer could point at an id that may not be seen and learn from the fate of the own row whether it is there. A custodian, who sees nothing, is believed: it
keeps its organisation's records right. A professional who writes is an author, named in the row or not.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from helhed.fhir.store.encoding import RESOURCE_COLUMNS
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.database import Connection

_ID, _AUTHORS, _CONTENTS = (RESOURCE_COLUMNS.index(name) for name in ("id", "authors", "contents"))
_SEEN = "select fhir.seen_of($1::fhir.ask, $2::uuid[], $3::uuid[])"
Row = tuple[Any, ...]


async def as_written_by(
    connection: Connection, ask: Ask, asker: Row, rows: list[Row], beside: Iterable[UUID] = ()
) -> list[Row]:
    """``rows`` of ``fhir.resource`` as ``ask`` may write them; ``asker`` is the ask as the database takes it, ``beside`` the
    ids of what is written in the same transaction.
    """
    if ask.kind is not ActorKind.PROFESSIONAL:
        return rows
    named = {one for row in rows for one in row[_CONTENTS] or ()}
    changed = [row[_ID] for row in rows]
    own = {*changed, *beside}
    seen = own | set(await connection.fetchval(_SEEN, asker, list(named - own), changed)) if named else own
    return [_claiming(row, seen, ask.actor) for row in rows]


def _claiming(row: Row, seen: set[UUID], author: int) -> Row:
    columns = list(row)
    columns[_AUTHORS] = sorted({*row[_AUTHORS], author})
    columns[_CONTENTS] = [one for one in row[_CONTENTS] or () if one in seen] or None
    return tuple(columns)
