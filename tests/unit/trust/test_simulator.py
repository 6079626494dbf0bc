"""What would they see? The answer before a block is saved is what the reader gets once it is."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.acting.rights import ActingForOthers
from helhed.trust.blocks.shapes import Shape
from helhed.trust.blocks.simulator import Reader
from tests.support.street import TYPES, Street, simulator_keeps_the_law
from tests.support.world import NOW, World, at

DAY = timedelta(days=1)


@pytest.fixture
async def street(world: World) -> Street:
    return await Street(world).built()


async def test_the_simulator_says_what_the_reader_then_gets_for_any_block(street):
    assert await simulator_keeps_the_law(street, 20261129, 25) >= 7  # else it proves nothing


async def test_somebody_of_a_role_at_a_place_sees_as_those_who_come_to_treat_the_citizen_there(street):
    shape = Shape(what_organisation=key_of(street.clinic))
    unnamed = Reader(key_of(street.home), "nurse", in_contact=True)
    before, after = await street.told(unnamed, shape)
    nurse = street.world.professional(await street.world.employee(street.home, "nurse"), street.home, "nurse")
    assert await street.gets(nurse) == set()
    await street.world.contact(street.patient, street.home)
    contact = await street.gets(nurse) - before
    assert len(contact) == 1  # the contact that was only supposed before
    assert before < await street.gets(nurse)
    await street.blocks.put(street.citizen, shape)
    assert await street.gets(nurse) - contact == after


async def test_somebody_without_a_relation_sees_nothing_today(street):
    assert await street.told(street.reader(street.home)) == (set(), set())
    assert (await street.told(street.reader(street.home, in_contact=True)))[0]


async def test_trying_leaves_nothing_behind_but_one_row_that_says_it_was_tried(street):
    tables = (
        "trust.block",
        "trust.relation",
        "trust.employment",
        "trust.recorder",
        "trust.notice",
        "foundation.outbox",
    )
    count = "select " + ", ".join(f"(select count(*) from {table})" for table in tables)
    before, log = await street.world.owner.fetchrow(count), await street.world.log(street.patient)
    await street.told(Reader(key_of(street.ward), "doctor", in_contact=True), Shape())
    assert await street.world.owner.fetchrow(count) == before
    (added,) = (await street.world.log(street.patient))[len(log) :]
    assert (added["kind"], added["action"], added["permitted"], added["resources"]) == (1, 70, True, [])


async def test_only_the_citizen_is_answered_and_others_leave_a_denied_attempt(street):
    other = street.world.citizen(await street.world.patient(street.clinic))
    for stranger in (other, street.asks(street.ward), street.world.system(street.ward)):
        assert not await street.simulator.tried(stranger, key_of(street.patient), street.reader(street.ward), TYPES)
        last = (await street.world.log(street.patient))[-1]
        assert (last["action"], last["permitted"], last["actor"]) == (70, False, stranger.actor)


# --- changing a block, and sending it twice -----------------------------------------------------------------------------------------


async def test_a_block_is_changed_in_one_step_and_both_stay_in_the_history(street):
    old = await street.blocks.put(street.citizen, Shape())
    new = await street.blocks.put(street.citizen, Shape(who_organisation=key_of(street.clinic)), instead_of=old)
    assert [one.id for one in await street.blocks.of(at(street.citizen, NOW + DAY))] == [new]
    told = {one.id: (one.state(NOW), one.replaces) for one in await street.blocks.history(street.citizen)}
    assert told == {new: ("held", old), old: ("ended", None)}


async def test_a_change_of_a_block_that_has_ended_sets_nothing(street):
    old = await street.blocks.put(street.citizen, Shape())
    await street.blocks.end(street.citizen, old)
    with pytest.raises(Unprocessable):
        await street.blocks.put(street.citizen, Shape(), instead_of=old)
    assert await street.blocks.of(at(street.citizen, NOW + DAY)) == []


async def test_what_is_sent_twice_is_done_once(street):
    old, new, consent = await street.blocks.put(street.citizen, Shape()), uuid4(), uuid4()
    for _ in range(2):
        await street.blocks.put(street.citizen, Shape(shown=True), block=new, instead_of=old)
        await street.blocks.consent(street.citizen, NOW + DAY, organisation=key_of(street.clinic), consent=consent)
    assert [row["action"] for row in await street.world.log(street.patient) if row["action"] in (11, 12, 15)] == [
        11,
        12,
        11,
        15,
    ]
    assert len(await street.blocks.consents(street.citizen)) == 1


async def test_nobody_learns_of_a_block_by_naming_its_id_as_theirs(street):
    block = await street.blocks.put(street.citizen, Shape())
    other = street.world.citizen(await street.world.patient(street.clinic))
    with pytest.raises(Unprocessable):
        await street.blocks.put(other, Shape(), block=block)
    with pytest.raises(Unprocessable):
        await street.blocks.put(other, Shape(), instead_of=block)


async def test_a_planned_block_holds_from_its_day_until_its_end(street):
    shape = Shape(valid_from=NOW + DAY, valid_to=NOW + 2 * DAY)
    await street.blocks.put(street.citizen, shape)
    seen = [bool(await street.gets(at(street.asks(street.ward), NOW + days * DAY))) for days in (0, 1, 2)]
    assert seen == [True, False, True]
    (told,) = await street.blocks.history(street.citizen)
    assert [told.state(NOW + days * DAY) for days in (0, 1, 2)] == ["planned", "held", "ended"]
    assert told.shape == shape


async def test_a_validity_that_ends_before_it_begins_is_refused(street):
    for shape in (Shape(valid_from=NOW + DAY, valid_to=NOW + DAY), Shape(valid_to=NOW)):
        with pytest.raises(Unprocessable):
            await street.blocks.put(street.citizen, replace(shape))


@pytest.mark.parametrize(("types", "answered"), [(None, True), (["Consent"], True), (["Observation"], False)])
async def test_who_acts_for_the_citizen_in_consents_may_try_and_nobody_else_who_acts(street, types, answered):
    other = await street.world.patient(street.clinic)
    acting = ActingForOthers(street.world.store.pool)
    await acting.let_act(
        street.citizen, key_of(street.patient), key_of(other), "mandate", NOW - DAY, NOW + DAY, types=types
    )
    found = await street.simulator.tried(
        street.world.citizen(other), key_of(street.patient), street.reader(street.ward), TYPES
    )
    last = (await street.world.log(street.patient))[-1]
    assert (last["action"], last["permitted"]) == (70, answered)
    assert bool(found) is (types is None)  # only rows that they may see themselves are told of
