"""A local copy that is kept by what changed is the copy that is taken whole."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest
from helhed.registries.shak import Pair, take_in_map
from helhed.registries.units.copying import UnitCopies
from tests.support.door import Door
from tests.unit.registries.region import Region
from tests.unit.registries.test_address_book import endpoint

Copy = dict[tuple[str, int], dict[str, Any]]


async def follow(copies: UnitCopies, copy: Copy, mark: str | None) -> str:
    """Take what is new, until there is no more; answers where the next goes on."""
    while True:
        part = await copies.part(mark)
        copy.update({(line["kind"], line["id"]): line for line in part.lines})
        mark = part.next
        if not part.more:
            return mark


_ACTS = st.lists(
    st.tuples(st.sampled_from(["name", "plan", "endpoint", "off", "map", "new", "take"]), st.integers(0, 9)),
    min_size=1,
    max_size=10,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS, most=st.sampled_from([2, 7, 5000]))
async def test_a_copy_kept_by_what_changed_is_the_copy_that_is_taken_whole(
    region: Region, acts: list[tuple[str, int]], most: int
) -> None:
    copies = UnitCopies(region.world.store.pool, most)
    kept: Copy = {}
    mark = await follow(copies, kept, None)
    last = await region.world.put(region.ask, endpoint(region.north, "https://a.example", "XDIS91"))
    for act, value in acts:
        if act == "name":
            await region.world.change(
                region.ask, region.ward, {**await region.stored(region.ward), "name": f"Afsnit {value}"}
            )
        elif act == "plan":
            await region.plans.change(region.ask, region.ward, region.later, {"alias": [str(value)]})
        elif act == "endpoint":
            last = await region.world.put(region.ask, endpoint(region.ward, f"https://{value}.example", "XDIS91"))
        elif act == "off":
            await region.world.change(
                region.ask,
                last,
                {**endpoint(region.north, "https://a.example", "XDIS91"), "id": str(last), "status": "off"},
            )
        elif act == "map":
            await take_in_map(region.world.owner, [Pair("9901", f"{value}1000016001", date(2020, 1, 1), None)], "map")
        elif act == "new":
            await region.unit(f"Ny {value}", region.south)
        else:
            mark = await follow(copies, kept, mark)
    await follow(copies, kept, mark)
    whole: Copy = {}
    await follow(UnitCopies(region.world.store.pool), whole, None)
    assert kept == whole


async def test_what_was_begun_before_a_copy_and_committed_after_it_is_in_the_next(region: Region) -> None:
    copies = UnitCopies(region.world.store.pool)
    kept: Copy = {}
    slow = await connect(region.world.target.owner)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await take_in_map(slow, [Pair("9901", "21000016003", date(2020, 1, 1), None)], "slow")
        mark = await follow(copies, kept, None)
        await region.unit("Imens", region.south)
        mark = await follow(copies, kept, mark)
        assert not [kind for kind, _ in kept if kind == "shak"]
        await transaction.commit()
    finally:
        await slow.close()
    await follow(copies, kept, mark)
    assert len([kind for kind, _ in kept if kind == "shak"]) == 1


async def test_a_copy_tells_of_any_day_by_itself(region: Region) -> None:
    await region.plans.change(region.ask, region.ward, region.later, {"name": "Nyt navn"})
    _, raw = await Door(region.world, region.ask).whole("/fhir/Organization/$unit-copy")
    *lines, end = [orjson.loads(line) for line in raw.splitlines()]
    assert (end["kind"], end["more"]) == ("end", False)
    for day in (region.today, region.later, region.later + timedelta(400)):
        held = [
            line["said"]["name"] for line in lines
            if line["kind"] == "unit" and line["unit"] == str(region.ward) and line["knownTo"] is None
            and line["from"] <= day.isoformat() and (line["to"] is None or day.isoformat() < line["to"])
        ]  # fmt: skip
        assert held == [(await region.as_of(region.ward, day) or {})["name"]]
    _, again = await Door(region.world, region.ask).whole(f"/fhir/Organization/$unit-copy?since={end['next']}")
    assert [orjson.loads(line)["kind"] for line in again.splitlines()] == ["end"]


@pytest.mark.parametrize("mark", ["", "x", ";;;", "1:1:;;;x", "1:1:;;units;0", "1:1:;;;0;", "9:9;'--;;0", "1:1:;;;-1"])
async def test_a_mark_that_nobody_gave_is_refused(region: Region, mark: str) -> None:
    with pytest.raises(BadRequest):
        await UnitCopies(region.world.store.pool).part(mark)
    status, told = await Door(region.world, replace(region.ask)).get(f"/fhir/Organization/$unit-copy?since={mark}")
    assert (status, told["resourceType"]) == (400, "OperationOutcome")


async def test_a_copy_of_a_time_that_was_restored_away_is_begun_anew(region: Region) -> None:
    with pytest.raises(BadRequest, match="Begin anew"):
        await UnitCopies(region.world.store.pool).part("900000000:900000000:;;;0")
