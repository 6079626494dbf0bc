"""Units at the FHIR door: found, told as of a day, and arranged by whom they stand beneath."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.support.door import Door
from tests.unit.registries.region import Region
from tests.unit.registries.test_address_book import endpoint

OK, BAD_REQUEST, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, UNPROCESSABLE = 200, 400, 403, 404, 405, 422


def parameters(*parts: tuple[str, str, Any]) -> dict[str, Any]:
    """A Parameters resource."""
    return {"resourceType": "Parameters", "parameter": [{"name": name, kind: value} for name, kind, value in parts]}


def named(unit: UUID) -> dict[str, str]:
    """A Reference."""
    return {"reference": f"Organization/{unit}"}


async def test_a_region_closes_a_ward_next_month_and_everybody_can_see_it_coming(region: Region) -> None:
    system = Door(region.world, region.ask)
    later = region.later.isoformat()
    order = parameters(("date", "valueDate", later), ("successor", "valueReference", named(region.south)))
    status, told = await system.post(f"/fhir/Organization/{region.ward}/$unit-close", order)
    assert (status, told["parameter"][0]["name"]) == (OK, "plan")
    somebody = region.world.citizen(await region.world.patient(region.region))
    citizen = Door(region.world, replace(somebody, at=region.now))
    status, then = await citizen.get(f"/fhir/Organization/{region.ward}/$unit-as-of?date={later}")
    assert (status, then["active"]) == (OK, False)
    status, now = await citizen.get(f"/fhir/Organization/{region.ward}/$unit-as-of")
    assert (status, now.get("active")) == (OK, None)
    assert now["extension"][0]["valuePeriod"]["end"] == (region.later - timedelta(1)).isoformat()
    _, plans = await citizen.get(f"/fhir/Organization/{region.ward}/$unit-plans")
    parts = {part["name"]: part for part in plans["parameter"][0]["part"]}
    assert parts["state"]["valueString"] == "planned"
    assert parts["successor"]["valueReference"] == named(region.south)


async def test_before_it_was_registered_a_unit_was_not_there(region: Region) -> None:
    door = Door(region.world, region.ask)
    for url in (
        f"{region.ward}/$unit-as-of?date=1990-01-01",
        f"{region.ward}/$units-beneath?known=1990-01-01",
        f"{UUID(int=1)}/$unit-as-of",
    ):
        status, told = await door.get(f"/fhir/Organization/{url}")
        assert (status, told["resourceType"]) == (NOT_FOUND, "OperationOutcome")


async def test_a_ward_is_found_at_the_door_with_those_above_it(region: Region) -> None:
    status, told = await Door(region.world, region.ask).get("/fhir/Organization/$unit-find?text=afs%20nor")
    assert (status, [one["resource"]["id"] for one in told["entry"]]) == (OK, [str(region.ward)])
    assert told["entry"][0]["resource"]["partOf"]["display"] == "Nord, Region"


async def test_the_units_beneath_come_with_their_days(region: Region) -> None:
    _, told = await Door(region.world, region.ask).get(f"/fhir/Organization/{region.region}/$units-beneath")
    assert {one["resource"]["name"] for one in told["entry"]} == {"Region", "Nord", "Syd", "Afsnit"}


async def test_a_plan_changes_only_what_is_said_to_become_another(region: Region) -> None:
    door, day = Door(region.world, region.ask), region.later.isoformat()
    wanted = {"resourceType": "Organization", "name": "Nyt", "partOf": named(region.north)}
    order = {
        "resourceType": "Parameters",
        "parameter": [{"name": "date", "valueDate": day}, {"name": "resource", "resource": wanted}],
    }
    status, _ = await door.post(f"/fhir/Organization/{region.ward}/$unit-change", order)
    (plan,) = await region.plans.of_unit(region.ward)
    assert (status, plan.changes) == (OK, {"name": "Nyt"})
    status, _ = await door.post("/fhir/Organization/$unit-withdraw", parameters(("plan", "valueId", str(plan.id))))
    assert (status, (await region.as_of(region.ward, region.later) or {})["name"]) == (OK, "Afsnit")


async def test_wrong_orders_are_named_and_strangers_refused(region: Region) -> None:
    door = Door(region.world, region.ask)
    stranger = Door(region.world, region.world.system(await region.world.organisation("En anden")))
    ward = f"/fhir/Organization/{region.ward}"
    for asked, path, order, expected in (
        (door, f"{ward}/$unit-move", parameters(), BAD_REQUEST),
        (
            door,
            f"{ward}/$unit-move",
            parameters(("part-of", "valueReference", {"reference": "Patient/1"})),
            BAD_REQUEST,
        ),
        (door, f"{ward}/$unit-close", parameters(("date", "valueDate", "2001-01-01")), UNPROCESSABLE),
        (door, f"{ward}/$unit-close", parameters(("date", "valueString", "soon")), BAD_REQUEST),
        (door, f"{ward}/$unit-close", parameters(("why", "valueString", "x")), BAD_REQUEST),
        (door, f"{ward}/$unit-merge", parameters(), BAD_REQUEST),
        (door, f"{ward}/$unit-change", {"resourceType": "Patient"}, BAD_REQUEST),
        (door, f"/fhir/Organization/{UUID(int=1)}/$unit-close", parameters(), NOT_FOUND),
        (stranger, f"{ward}/$unit-close", parameters(), FORBIDDEN),
    ):
        status, told = await asked.post(path, order)
        assert (status, told["resourceType"]) == (expected, "OperationOutcome"), (path, told)
    status, _ = await door.get(f"{ward}/$unit-close")
    assert status == METHOD_NOT_ALLOWED


async def test_what_a_unit_inherits_is_told_with_whose_it_is_as_of_the_day(region: Region) -> None:
    number = {"system": "http://www.gs1.org/gln", "value": "5790000000003"}
    now = await region.stored(region.north)
    await region.world.change(
        region.ask, region.north, {**now, "identifier": [number], "address": [{"city": "Vestfjord"}]}
    )
    await region.plans.move(region.ask, region.ward, region.later, region.south)
    door, ward = Door(region.world, region.ask), f"/fhir/Organization/{region.ward}/$unit-as-of"
    from_whom = [{"url": "urn:helhed:inherited-from", "valueReference": named(region.north)}]
    _, told = await door.get(f"{ward}?inherited=true")
    assert (told["identifier"], told["address"]) == (
        [{**number, "extension": from_whom}],
        [{"city": "Vestfjord", "extension": from_whom}],
    )
    for url in (ward, f"{ward}?inherited=true&date={region.later.isoformat()}"):
        _, told = await door.get(url)
        assert "address" not in told
    assert (await door.get(f"{ward}?inherited=maybe"))[0] == BAD_REQUEST


async def test_the_address_book_is_asked_at_the_door(region: Region) -> None:
    await region.world.put(region.ask, endpoint(region.region, "https://region.example", "XDIS91"))
    door = Door(region.world, region.ask)
    _, told = await door.get(f"/fhir/Organization/{region.ward}/$unit-routes?message-type=xdis91")
    (found,) = told["parameter"]
    values = {part["name"]: next(value for name, value in part.items() if name != "name") for part in found["part"]}
    assert (values["address"], values["inherited"], values["organization"]) == (
        "https://region.example",
        True,
        named(region.region),
    )
    assert "last-delivered" not in values
    status, none = await door.get(f"/fhir/Organization/{region.ward}/$unit-routes?message-type=xref15")
    assert (status, none) == (OK, {"resourceType": "Parameters"})
