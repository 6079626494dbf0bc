"""What is masked of a row, where nobody asks: told by a subscription, and purged with the row."""

from dataclasses import replace

import orjson
import pytest

from helhed.foundation.ask import Ask
from tests.support.subscribing import Post
from tests.unit.attacks.test_masked_parts import MARKS, SECRET, TOLD, Family, family, shows
from tests.unit.store.purging import custodians, found_in

__all__ = ["family"]
_WHOLE = "full-resource"


def _again(family: Family, **more: object) -> dict[str, object]:
    about = {"subject": {"reference": f"Patient/{family.child}"}, "code": {"text": "Blå"}}
    return {"resourceType": "Observation", "id": str(family.row), "status": "amended", **about, **TOLD, **more}


async def _subscribed(family: Family, ask: Ask, criteria: str = "Observation") -> Post:
    """Somebody who is told of changes in full, by an app that may subscribe."""
    post = Post(family.world)
    await post.subscribe(replace(ask, write_types=frozenset({"Subscription"})), criteria, _WHOLE)
    return post


def _told(post: Post) -> str:
    """Everything that left for the endpoint."""
    return orjson.dumps(post.receiver.told("event-notification")).decode()


@pytest.mark.parametrize("late", [False, True], ids=["before the change", "between the change and its telling"])
async def test_a_subscription_tells_who_acts_what_is_left_and_under_the_version_id_of_that(family, late):
    post = await _subscribed(family, family.mother)
    if not late:
        await family.hide()
    await family.world.change(family.world.system(family.ward), family.row, _again(family))
    await post.waiting()
    if late:
        await family.hide()
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{family.row}")]
    told = _told(post)
    assert [mark for mark in MARKS if mark in told.casefold()] == []
    part = await family.body()
    assert '"status":"amended"' in told
    assert f'W/\\"{part["meta"]["versionId"]}\\"' in told


async def test_a_subscription_tells_the_citizen_the_whole_when_the_mask_is_for_others(family):
    post = await _subscribed(family, family.own)
    await family.hide()
    await family.world.change(family.world.system(family.ward), family.row, _again(family))
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{family.row}")]
    assert SECRET in _told(post)


async def test_a_subscription_by_what_is_masked_tells_nothing_to_whom_the_mask_is_for(family):
    by_value = "Observation?value-quantity=7731.25"
    mothers, doctors = await _subscribed(family, family.mother, by_value), Post(family.world)
    await family.hide()
    await family.world.change(family.world.system(family.ward), family.row, _again(family))
    await mothers.deliver()
    assert mothers.receiver.events() == []
    await family.world.owner.execute("delete from trust.subscription")
    await doctors.subscribe(family.doctor, by_value, _WHOLE)
    await family.world.change(family.world.system(family.ward), family.row, _again(family, status="corrected"))
    await doctors.deliver()
    assert len(doctors.receiver.events()) == 1


async def test_a_subscription_tells_who_sees_the_row_of_each_change_once_and_whole_and_of_no_part(family):
    post = Post(family.world)
    await post.subscribe(family.doctor, content=_WHOLE)
    await family.hide()  # what is left of a row is stored, and nothing happened to the row
    await post.deliver()
    assert post.receiver.events() == []
    await family.world.change(family.world.system(family.ward), family.row, _again(family))
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{family.row}")]
    told = _told(post)
    assert SECRET in told
    assert '"versionId":"2"' in told


async def test_two_who_purge_a_row_take_what_was_left_of_it_and_of_its_versions_along(family):
    await family.hide("value")  # what is left of the row still has the note in it
    await family.world.change(family.world.system(family.ward), family.row, _again(family))
    assert SECRET.casefold() in shows(await family.asked(f"Observation/{family.row}"))
    count = "select count(*) from fhir.{} where bucket >= 1024 and id = $1"
    left = {
        table: await family.world.owner.fetchval(count.format(table), family.row) for table in ("resource", "version")
    }
    assert min(left.values()) > 0, left
    staff = await custodians(family.world, family.ward)
    await staff.purge(("Observation", family.row))
    for table in ("resource", "version", "resource_date", "resource_string"):
        assert await family.world.owner.fetchval(count.format(table), family.row) == 0
    assert await found_in(family.world.owner, SECRET) == set()
    assert (await family.asked(f"Observation/{family.row}")).status == 404
