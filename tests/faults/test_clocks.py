"""Clocks that are wrong, jump, or are put back for the winter: order, blocks and history do not depend on them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from helhed.fhir.store import Past
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks
from tests.support.world import NOW, World, at

HOUR, DENMARK = timedelta(hours=1), ZoneInfo("Europe/Copenhagen")
JUMPS = [-timedelta(days=400), -HOUR, timedelta(), timedelta(days=360)]  # a relation is over after a year


class Place:
    """A hospital, its doctor, its patient and one result."""

    hospital: UUID
    patient: UUID
    result: UUID

    def __init__(self, world: World) -> None:
        self.world = world

    async def open(self) -> "Place":
        world = self.world
        self.hospital = await world.organisation("Sygehus")
        self.doctor = world.professional(await world.employee(self.hospital), self.hospital)
        self.patient = await world.patient(self.hospital)
        await world.contact(self.patient, self.hospital)
        self.result = await world.observation(self.patient, self.hospital)
        return self

    def changed(self, text: str) -> dict[str, object]:
        return {"resourceType": "Observation", "id": str(self.result), "status": "final", "code": {"text": text},
                "subject": {"reference": f"Patient/{self.patient}"}}  # fmt: skip


@pytest.fixture
async def place(world: World) -> Place:
    return await Place(world).open()


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_the_newest_version_is_the_one_written_last_whatever_its_time(place: Place, jump: timedelta) -> None:
    world, system = place.world, place.world.system(place.hospital)
    await world.change(at(system, NOW + jump), place.result, place.changed("anden"), if_match=1)
    await world.change(at(system, NOW), place.result, place.changed("tredje"), if_match=2)
    assert (await world.store.read(place.doctor, "Observation", place.result)).version == 3
    page = await world.store.history(place.doctor, "Observation", place.result, count=10)
    assert [one.version for one in page.matches] == [3, 2, 1]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_the_past_of_a_type_has_every_version_once_in_pages_of_one(place: Place, jump: timedelta) -> None:
    world, system = place.world, place.world.system(place.hospital)
    await world.change(at(system, NOW + jump), place.result, place.changed("anden"), if_match=1)
    await world.change(at(system, NOW), place.result, place.changed("tredje"), if_match=2)
    seen, cursor = [], None
    while True:
        page = await world.store.past(place.doctor, Past("Observation", count=1, cursor=cursor))
        seen += [one.version for one in page.matches]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == [1, 2, 3]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_a_no_holds_whatever_the_clock_of_the_next_server_says(place: Place, jump: timedelta) -> None:
    world = place.world
    await Blocks(world.store.pool).set(world.citizen(place.patient), key_of(place.hospital), None)
    with pytest.raises(Unknown):
        await world.store.read(at(place.doctor, NOW + jump), "Observation", place.result)


async def test_a_no_that_was_taken_back_holds_a_little_longer_where_the_clock_is_behind(place: Place) -> None:
    """The safe side: nobody sees more because a clock is wrong."""
    world, blocks = place.world, Blocks(place.world.store.pool)
    citizen = world.citizen(place.patient)
    block = await blocks.set(citizen, key_of(place.hospital), None)
    await blocks.end(at(citizen, NOW + HOUR), block)
    with pytest.raises(Unknown):
        await world.store.read(at(place.doctor, NOW), "Observation", place.result)
    await world.store.read(at(place.doctor, NOW + HOUR), "Observation", place.result)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_each_look_has_its_row_in_the_order_of_the_looks(place: Place, jump: timedelta) -> None:
    before = len(await place.world.log(place.patient))
    for moment in (NOW, NOW + jump, NOW):
        await place.world.store.read(at(place.doctor, moment), "Observation", place.result)
    told = (await place.world.log(place.patient))[before:]
    assert [row["at"] for row in told] == [NOW, NOW + jump, NOW]


async def test_the_hour_that_comes_twice_is_two_hours(place: Place) -> None:
    """On 25 October 2026 at 03:00 Danish clocks go back to 02:00: 02:30 is two moments."""
    world, system = place.world, place.world.system(place.hospital)
    first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=DENMARK) for fold in (0, 1))
    assert second.astimezone(UTC) - first.astimezone(UTC) == HOUR
    await world.change(at(system, first.astimezone(UTC)), place.result, place.changed("anden"), if_match=1)
    await world.change(at(system, second.astimezone(UTC)), place.result, place.changed("tredje"), if_match=2)
    found = {}
    for name, moment in (("02:30+02:00", first), ("02:30+01:00", second)):
        when = await world.observation(
            place.patient, place.hospital, effectiveDateTime=f"2026-10-25T{name[:5]}:00{name[5:]}"
        )
        found[name] = when
        stamp = moment.isoformat().replace("+", "%2B")
        assert await world.found(place.doctor, f"Observation?patient={place.patient}&date={moment.isoformat()}") == [
            when
        ], stamp
    day = await world.found(place.doctor, f"Observation?patient={place.patient}&date=2026-10-25&_sort=date")
    assert day == list(found.values()), "the day has 25 hours, and both are in it in their order"


async def test_the_hour_that_never_comes_is_read_by_its_offset(place: Place) -> None:
    """On 28 March 2027 Danish clocks go from 02:00 to 03:00."""
    when = await place.world.observation(place.patient, place.hospital, effectiveDateTime="2027-03-28T02:30:00+01:00")
    asked = f"Observation?patient={place.patient}&date=2027-03-28T03:30:00%2B02:00".replace("%2B", "+")
    assert await place.world.found(place.doctor, asked) == [when]
