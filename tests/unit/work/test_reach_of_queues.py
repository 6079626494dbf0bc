"""Queues and receipts decide as every read does: by every basis there is, and behind every block and mask."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.work.queues import Queues, Wish
from tests.support.world import NOW
from tests.unit.work.conftest import Desk


async def reaches(desk: Desk, ask, task) -> bool:
    """Whether a professional sees a piece; the store and the queue have to agree."""
    queues = Queues(desk.world.store.pool)
    try:
        await desk.world.store.read(ask, "Task", task)
        stored = True
    except Unknown:
        stored = False
    try:
        await queues.one(ask, task)
        shown = True
    except Unknown:
        shown = False
    found = await queues.page(ask, ask.organisation, Wish(view="others"))
    found += await queues.page(ask, ask.organisation, Wish())
    assert stored == shown
    assert not found or stored
    return stored


async def opened(desk: Desk, ask) -> None:
    """The glass is broken."""
    await desk.world.owner.execute(
        "insert into trust.opening (id, citizen, basis, professional, organisation, valid_from, valid_to) values ($1, $2, 8, $3, $4, $5, $6)",
        uuid4(), key_of(desk.scene.patient), ask.actor, ask.organisation, NOW - timedelta(minutes=5), NOW + timedelta(minutes=50),
    )  # fmt: skip


async def test_by_relations_blocks_openings_and_contacts_that_ended(desk: Desk) -> None:
    task, scene = await desk.ask_for(), desk.scene
    assert await reaches(desk, scene.gp, task)
    assert await reaches(desk, scene.doctor, task)
    outside = desk.world.professional(await desk.world.employee(scene.hospital), scene.hospital)
    assert not await reaches(desk, outside, task)
    await opened(desk, outside)
    assert await reaches(desk, outside, task)
    ended = {"period": {"start": "2026-11-01T08:00:00Z", "end": "2026-11-10T08:00:00Z"}}
    other = await desk.world.organisation("Fysioterapi")
    physio = desk.world.professional(await desk.world.employee(other), other)
    await desk.world.contact(scene.patient, other, "finished", **ended)
    assert await reaches(desk, physio, task)
    await desk.world.owner.execute(
        "insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, set_by, set_at, what_author)"
        " values (gen_random_uuid(), $1, null, $2, '2020-01-01', $1, '2020-01-01', $3)",
        key_of(scene.patient), key_of(scene.ward), scene.doctor.actor,
    )  # fmt: skip
    assert not await reaches(desk, scene.gp, task)


@pytest.mark.parametrize("from_citizen", [False, True])
async def test_what_a_clinician_has_hidden_is_not_among_the_citizens_pieces(desk: Desk, from_citizen: bool) -> None:
    task, queues = await desk.ask_for(), Queues(desk.world.store.pool)
    whom = key_of(desk.scene.patient)
    parent = replace(desk.scene.citizen, actor=key_of(uuid4()))
    await desk.world.owner.execute(
        "insert into trust.acting (id, citizen, actor, basis, valid_from, valid_to, given_kind, given_by, given_at)"
        " values (gen_random_uuid(), $1, $2, 11, '-infinity', 'infinity', 1, $1, $3)", whom, parent.actor, NOW,
    )  # fmt: skip
    assert [one.task for one in await queues.of_citizen(parent, whom)] == [task]
    await desk.world.owner.execute(
        "insert into trust.mask values (gen_random_uuid(), $1, $2, $3, '-infinity', 'infinity')",
        whom,
        task,
        from_citizen,
    )
    assert await queues.of_citizen(parent, whom) == []
    assert [one.task for one in await queues.of_citizen(desk.scene.citizen, whom)] == ([] if from_citizen else [task])


async def test_a_citizen_with_two_registrations_has_one_list(desk: Desk) -> None:
    task = await desk.ask_for()
    other = await desk.world.patient(desk.scene.hospital, "Ånæs")
    keys = sorted([key_of(desk.scene.patient), key_of(other)])
    for key in keys:
        await desk.world.owner.execute("insert into fhir.key_set (key, head, keys) values ($1, $2, $3)", key, key_of(other), keys)  # fmt: skip
    found = await Queues(desk.world.store.pool).of_citizen(desk.world.citizen(other), key_of(other))
    assert [one.task for one in found] == [task]
    assert await reaches(desk, desk.scene.gp, task)
