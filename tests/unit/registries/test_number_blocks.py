"""A region that may be cut off: it orders numbers, gives them, delivers the Patients, and returns the rest."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import REPLACEMENT_CPR
from helhed.registries.number_blocks import block_policy
from tests.support.door import Door
from tests.unit.registries.region import Region
from tests.unit.registries.test_units_at_the_door import parameters

OK, CREATED, BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 201, 400, 403, 404, 409, 422


def order(block: UUID, count: int, **more: str) -> dict[str, Any]:
    """A Parameters that reserves."""
    parts = [("until", "valueDate", more["until"])] if more else []
    return parameters(("block", "valueId", str(block)), ("count", "valueInteger", count), *parts)


def numbers_in(told: dict[str, Any]) -> list[str]:
    """Of an answer."""
    return [part["valueString"] for part in told["parameter"] if part["name"] == "number"]


def patient(number: str) -> dict[str, Any]:
    """Who came while the region was cut off."""
    known = [{"system": REPLACEMENT_CPR, "value": number}]
    return {"resourceType": "Patient", "identifier": known, "gender": "male", "birthDate": "1961-05-04"}


async def reserved(region: Region, count: int = 3) -> tuple[UUID, list[str]]:
    """A block of the region's."""
    block = uuid4()
    url = f"/fhir/Organization/{region.region}/$replacement-cpr-reserve"
    status, told = await Door(region.world, region.ask).post(url, order(block, count))
    assert status == OK, told
    return block, numbers_in(told)


async def held(region: Region, block: UUID) -> dict[str, Any]:
    """What is told of a block."""
    _, told = await Door(region.world, region.ask).get(f"/fhir/Organization/{region.region}/$replacement-cpr-blocks")
    for one in told["parameter"]:
        parts = {part["name"]: next(v for k, v in part.items() if k != "name") for part in one["part"]}
        if parts["block"] == str(block):
            return parts
    raise AssertionError("no such block")


async def test_patients_are_delivered_by_a_hospital_of_the_region_with_the_numbers_they_were_given(
    region: Region,
) -> None:
    block, numbers = await reserved(region)
    assert len(set(numbers)) == 3
    assert {number[4:6] for number in numbers} <= {f"0{year}" for year in range(10)}
    await region.world.owner.execute("select trust.register_system($1)", key_of(region.north))
    hospital = Door(region.world, replace(region.ask, actor=key_of(region.north), organisation=key_of(region.north)))
    status, stored = await hospital.post("/fhir/Patient", patient(numbers[0]))
    assert (status, [one["value"] for one in stored["identifier"]]) == (CREATED, [numbers[0]])
    parts = await held(region, block)
    assert (parts["given"], parts["unused"]) == (1, 2)


async def test_a_delivery_that_comes_twice_is_one_patient(region: Region) -> None:
    _, numbers = await reserved(region)
    system = Door(region.world, region.ask)
    once = {"if-none-exist": f"identifier={REPLACEMENT_CPR}|{numbers[0]}"}
    first = await system.post("/fhir/Patient", patient(numbers[0]), **once)
    again = await system.post("/fhir/Patient", patient(numbers[0]), **once)
    assert (first[0], again[0]) == (CREATED, OK)
    status, _ = await system.post("/fhir/Patient", patient(numbers[0]))
    assert status == CONFLICT


async def test_nobody_else_brings_a_number_that_is_held(region: Region) -> None:
    _, numbers = await reserved(region)
    elsewhere = await region.world.organisation("Andet sted")
    stranger = Door(region.world, replace(region.world.system(elsewhere), at=region.now))
    assert (await stranger.post("/fhir/Patient", patient(numbers[0])))[0] == CONFLICT
    known = await region.world.patient(elsewhere)
    changed = {**patient(numbers[0]), "id": str(known)}
    assert (await stranger.do("PUT", f"/fhir/Patient/{known}", changed))[0] == CONFLICT
    assert (await Door(region.world, region.ask).post("/fhir/Patient", patient(numbers[0])))[0] == CREATED


