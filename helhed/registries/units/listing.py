"""What is listed for units, taken from stored Endpoints and HealthcareServices in the transaction that stores them.

An Endpoint is listed for its ``managingOrganization``, a HealthcareService for its ``providedBy``; whether it counts is decided when it
is asked (registries/migrations/0014). An Endpoint says when it is so by ``period``; a service has none in R4, and says it by an extension
of ours, or is there while it is active.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.store import Stored
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of
from helhed.registries.projections import local_target
from helhed.registries.units.stating import what_is_said

ALWAYS, NEVER_ENDS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
#: from and to when a HealthcareService counts, which has no period in R4
IN_FORCE = "urn:helhed:extension:in-force"
_PUT = "select registries.put_listings($1, $2, $3, $4, $5, $6, $7::jsonb[], $8::jsonb[])"
_UNIT = {"Endpoint": "managingOrganization", "HealthcareService": "providedBy"}
_CODES = {"Endpoint": "payloadType", "HealthcareService": "specialty"}


class _Listed(NamedTuple):
    source: UUID
    type: str
    unit: int | None
    origin: int
    begins: datetime
    ends: datetime
    codes: str
    said: str


class Listings:
    """Endpoints and services of units."""

    types = frozenset(_UNIT)

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """List them, where they say something new."""
        await _put(connection, [_listed(one) for one in stored])

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """What is deleted is listed no longer; that it was stays known."""
        await _put(connection, [_Listed(one, "Endpoint", None, 0, ALWAYS, NEVER_ENDS, "[]", "{}") for one in removed])


async def _put(connection: Connection, listed: Sequence[_Listed]) -> None:
    if listed:
        await connection.execute(_PUT, *map(list, zip(*listed, strict=True)))


def _listed(one: Stored) -> _Listed:
    resource = one.resource
    kind = resource["resourceType"]
    above = local_target(resource.get(_UNIT[kind]), "Organization")
    in_use = resource.get("status", "active") == "active" and resource.get("active", True)
    begins, ends = _period(period_of(resource))
    codes = sorted({code.lower() for code in _codes(resource.get(_CODES[kind], ()))})
    unit = key_of(above) if above is not None and in_use else None
    said = orjson.dumps(what_is_said(resource)).decode()
    return _Listed(one.id, kind, unit, one.origin, begins, ends, orjson.dumps(codes).decode(), said)


def _codes(concepts: Sequence[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield from (coding["code"] for coding in concept.get("coding", ()) if coding.get("code"))


def period_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """From and to when it counts: its own period, or, where FHIR has no place for one, that of an extension of ours."""
    if "period" in resource:
        return dict(resource["period"])
    found = (one.get("valuePeriod", {}) for one in resource.get("extension", ()) if one.get("url") == IN_FORCE)
    return dict(next(found, {}))


def _period(period: dict[str, Any]) -> tuple[datetime, datetime]:
    """A day begins and ends at Danish midnight; a moment is one; a part of a date is none."""
    return _moment(period.get("start"), ALWAYS, whole_days=0), _moment(period.get("end"), NEVER_ENDS, whole_days=1)


def _moment(text: Any, otherwise: datetime, *, whole_days: int) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
        if found.tzinfo is not None:
            return found
        return found.replace(tzinfo=DANISH_TIME) + timedelta(days=whole_days)
    except (ValueError, OverflowError):
        return otherwise
