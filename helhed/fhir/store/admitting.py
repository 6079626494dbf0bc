"""Whether what a write creates may be created: one verdict for each citizen, type and ownership, and nothing that was purged."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
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
#: of each ask, what stands behind the end of the one before it
_ADMIT_MANY = """
select a.n, a.present, a.basis, (select fhir.have_tombstones($4::bigint[])) as tombstones
from unnest($2::int[]) with ordinality e(last, place)
cross join lateral (select coalesce(($2::int[])[e.place - 1], 0) + 1 as first) b
cross join lateral fhir.admit(($1::fhir.ask[])[e.place], $3, ($4::bigint[])[b.first:e.last], ($5::smallint[])[b.first:e.last],
                              ($6::smallint[])[b.first:e.last]) a
order by e.place, a.n"""
_Pair = tuple[int | None, int, int]  #: citizen, type, ownership


async def admit(connection: Connection, ask: Any, prepared: Prepared, looks: Looks) -> None:
    """One verdict for each (citizen, type, ownership) that is created."""
    pairs = _pairs(prepared)
    if not pairs:
        return
    citizens, types, owned = zip(*pairs, strict=True)
    rows = await connection.fetch(_ADMIT, ask, TYPE_NUMBERS["Patient"], list(citizens), list(types), list(owned))
    _judge(pairs, rows, prepared, looks)
    if rows[0]["tombstones"]:
        await refuse_purged(connection, ask, prepared.resources)


async def admit_many(connection: Connection, writes: Sequence[tuple[Any, Prepared, Looks]]) -> None:
    """The same for several asks, each for what it creates, in one statement. Raises what the first that is refused would."""
    each = [_pairs(prepared) for _, prepared, _ in writes]
    ends = list(accumulate(len(pairs) for pairs in each))
    columns = [list(column) for column in zip(*(pair for pairs in each for pair in pairs), strict=True)]
    if not columns:
        return
    rows = await connection.fetch(_ADMIT_MANY, [ask for ask, _, _ in writes], ends, TYPE_NUMBERS["Patient"], *columns)
    for (_, prepared, looks), pairs, end in zip(writes, each, ends, strict=True):
        _judge(pairs, rows[end - len(pairs) : end], prepared, looks)
    if rows[0]["tombstones"]:
        for ask, prepared, _ in writes:
            await refuse_purged(connection, ask, prepared.resources)


def _pairs(prepared: Prepared) -> dict[_Pair, list[UUID]]:
    pairs: dict[_Pair, list[UUID]] = defaultdict(list)
    for row in prepared.resources:
        pairs[(row[5], row[1], row[2])].append(row[4])
    return pairs


def _judge(pairs: dict[_Pair, list[UUID]], rows: Sequence[Any], prepared: Prepared, looks: Looks) -> None:
    """Raises Forbidden or Unprocessable where a verdict is no."""
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
