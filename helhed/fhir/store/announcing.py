"""The last step of a write: its event, and the set of search parameters by which its rows were indexed."""

from collections.abc import Sequence

import orjson

from helhed.fhir.store.writing import Stored
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection

_MOST_ANNOUNCED = 1000
_EVENT = """with event as (insert into foundation.outbox (topic, payload) values ('resources-stored', $1::jsonb))
  select fhir.hold_search_parameters($2)"""


async def announce(connection: Connection, ask: Ask, stored: Sequence[Stored], edition: int) -> None:
    """Tell what was stored. The database raises ``search_parameters.OUTDATED`` when the set of ``edition`` is not the one in use."""
    event = {
        "origin": str(ask.organisation),
        "at": ask.at.isoformat(),
        "ids": [str(one.id) for one in stored[:_MOST_ANNOUNCED]],
        "count": len(stored),
    }
    await connection.execute(_EVENT, orjson.dumps(event).decode(), edition)
