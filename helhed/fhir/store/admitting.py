"""Whether what a write creates may be created: one verdict for each citizen, type and ownership, and nothing that was purged."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership
from helhed.fhir.store.looks import Looks
from helhed.fhir.store.purged import refuse_purged
from helhed.fhir.store.refusals import not_admitted
from helhed.fhir.store.writing import OWNED, Prepared, Stored
from helhed.foundation.ask import Action
from helhed.foundation.database import Connection

_ADMIT = """
select n, present, basis, (select fhir.have_tombstones($3::bigint[])) as tombstones
from fhir.admit($1::fhir.ask, $2, $3::bigint[], $4::smallint[], $5::smallint[])"""


async def admit(connection: Connection, ask: Any, prepared: Prepared, looks: Looks) -> None:
    """One verdict for each (citizen, type, ownership) that is created."""
    pairs: dict[tuple[int | None, int, int], list[UUID]] = defaultdict(list)
    for row in prepared.resources:
        pairs[(row[5], row[1], row[2])].append(row[4])
    if not pairs:
        return
    citizens, types, owned = zip(*pairs, strict=True)
    rows = await connection.fetch(_ADMIT, ask, TYPE_NUMBERS["Patient"], list(citizens), list(types), list(owned))
    fresh = {row[5] for row in prepared.resources if row[1] == TYPE_NUMBERS["Patient"]}
    granted = {(pair[0], pair[1]): verdict["basis"] for pair, verdict in zip(pairs, rows, strict=True)}
    prepared.stored = [_with_basis(one, granted) for one in prepared.stored]
    refused: list[int | None] = []
    for (citizen, number, _), ids, verdict in zip(pairs, pairs.values(), rows, strict=True):
        looks.changed(citizen, Action.CREATE, verdict["basis"], number, ids, 1)
        if verdict["basis"] is None or not (verdict["present"] or citizen in fresh):
            refused.append(citizen)
    if refused:
        raise not_admitted(refused[0])
    if rows[0]["tombstones"]:
        await refuse_purged(connection, ask, prepared.resources)


async def admit_to_citizen(
    connection: Connection, ask: Any, about: tuple[int, int, UUID], version: int, looks: Looks
) -> None:
    """What an organisation keeps becomes a citizen's: ``about`` is the citizen, the type and the row. Raises Unprocessable."""
    citizen, number, identifier = about
    owned = OWNED[Ownership.CITIZEN]
    verdict = await connection.fetchrow(_ADMIT, ask, TYPE_NUMBERS["Patient"], [citizen], [number], [owned])
    assert verdict is not None  # one pair was asked for
    looks.changed(citizen, Action.UPDATE, verdict["basis"], number, [identifier], version)
    if verdict["basis"] is None or not verdict["present"]:
        raise not_admitted(citizen)


def _with_basis(one: Stored, granted: dict[tuple[int | None, int], int | None]) -> Stored:
    return one._replace(basis=granted[one.citizen, TYPE_NUMBERS[one.type_name]]) if one.created else one
