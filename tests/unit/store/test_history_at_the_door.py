"""History of an instance, a type and the system: every version that the asker may see, newest first, and no other."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.door import Door, link
from tests.support.world import NOW, at
from tests.unit.store.scene import Scene

OK, BAD_REQUEST, NOT_FOUND = 200, 400, 404


async def changed(scene: Scene) -> UUID:
    """A result that was amended after an hour and deleted after two; the scene's own result stands as it was."""
    world, custodian = scene.world, scene.custodian
    one = await world.put(custodian, scene.result())
    await world.change(at(custodian, NOW + timedelta(hours=1)), one, scene.result(one, status="amended"))
    await world.delete(at(custodian, NOW + timedelta(hours=2)), "Observation", one)
    return one


def told(bundle: dict) -> list[tuple[str, str, str]]:
    """Method, address and version of each entry."""
    return [
        (one["request"]["method"], one["fullUrl"].rsplit("/", 1)[1], one["response"]["etag"])
        for one in bundle.get("entry", ())
    ]


@pytest.mark.parametrize("path", ["/fhir/Observation/_history", "/fhir/_history"])
async def test_a_history_tells_versions_newest_first_with_the_deleted_ones(scene: Scene, path: str) -> None:
    one = await changed(scene)
    status, bundle = await Door(scene.world, scene.citizen).get(path)
    assert (status, bundle["type"]) == (OK, "history")
    found = [entry for entry in told(bundle) if entry[1] == str(one)]
    assert found == [("DELETE", str(one), 'W/"3"'), ("PUT", str(one), 'W/"2"'), ("POST", str(one), 'W/"1"')]
    assert ["resource" in entry for entry in bundle["entry"]][:3] == [False, True, True]
    assert str(scene.observation) in {entry[1] for entry in told(bundle)}
    assert "total" not in bundle, "what a total counts would have to be looked at"


async def test_the_system_tells_of_all_types_and_a_type_of_its_own(scene: Scene) -> None:
    await changed(scene)
    door = Door(scene.world, scene.citizen)
    kinds = []
    for path in ("/fhir/Observation/_history", "/fhir/_history"):
        _, bundle = await door.get(f"{path}?_count=200")
        kinds.append({entry["fullUrl"].rsplit("/", 2)[1] for entry in bundle["entry"]})
    assert kinds[0] == {"Observation"}
    assert {"Observation", "Patient", "Encounter", "Organization"} <= kinds[1]


@pytest.mark.parametrize("path", ["/fhir/Observation/_history", "/fhir/_history", "/fhir/Observation/{one}/_history"])
async def test_pages_hold_together_while_others_write(scene: Scene, path: str) -> None:
    one = await changed(scene)
    door = Door(scene.world, scene.citizen)
    _, whole = await door.get(path.format(one=one) + "?_count=200")
    found, url = [], path.format(one=one) + "?_count=1"
    while url:
        status, bundle = await door.get(url)
        assert status == OK
        found += told(bundle)
        url = link(bundle, "next")
        later = at(scene.custodian, NOW + timedelta(hours=5))
        await scene.world.put(later, scene.result())
    assert found == told(whole)


async def test_a_page_link_serves_the_history_it_is_of(scene: Scene) -> None:
    await changed(scene)
    _, bundle = await Door(scene.world, scene.citizen).get("/fhir/Observation/_history?_count=1")
    cursor = link(bundle, "next").partition("_cursor=")[2]
    for url in (f"/fhir/Encounter/_history?_cursor={cursor}", f"/fhir/_history?_cursor={cursor}"):
        assert (await Door(scene.world, scene.citizen).get(url))[0] == BAD_REQUEST
    url = f"/fhir/Observation/_history?_count=1&_cursor={cursor}"
    assert (await Door(scene.world, scene.doctor).get(url))[0] == BAD_REQUEST


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ("_since=2026-11-23T08:30:00Z", ["3", "2"]),
        ("_since=2026-11-23T09:00:00Z", ["3", "2"]),
        ("_since=2026-11-23T09:00:01Z", ["3"]),
        ("_at=2026-11-23T08:30:00Z", ["1"]),
        ("_at=2026-11-23T09:30:00Z", ["2"]),
        ("_at=2026-11-23", ["3", "2", "1"]),
        ("_at=2026-11-22", []),
        ("_since=2026-11-23T08:30:00Z&_at=2026-11-23T09:30:00Z", ["2"]),
        ("_sort=-_lastUpdated&_count=2", ["3", "2"]),
    ],
)
@pytest.mark.parametrize("path", ["/fhir/Observation/{one}/_history", "/fhir/Observation/_history", "/fhir/_history"])
async def test_a_history_may_be_of_a_time(scene: Scene, path: str, asked: str, versions: list[str]) -> None:
    one = await changed(scene)
    status, bundle = await Door(scene.world, scene.citizen).get(path.format(one=one) + "?" + asked)
    assert status == OK
    assert [version[3:-1] for _, own, version in told(bundle) if own == str(one)] == versions


@pytest.mark.parametrize(
    "asked", ["_since=yesterday", "_at=2026-13-01", "_count=many", "_sort=code", "_total=accurate", "_since=2026&_since=2025", "_cursor=mine"]
)  # fmt: skip
@pytest.mark.parametrize("path", ["Observation/{one}/_history", "Observation/_history", "_history"])
async def test_what_a_history_does_not_understand_it_refuses(scene: Scene, path: str, asked: str) -> None:
    url = f"/fhir/{path.format(one=scene.observation)}?{asked}"
    status, outcome = await Door(scene.world, scene.citizen).get(url)
    assert (status, outcome["resourceType"]) == (BAD_REQUEST, "OperationOutcome")


async def test_a_block_takes_the_past_away_and_what_is_seen_is_in_the_log(scene: Scene) -> None:
    one = await changed(scene)
    door = Door(scene.world, scene.doctor)
    before = len(await scene.world.log(scene.patient))
    _, bundle = await door.get("/fhir/Observation/_history")
    assert str(one) in {own for _, own, _ in told(bundle)}
    row = (await scene.world.log(scene.patient))[before]
    assert (row["action"], row["permitted"], row["actor"]) == (3, True, scene.doctor.actor)
    assert set(row["resources"]) == {one, scene.observation}
    await scene.world.block(scene.patient)
    for path in ("Observation/_history", "_history?_count=200"):
        _, bundle = await door.get(f"/fhir/{path}")
        assert not {str(one), str(scene.observation)} & {own for _, own, _ in told(bundle)}
    assert (await door.get(f"/fhir/Observation/{one}/_history"))[0] == NOT_FOUND


async def test_a_system_does_not_read_the_past_it_wrote(scene: Scene) -> None:
    await changed(scene)
    _, bundle = await Door(scene.world, replace(scene.custodian, trace=uuid4())).get("/fhir/_history?_count=200")
    assert {"Observation", "Patient"}.isdisjoint({one["fullUrl"].rsplit("/", 2)[1] for one in bundle["entry"]})
