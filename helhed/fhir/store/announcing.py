"""The last step of a write: its event, its log row, and the set of search parameters by which its rows were indexed."""

from collections.abc import Sequence
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


async def announce(
    connection: Connection, ask: Ask, stored: Sequence[Stored], edition: int, look: tuple[Any, ...] | None = None
) -> None:
    """Tell what was stored, and log ``look``, the arguments of ``fhir.log_writes``. The database raises ``search_parameters.OUTDATED`` when the set of ``edition`` is not the one in use."""
    ids = [str(one.id) for one in stored]
    parts = [ids[start : start + _MOST_ANNOUNCED] for start in range(0, len(ids) or 1, _MOST_ANNOUNCED)]
    said = {"origin": str(ask.organisation), "at": ask.at.isoformat(), "count": len(ids)}
    told = orjson.dumps([{**said, "ids": part} for part in parts]).decode()
    await connection.execute(_EVENT_AND_LOOK if look else _EVENT, told, edition, *(look or ()))