async def test_a_number_stays_its_citizens_when_the_patient_no_longer_says_it(region: Region) -> None:
    _, numbers = await reserved(region)
    system = Door(region.world, region.ask)
    _, stored = await system.post("/fhir/Patient", patient(numbers[0]))
    without = {"resourceType": "Patient", "id": stored["id"]}
    assert (await system.do("PUT", f"/fhir/Patient/{stored['id']}", without))[0] == OK
    assert (await system.post("/fhir/Patient", patient(numbers[0])))[0] == CONFLICT


async def test_what_is_unused_goes_back_and_is_delivered_by_nobody(region: Region) -> None:
    block, numbers = await reserved(region)
    system = Door(region.world, region.ask)
    await system.post("/fhir/Patient", patient(numbers[0]))
    url = f"/fhir/Organization/{region.region}/$replacement-cpr-return"
    status, told = await system.post(url, parameters(("block", "valueId", str(block))))
    assert (status, told["parameter"]) == (OK, [{"name": "returned", "valueInteger": 2}])
    assert (await system.post("/fhir/Patient", patient(numbers[1])))[0] == CONFLICT
    assert "returned" in await held(region, block)
    reserve = f"/fhir/Organization/{region.region}/$replacement-cpr-reserve"
    assert (await system.post(reserve, order(block, 3)))[0] == CONFLICT, "an order that comes late reserves nothing"
    _, again = await reserved(region)
    assert set(numbers[1:]) <= set(again)


async def test_what_is_delivered_too_late_is_refused_and_rests_before_others_get_it(region: Region) -> None:
    policy = block_policy()
    _, numbers = await reserved(region)
    late = region.now + timedelta(days=policy.usual_days + policy.deliver_within_days)
    region.now = late
    assert (await Door(region.world, region.ask).post("/fhir/Patient", patient(numbers[0])))[0] == CONFLICT
    _, others = await reserved(region)
    assert not set(numbers) & set(others)
    region.now = late + timedelta(days=policy.rest_days)
    _, rested = await reserved(region)
    assert set(numbers) == set(rested)


async def test_the_last_day_is_chosen_within_bounds_and_wrong_orders_are_named(region: Region) -> None:
    system, policy = Door(region.world, region.ask), block_policy()
    url = f"/fhir/Organization/{region.region}/$replacement-cpr-reserve"
    block = uuid4()
    assert (await system.post(url, order(block, 1, until=region.today.isoformat())))[0] == OK
    far = (region.today + timedelta(policy.most_days)).isoformat()
    for wrong in (
        order(uuid4(), 1, until=far), order(uuid4(), 1, until="soon"), order(uuid4(), policy.most_at_once + 1),
        parameters(("block", "valueString", "mine"), ("count", "valueInteger", 1)), parameters(("block", "valueId", str(uuid4()))),
    ):  # fmt: skip
        assert (await system.post(url, wrong))[0] == BAD_REQUEST
    assert (await system.post(url, order(uuid4(), policy.most_unused)))[0] == UNPROCESSABLE


async def test_only_the_organisation_itself_and_a_keeper_order_and_every_order_is_logged(region: Region) -> None:
    url = f"/fhir/Organization/{region.region}/$replacement-cpr-reserve"
    elsewhere = await region.world.organisation("Andet sted")
    stranger = replace(region.world.system(elsewhere), at=region.now)
    block, mine = uuid4(), await reserved(region)
    assert (await Door(region.world, stranger).post(url, order(block, 1)))[0] == FORBIDDEN
    back = url.replace("reserve", "return")
    assert (await Door(region.world, stranger).post(back, parameters(("block", "valueId", str(mine[0])))))[
        0
    ] == NOT_FOUND
    await region.world.owner.execute("insert into registries.keeper values ($1)", key_of(elsewhere))
    most = block_policy().most_unused + 1
    assert (await Door(region.world, stranger).post(url, order(block, most)))[0] == OK
    rows = await region.world.owner.fetch(
        "select action, permitted, resources from foundation.access_log where organisation = $1 and action in (160, 161)"
        " order by permitted, action", key_of(elsewhere),
    )  # fmt: skip
    assert [(row["action"], row["permitted"], list(row["resources"])) for row in rows] == [
        (Action.RESERVE_NUMBERS, False, [block]),
        (Action.RETURN_NUMBERS, False, [mine[0]]),
        (Action.RESERVE_NUMBERS, True, [block]),
    ]
