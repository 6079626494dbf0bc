"""The two reads of calendars show what single reads and histories show, to everybody, whatever is blocked or masked; and a third of what is
drawn is hidden from somebody.
"""

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.errors import Gone, Unknown
from helhed.foundation.ids import key_of
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVER = datetime(2099, 1, 1, tzinfo=UTC)
_TYPE = TYPE_NUMBERS["Appointment"]
_PASTS = "select * from fhir.citizen_pasts($1::fhir.ask, $2, $3::smallint, 9::smallint, 1000, 20)"
_DAY = "select * from fhir.unit_day($1::fhir.ask, $2::smallint, $3, $4, 500)"

_PERIOD = (
    "insert into trust.block (id, citizen, what_from, what_to, valid_from, set_by, set_at) "
    "values (gen_random_uuid(), $1, $2, $3, '-infinity', $1, now())"
)


async def _by_history(world, ask, ids):
    """Id and version of everything that the instance histories tell of what is visible as it stands."""
    told = set()
    for id in ids:
        try:
            page = await world.store.history(ask, "Appointment", id, count=50)
        except (Unknown, Gone):
            continue
        told |= {(one.id, one.version, one.body if not one.deleted else None) for one in page.matches}
    return told


async def _readable(world, ask, ids):
    found = set()
    for id in ids:
        try:
            await world.store.read(ask, "Appointment", id)
            found.add(id)
        except (Unknown, Gone):
            pass
    return found


async def _drawn(town, dice):
    """Some appointments with a past, and who asks."""
    places = [town.hospital, town.ward, town.clinic, town.home_care]
    staff = {place: town.world.professional(await town.world.employee(place), place) for place in places}
    ids, kept = [], {}
    for _ in range(6):
        place = dice.choice(places)
        start = NOW + timedelta(hours=dice.randrange(-40, 200))
        body = town.body(start.isoformat(), end=(start + timedelta(minutes=30)).isoformat(), description="x")
        id = await town.world.put(town.world.system(place), body)
        for _ in range(dice.randrange(3)):
            body = {**body, "status": dice.choice(["booked", "booked", "cancelled"]), "description": str(dice.random())}
            await town.say(place, id, body)
        if dice.random() < 0.15:
            await town.world.delete(town.world.system(place), "Appointment", id)
        elif dice.random() < 0.5 and body["status"] == "booked":
            with suppress(Unknown):  # too far away for the place to see its own
                await town.doors.acting.mask(staff[place], "Appointment", id, from_citizen=dice.random() < 0.5)
        ids.append(id)
        kept[id] = place
    for _ in range(dice.randrange(3)):
        who = dice.choice([town.clinic, town.ward, town.hospital])
        await town.world.block(town.patient, who, dice.choice([None, town.ward, town.clinic]))
    daughter = await town.doors.person(town.clinic, "Dorte Test Datter", "1980-01-01")
    stranger = await town.doors.person(town.clinic, "Frede Test Fremmed", "1980-01-01")
    await town.doors.acting.let_act(
        await town.doors.keeper(), key_of(town.patient), key_of(daughter), "proxy", NOW, EVER
    )
    asks = [town.world.citizen(one) for one in (town.patient, daughter, stranger)] + list(staff.values())
    return ids, kept, asks


@pytest.mark.parametrize("seed", range(6))
async def test_a_calendar_and_a_day_show_what_single_reads_show(town, seed):
    ids, kept, asks = await _drawn(town, random.Random(seed))
    pool, hidden = town.world.store.pool, 0
    for ask in asks:
        async with pool.acquire() as connection:
            pasts = await connection.fetch(_PASTS, ask_row(ask), key_of(town.patient), _TYPE)
        shown = {(row["id"], row["version"], row["body"]) for row in pasts}
        assert shown == await _by_history(town.world, ask, ids)
        readable = await _readable(town.world, ask, ids)
        hidden += len(ids) - len(readable)
        if ask.organisation is None:
            continue
        since, until = NOW - timedelta(days=1), NOW + timedelta(days=3)
        async with pool.acquire() as connection:
            day = await connection.fetch(_DAY, ask_row(ask), _TYPE, since, until)
        beneath = {key_of(town.hospital): {town.hospital, town.ward}}
        mine = {
            place
            for place in kept.values()
            if place in beneath.get(ask.organisation, set()) or key_of(place) == ask.organisation
        }
        wanted = set()
        for id in readable:
            start = datetime.fromisoformat(
                orjson.loads((await town.world.store.read(ask, "Appointment", id)).body)["start"]
            )
            if kept[id] in mine and since <= start < until:
                wanted.add(id)
        assert {row["id"] for row in day} == wanted
    assert hidden >= len(ids) * len(asks) / 3


async def test_a_day_is_for_staff_alone(town):
    await town.book(town.ward, "2026-12-01T10:00:00+01:00", end="2026-12-01T10:30:00+01:00")
    pool = town.world.store.pool
    for ask in (town.world.citizen(town.patient), town.world.system(town.ward)):
        async with pool.acquire() as connection:
            assert not await connection.fetch(_DAY, ask_row(ask), _TYPE, NOW, EVER)


async def test_a_day_is_of_appointments_alone(town):
    await town.world.contact(town.patient, town.ward)
    await town.world.observation(town.patient, town.ward)
    ask = town.world.professional(await town.world.employee(town.ward), town.ward)
    async with town.world.store.pool.acquire() as connection:
        long_ago = datetime(1990, 1, 1, tzinfo=UTC)
        assert not await connection.fetch(_DAY, ask_row(ask), TYPE_NUMBERS["Observation"], long_ago, EVER)


async def test_of_what_is_hidden_as_it_stands_the_past_is_hidden_too(town):
    """A block on December reaches an appointment that was moved there; that it once was in November is not told either."""
    ask = town.world.professional(await town.world.employee(town.clinic), town.clinic)
    await town.world.contact(town.patient, town.clinic)
    body = town.body("2026-11-25T10:00:00+01:00", end="2026-11-25T10:30:00+01:00")
    id = await town.world.put(town.world.system(town.ward), body)
    await town.say(town.ward, id, {**body, "start": "2026-12-05T10:00:00+01:00", "end": "2026-12-05T10:30:00+01:00"})
    await town.world.owner.execute(
        _PERIOD, key_of(town.patient), datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    async with town.world.store.pool.acquire() as connection:
        assert await connection.fetch(_PASTS, ask_row(ask), key_of(town.patient), _TYPE) == []


async def test_of_what_is_shown_as_it_stands_a_past_that_is_hidden_is_not_told(town):
    ask = town.world.professional(await town.world.employee(town.clinic), town.clinic)
    await town.world.contact(town.patient, town.clinic)
    body = town.body("2026-12-05T10:00:00+01:00", end="2026-12-05T10:30:00+01:00")
    id = await town.world.put(town.world.system(town.ward), body)
    await town.say(town.ward, id, {**body, "start": "2026-11-25T10:00:00+01:00", "end": "2026-11-25T10:30:00+01:00"})
    await town.world.owner.execute(
        _PERIOD, key_of(town.patient), datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    async with town.world.store.pool.acquire() as connection:
        rows = await connection.fetch(_PASTS, ask_row(ask), key_of(town.patient), _TYPE)
    assert [row["version"] for row in rows] == [2]
