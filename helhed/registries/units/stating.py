"""What stored Organizations say of units, taken in the transaction that stores them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.indexing import normalise
from helhed.fhir.store import Stored
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of
from helhed.registries.projections import local_target

#: from and to when a unit is there (http://hl7.org/fhir/R4/extension-organization-period.html)
PERIOD = "http://hl7.org/fhir/StructureDefinition/organization-period"
_STATE = "select registries.state_units($1, $2, $3, $4, $5::jsonb[], $6, $7)"
_NOT_SAID = frozenset({"id", "meta", "text", "contained"})


class _Said(NamedTuple):
    unit: int
    first: date | None
    last: date | None
    new: bool
    said: str | None
    parent: int | None
    name: str | None


class Units:
    """Each stored Organization says how its unit is from today on."""

    types = frozenset({"Organization"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Say it, where it is something new."""
        await _state(connection, [_statement(one) for one in stored])

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A unit that is deleted is not there from today on; what it was until then stays known."""
        await _state(connection, [_Said(key_of(one), None, None, False, None, None, None) for one in removed])


async def _state(connection: Connection, statements: Sequence[_Said]) -> None:
    await connection.execute(_STATE, *map(list, zip(*statements, strict=True)))


def what_is_said(resource: dict[str, Any]) -> dict[str, Any]:
    """An Organization without what is the store's or for reading only."""
    return {name: value for name, value in resource.items() if name not in _NOT_SAID}


def _statement(one: Stored) -> _Said:
    resource = one.resource
    above = local_target(resource.get("partOf"), "Organization")
    first, last = _period(resource)
    said = orjson.dumps(what_is_said(resource)).decode()
    parent = None if above is None else key_of(above)
    return _Said(key_of(one.id), first, last, one.created, said, parent, normalise(resource.get("name", "")))


def _period(resource: dict[str, Any]) -> tuple[date | None, date | None]:
    period: dict[str, Any] = next(
        (e.get("valuePeriod", {}) for e in resource.get("extension", ()) if e.get("url") == PERIOD), {}
    )
    return _whole_day(period.get("start")), _whole_day(period.get("end"))


def _whole_day(text: Any) -> date | None:
    """The day of a date or moment; None for a part of one, which names no day."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
