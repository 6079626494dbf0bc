"""Citizens who chose it are told that an appointment is near, once for each time, and of nothing that is hidden from them."""

from datetime import timedelta

import pytest

from helhed.trust.log.notices import Notices
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = "2026-11-25T10:00:00+01:00"


async def _notices(town, now=NOW):
    board = Notices(town.world.store.pool)
    await board.look_for_news(now)
    rows = await town.world.owner.fetch("select kind from trust.notice where citizen = $1", _key(town))
    return [row["kind"] for row in rows].count("appointment-soon")


def _key(town):
    return town.world.citizen(town.patient).actor


async def _choose(town):
    await Notices(town.world.store.pool).choose(town.world.citizen(town.patient), {"appointment-soon": True})


async def test_nobody_is_told_who_did_not_choose_it(town):
    await town.book(town.ward, SOON, description="Lungekontrol")
    assert await _notices(town) == 0


async def test_who_chose_it_is_told_once_for_each_time(town):
    await _choose(town)
    body = town.body(SOON, description="Lungekontrol")
    booked = await town.world.put(town.world.system(town.ward), body)
    assert [await _notices(town), await _notices(town)] == [1, 1]
    await town.say(town.ward, booked, {**body, "start": "2026-11-24T10:00:00+01:00"})
    assert await _notices(town) == 2


async def test_what_is_far_called_off_over_or_hidden_is_not_told_of(town):
    await _choose(town)
    await town.book(town.ward, "2026-12-24T10:00:00+01:00")
    await town.book(town.ward, "2026-11-22T10:00:00+01:00")
    await town.book(town.ward, SOON, status="cancelled")
    hidden = await town.book(town.ward, SOON, end="2026-11-25T11:00:00+01:00")
    doctor = town.world.professional(await town.world.employee(town.ward), town.ward)
    await town.doors.acting.mask(doctor, "Appointment", hidden, from_citizen=True)
    assert await _notices(town) == 0
    assert await _notices(town, NOW + timedelta(days=29)) == 1


async def test_the_notice_says_nothing_of_what_it_is(town):
    await _choose(town)
    await town.book(town.ward, SOON, description="Lungekontrol")
    browser = await (await town.doors.citizen(town.patient)).get("/borger/beskeder")
    assert "Du har snart en aftale i sundhedsvæsenet." in browser.text
    assert "Lunge" not in browser.text


async def test_the_dead_are_reminded_of_nothing(town):
    await _choose(town)
    await town.book(town.ward, SOON, description="Lungekontrol")
    died = "update registries.citizen set deceased = $2 where key = $1"
    await town.world.owner.execute(died, _key(town), True)
    assert await _notices(town) == 0
    await town.world.owner.execute(died, _key(town), False)
    assert await _notices(town) == 1
