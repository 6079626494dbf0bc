"""The last step of a write: its event, and the set of search parameters by which its rows were indexed."""

from collections.abc import Sequence

import orjson

from helhed.fhir.store.writing import Stored
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection

_MOST_ANNOUNCED = 1000  #: resources in one event
_EVENT = """with event as (insert into foundation.outbox (topic, payload) select 'resources-stored', e from jsonb_array_elements($1::jsonb) e)
  select fhir.hold_search_parameters($2)"""


async def announce(connection: Connection, ask: Ask, stored: Sequence[Stored], edition: int) -> None:
    """Tell what was stored. The database raises ``search_parameters.OUTDATED`` when the set of ``edition`` is not the one in use."""
    ids = [str(one.id) for one in stored]
    parts = [ids[start : start + _MOST_ANNOUNCED] for start in range(0, len(ids) or 1, _MOST_ANNOUNCED)]
    said = {"origin": str(ask.organisation), "at": ask.at.isoformat(), "count": len(ids)}
    await connection.execute(_EVENT, orjson.dumps([{**said, "ids": part} for part in parts]).decode(), edition)
