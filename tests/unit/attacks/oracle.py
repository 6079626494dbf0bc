"""What holds of a refusal, whatever was refused: it is plain, tells nothing of the inside, and changed nothing."""

import re
from typing import Any

import orjson

from tests.support.world import World

#: what no answer holds: traces, SQL, the database's words, places in the machine, numbers of people
_INSIDE = re.compile(
    r"Traceback|File \"|\.py|asyncpg|postgres|\bselect\b .* \bfrom\b|fhir\.resource|syntax error|0x[0-9a-f]{6,}|/(?:home|tmp|usr)/"
    r"|\b\d{6}-?\d{4}\b",
    re.IGNORECASE,
)
_LONGEST = 64 * 1024  #: bytes of a refusal: what was sent does not come back whole
_STATE = """
select (select count(*) from fhir.resource), (select coalesce(sum(version), 0) from fhir.resource), (select count(*) from fhir.version),
  (select count(*) from fhir.resource_string), (select count(*) from fhir.resource_date), (select count(*) from trust.relation),
  (select count(*) from trust.block), (select count(*) from trust.opening), (select count(*) from registries.citizen_identifier)"""


async def state(world: World) -> tuple[int, ...]:
    """Numbers that any change would change."""
    row = await world.owner.fetchrow(_STATE)
    assert row is not None
    return tuple(row)


def plain(status: int, told: Any) -> None:
    """A refusal in plain words. AssertionError otherwise."""
    assert 400 <= status < 500, (status, told)
    assert told["resourceType"] == "OperationOutcome"
    raw = orjson.dumps(told)
    assert len(raw) <= _LONGEST
    for issue in told["issue"]:
        assert issue["severity"] == "error"
        assert issue["diagnostics"].strip()
    assert not _INSIDE.search(raw.decode()), raw[:500]
