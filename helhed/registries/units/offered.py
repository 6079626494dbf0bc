"""What a published register says that units offer: their specialities, each unit's as one HealthcareService of the register's keeper."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.validation import validate
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import InvalidResource
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.registries.identifiers import SOR
from helhed.registries.units.sor_file import SorUnit
from helhed.registries.units.specialities import by_code, by_name
from helhed.registries.units.stating import what_is_said

_LISTED = """
select l.source, l.said from unnest($1::bigint[]) u(unit) cross join lateral registries.listings_to_come(u.unit, $2) l
where l.type = 'HealthcareService' and l.origin = $3"""


class _There(NamedTuple):
    source: UUID
    said: Mapping[str, Any]


async def offered(pool: Pool, ask: Ask, units: Sequence[SorUnit], ids: Mapping[str, UUID]) -> list[Change]:
    """What has to be stored or taken out so that each unit offers what the register says. Raises InvalidResource."""
    there = await _there(pool, ask, [key_of(ids[unit.sor]) for unit in units])
    found = (_change(unit, ids[unit.sor], there.get(unit.sor)) for unit in units)
    return [one for one in found if one is not None]


def _change(unit: SorUnit, of: UUID, now: _There | None) -> Change | None:
    if not unit.specialities:
        return None if now is None else Change("DELETE", "HealthcareService", None, None, now.source)
    resource = {
        "resourceType": "HealthcareService",
        "identifier": [{"system": SOR, "value": unit.sor}],
        "active": True,
        "providedBy": {"reference": f"Organization/{of}"},
        "specialty": [by_code(one) if one.isdigit() else by_name(one) for one in unit.specialities],
    }
    if issues := validate(resource):
        raise InvalidResource(issues=issues)
    if now is None:
        return Change("POST", "HealthcareService", resource, orjson.dumps(resource), new_id())
    if now.said == what_is_said(resource):
        return None
    resource = {**resource, "id": str(now.source)}
    return Change("PUT", "HealthcareService", resource, orjson.dumps(resource), now.source)


async def _there(pool: Pool, ask: Ask, units: Sequence[int]) -> dict[str, _There]:
    """By SOR code, what an earlier register brought."""
    async with lend(pool) as connection:
        rows = await connection.fetch(_LISTED, list(units), ask.at, ask.organisation)
    found = [_There(row["source"], orjson.loads(row["said"])) for row in rows]
    return {
        number["value"]: one
        for one in found
        for number in one.said.get("identifier", ())
        if number.get("system") == SOR
    }
