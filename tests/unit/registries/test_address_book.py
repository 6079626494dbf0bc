"""The address book: who takes which message for a unit, by its own endpoint or by one above it, and when it last did."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from helhed.foundation.database import connect
from helhed.foundation.ids import key_of
from helhed.registries.addressing import Route, delivered, route, routes_of
from tests.unit.registries.region import LATER_DAYS, Region

EVENTS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes"


def endpoint(unit: UUID, address: str, *types: str, **more: Any) -> dict[str, Any]:
    """An Endpoint of a unit."""
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "hl7-fhir-msg",
        },
        "managingOrganization": {"reference": f"Organization/{unit}"},
        "payloadType": [{"coding": [{"system": EVENTS, "code": one}]} for one in types],
        "address": address,
        **more,
    }


async def way(region: Region, unit: UUID, message_type: str, at: datetime | None = None) -> Route | None:
    """The route in force."""
    return await route(region.world.owner, key_of(unit), message_type, at or region.now + timedelta(minutes=5))


async def test_a_unit_takes_messages_where_it_says_or_else_where_those_above_it_say(region: Region) -> None:
    await region.world.put(
        region.ask, endpoint(region.region, "https://region.example", "XDIS91", "care-communication-message")
    )
    own = await region.world.put(
        region.ask, endpoint(region.ward, "https://ward.example", "care-communication-message")
    )
    letters, care = (
        await way(region, region.ward, "xdis91"),
        await way(region, region.ward, "care-communication-message"),
    )
    assert letters is not None
    assert care is not None
    assert (letters.address, letters.unit, letters.depth) == ("https://region.example", key_of(region.region), 2)
    assert (care.address, care.endpoint, care.depth) == ("https://ward.example", own, 0)
    assert await way(region, region.ward, "XREF15") is None
    assert [
        one.address
        for one in await routes_of(region.world.owner, key_of(region.ward), None, region.now + timedelta(minutes=5))
    ] == [
        "https://ward.example",
        "https://region.example",
    ]


async def test_a_route_begins_and_ends_on_its_days_and_moves_with_the_unit(region: Region) -> None:
    until = region.later - timedelta(1)
    await region.world.put(
        region.ask, endpoint(region.north, "https://north.example", "XDIS91", period={"end": until.isoformat()})
    )
    await region.world.put(
        region.ask, endpoint(region.north, "https://new.example", "XDIS91", period={"start": region.later.isoformat()})
    )
    await region.world.put(region.ask, endpoint(region.south, "https://south.example", "XDIS91"))
    later = region.now + timedelta(LATER_DAYS)
    assert [getattr(await way(region, region.ward, "XDIS91", at), "address", "") for at in (None, later)] == [
        "https://north.example",
        "https://new.example",
    ]
    await region.plans.move(region.ask, region.ward, region.later, region.south)
    assert [getattr(await way(region, region.ward, "XDIS91", at), "address", "") for at in (None, later)] == [
        "https://north.example",
        "https://south.example",
    ]


async def test_what_is_switched_off_or_deleted_takes_nothing_and_what_was_known_is_told(region: Region) -> None:
    wanted = endpoint(region.ward, "https://ward.example", "XDIS91")
    found = await region.world.put(region.ask, wanted)
    before = await region.world.owner.fetchval("select clock_timestamp()")
    await region.world.change(region.ask, found, {**wanted, "id": str(found), "status": "off"})
    assert await way(region, region.ward, "XDIS91") is None
    at = region.now + timedelta(minutes=5)
    assert [one.endpoint for one in await routes_of(region.world.owner, key_of(region.ward), "XDIS91", at, before)] == [
        found
    ]
    await region.world.change(region.ask, found, {**wanted, "id": str(found)})
    assert await way(region, region.ward, "XDIS91") is not None
    await region.world.delete(region.ask, "Endpoint", found)
    assert await way(region, region.ward, "XDIS91") is None


async def test_nobody_else_says_where_a_units_messages_go(region: Region) -> None:
    stranger = await region.world.organisation("En anden")
    ask = replace(region.world.system(stranger), at=region.now)
    theirs = await region.world.put(ask, endpoint(region.ward, "https://stranger.example", "XDIS91"))
    assert await way(region, region.ward, "XDIS91") is None
    now = await region.stored(region.ward)
    await region.world.change(region.ask, region.ward, {**now, "endpoint": [{"reference": f"Endpoint/{theirs}"}]})
    found = await way(region, region.ward, "XDIS91")
    assert found is not None
    assert found.address == "https://stranger.example"


async def test_messages_are_addressed_to_the_number_of_the_endpoint_or_to_the_nearest_above(region: Region) -> None:
    number = {"system": "http://www.gs1.org/gln", "value": "5790000000003"}
    now = await region.stored(region.north)
    await region.world.change(region.ask, region.north, {**now, "identifier": [number]})
    await region.world.put(region.ask, endpoint(region.ward, "https://ward.example", "XDIS91"))
    own = {"system": "https://www.gs1.org/gln", "value": "5790000000010"}
    await region.world.put(region.ask, endpoint(region.ward, "https://other.example", "XREF15", identifier=[own]))
    assert [getattr(await way(region, region.ward, one), "gln", "") for one in ("XDIS91", "XREF15")] == [
        "5790000000003",
        "5790000000010",
    ]


async def test_the_last_delivery_of_a_route_is_kept_and_never_goes_back(region: Region) -> None:
    await region.world.put(region.ask, endpoint(region.region, "https://region.example", "XDIS91", "XREF15"))
    found = await way(region, region.ward, "XDIS91")
    assert found is not None
    assert found.delivered_at is None
    for minutes in (3, 1):
        await delivered(region.world.owner, found, "XDIS91", region.now + timedelta(minutes=minutes))
    await delivered(region.world.owner, found, "XLAB99", region.now)
    again, other = await way(region, region.south, "XDIS91"), await way(region, region.ward, "XREF15")
    assert again is not None
    assert other is not None
    assert (again.delivered_at, again.deliveries) == (region.now + timedelta(minutes=3), 2)
    assert (other.delivered_at, other.deliveries) == (None, 0)


async def test_who_has_only_the_connection_lists_no_endpoint(region: Region) -> None:
    connection = await connect(region.world.target.application)
    put = "select registries.put_listings(array[gen_random_uuid()], array['Endpoint'], array[$1::bigint], array[$2::bigint], array[now()], array['infinity'::timestamptz], array['[\"xdis91\"]'::jsonb], array['{}'::jsonb])"
    try:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(put, key_of(region.ward), key_of(region.region))
    finally:
        await connection.close()
    assert await way(region, region.ward, "XDIS91") is None
