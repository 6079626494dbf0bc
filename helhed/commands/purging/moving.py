"""Purging and recording on the rightful citizen in one transaction, so that nothing is lost in between and nobody reads it.

It runs on the operator's connection, like an import: the server's own may read no bodies. What is recorded anew is the current
version, written by the organisation's own system, as if it had been sent right at once; the versions that were never this
citizen's are not taken along.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.references import rewrite_raw
from helhed.fhir.store.purging import NamedRow, Purged, Purging
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, HelhedError, Unknown
from helhed.foundation.ids import bucket_of, new_id
from helhed.trust.keeping.purges import as_system

_ROWS = """
select r.id, r.type, r.origin, r.body, r.deleted, wrong.patient as wrong, rightful.patient as rightful
from fhir.purge p
join fhir.purged_row x on x.purge = p.id
join fhir.resource r on r.bucket = fhir.bucket(x.id) and r.id = x.id and r.type = x.type
join registries.citizen wrong on wrong.key = p.citizen
left join registries.citizen rightful on rightful.key = p.rightful
where p.id = $1 and p.done_at is null order by r.id for update of r"""


class Moved(NamedTuple):
    """What was purged, and what was recorded instead."""

    purged: Purged
    rows: tuple[NamedRow, ...]


async def approve_and_move(sessions: Sessions, purging: Purging, ask: Ask, proposal: UUID, seal: bytes) -> Moved:
    """Carry a proposal out and record its rows on the rightful citizen: both, or neither.

    Raises what ``Purging.approve`` raises, BadRequest when no rightful citizen is named or several organisations recorded
    the rows, and what a create of the organisation's system raises.
    """
    try:
        async with sessions.begin(ask) as session:
            rows = await session.connection.fetch(_ROWS, proposal)
            system = as_system(ask, _origin(rows))
            purged = await purging.approve_within(session.connection, ask, proposal, seal)
            changes = moved_changes(rows)
            await session.as_another(system).write(changes)
    except HelhedError:
        await purging.log_refused(ask, proposal)
        raise
    return Moved(purged, tuple(NamedRow(one.type_name, one.id) for one in changes if one.id is not None))


def _origin(rows: Sequence[Any]) -> int:
    origins = {row["origin"] for row in rows}
    if not rows:
        raise Unknown
    if rows[0]["rightful"] is None:
        raise BadRequest("The proposal names no rightful citizen: there is nowhere to move it.")
    if len(origins) > 1:
        raise BadRequest("Rows of several organisations are not moved together: propose them apart.")
    return int(origins.pop())


def moved_changes(rows: Sequence[Any]) -> list[Change]:
    """Creates on the rightful citizen: each row under a new id, with references among them and to the citizen made anew."""
    kept = [row for row in rows if not row["deleted"]]
    wrong, rightful = rows[0]["wrong"], rows[0]["rightful"]
    fresh = {row["id"]: new_id(bucket_of(rightful)) for row in kept}
    names = {f"{TYPE_NAMES[row['type']]}/{row['id']}": f"{TYPE_NAMES[row['type']]}/{fresh[row['id']]}" for row in kept}
    names |= {f"urn:uuid:{row['id']}": f"urn:uuid:{fresh[row['id']]}" for row in kept}
    names[f"Patient/{wrong}"] = f"Patient/{rightful}"
    return [_create(row, fresh[row["id"]], names) for row in kept]


def _create(row: Any, identifier: UUID, names: dict[str, str]) -> Change:
    raw = rewrite_raw(row["body"], names)
    return Change("POST", TYPE_NAMES[row["type"]], orjson.loads(raw), raw, identifier)
