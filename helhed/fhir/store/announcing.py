"""The last step of a write: its event, its log row, and the set of search parameters by which its rows were indexed."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import orjson

from helhed.fhir.store.writing import Stored
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection

_MOST_ANNOUNCED = 1000  #: resources in one event
_EVENT = """with event as (insert into foundation.outbox (topic, payload) select 'resources-stored', e from jsonb_array_elements($1::jsonb) e)
  select fhir.hold_search_parameters($2)"""
#: the same with a log row: most writes are of one citizen, and one statement less is felt in each
_EVENT_AND_LOOK = (
    _EVENT + ", fhir.log_writes($3::fhir.ask, $4, $5::smallint, $6::smallint, $7::smallint, $8::uuid[], $9::int[])"
)

#: of each look, what stands behind the end of the one before it
_EVENTS_AND_LOOKS = f"""{_EVENT}, (
  select count(*) from unnest($4::int[]) with ordinality e(last, place)
  cross join lateral (select coalesce(($4::int[])[e.place - 1], 0) + 1 as first) b
  cross join lateral fhir.log_writes(($3::fhir.ask[])[e.place], ($5::bigint[])[e.place], ($6::smallint[])[e.place], ($7::smallint[])[e.place],
                                     ($8::smallint[])[e.place], ($9::uuid[])[b.first:e.last], ($10::int[])[b.first:e.last]) l)"""


async def announce(
    connection: Connection, ask: Ask, stored: Sequence[Stored], edition: int, look: tuple[Any, ...] | None = None
) -> None:
    """Tell what was stored, and log ``look``, the arguments of ``fhir.log_writes``. The database raises ``search_parameters.OUTDATED`` when the set of ``edition`` is not the one in use."""
    told = orjson.dumps(_events(ask, stored)).decode()
    await connection.execute(_EVENT_AND_LOOK if look else _EVENT, told, edition, *(look or ()))


async def announce_many(
    connection: Connection,
    writes: Sequence[tuple[Ask, Sequence[Stored]]],
    edition: int,
    looks: Sequence[tuple[Any, ...]],
) -> None:
    """The same for several asks, in one statement with all their log rows."""
    told = orjson.dumps([event for ask, stored in writes for event in _events(ask, stored)]).decode()
    askers, citizens, actions, types, bases, ids, versions = zip(*looks, strict=True)
    ends = list(accumulate(len(one) for one in ids))
    await connection.execute(
        _EVENTS_AND_LOOKS, told, edition, list(askers), ends, list(citizens), list(actions), list(types), list(bases),
        list(chain.from_iterable(ids)), list(chain.from_iterable(versions)),
    )  # fmt: skip


def _events(ask: Ask, stored: Sequence[Stored]) -> list[dict[str, Any]]:
    ids = [str(one.id) for one in stored]
    parts = [ids[start : start + _MOST_ANNOUNCED] for start in range(0, len(ids) or 1, _MOST_ANNOUNCED)]
    said = {"origin": str(ask.organisation), "at": ask.at.isoformat(), "count": len(ids)}
    return [{**said, "ids": part} for part in parts]
