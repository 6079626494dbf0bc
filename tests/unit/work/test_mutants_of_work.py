"""A guard of work, of calendar links or of the stamkort that is taken away is missed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import key_of
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.feeds import Feeds
from helhed.work.answering import Answer, Answers, Said
from helhed.work.escalating import Escalation
from helhed.work.queues import Queues, Wish
from tests.generative.mutants import WORK, Mutant, mutate
from tests.support.world import NOW
from tests.unit.work.conftest import Desk

WRITES = frozenset({"Task"})
_CHANGE = "select trust.change_master_data($1::fhir.ask, $2, $3, null, $4::smallint)"
_ACTS = "insert into trust.acting (id, citizen, actor, basis, types, scopes, obeys_blocks, valid_from, valid_to) values (gen_random_uuid(), $1, $2, $3, null, '{}', false, '2020-01-01', 'infinity')"  # fmt: skip


async def refused(doing: Awaitable[object]) -> None:
    """That it is not done."""
    with pytest.raises(HelhedError):
        await doing


async def put(desk: Desk, owner: str) -> UUID:
    return await desk.world.put(desk.scene.doctor, {**desk.body(), "owner": {"reference": owner}})


async def answers_are_whose_they_are(desk: Desk) -> None:
    world, scene, answers = desk.world, desk.scene, Answers(desk.world.store)
    citizen, other = replace(scene.citizen, write_types=WRITES), await world.patient(scene.hospital, "Anden")
    anothers, own = await put(desk, f"Patient/{other}"), await put(desk, f"Patient/{scene.patient}")
    await refused(answers.answer(citizen, anothers, 1, Answer(Said.DONE)))
    await refused(answers.answer(scene.citizen, own, 1, Answer(Said.DONE)))  # may write nothing
    await refused(answers.answer(replace(world.citizen(other), write_types=WRITES), own, 1, Answer(Said.DONE)))
    hidden = "insert into trust.mask (id, citizen, resource, from_citizen, set_by, valid_from, valid_to) values (gen_random_uuid(), $1, $2, true, 1, '2020-01-01', $3)"  # fmt: skip
    await world.owner.execute(hidden, key_of(scene.patient), own, NOW + timedelta(days=1))
    await refused(answers.answer(citizen, own, 1, Answer(Said.DONE)))
    looks = await world.owner.fetch("select permitted from foundation.access_log where action = 230")
    assert [row["permitted"] for row in looks] == [False] * 4
    later = replace(citizen, at=NOW + timedelta(days=400))
    await Escalation(world.store.pool).round(later.at)
    await answers.answer(later, own, 1, Answer(Said.HELP))
    piece = await desk.piece(own)
    assert (piece["step"], piece["escalated_to"], piece["deadline_at"] > later.at) == (0, None, True)


async def units_move_what_is_theirs(desk: Desk) -> None:
    scene = desk.scene
    task, elsewhere = await desk.ask_for(), await desk.ask_for(to=scene.elsewhere)
    await refused(desk.move(scene.gp, task, status="completed"))
    await refused(desk.move(scene.doctor, task, status="completed"))
    await refused(desk.move(scene.gp, task, description="Noget andet"))
    await refused(desk.move(scene.doctor, task, status="accepted"))
    queues = Queues(desk.world.store.pool)
    assert [one.task for one in await queues.page(scene.gp, scene.gp.organisation or 0, Wish())] == [task]
    assert await queues.page(scene.doctor, key_of(scene.clinic), Wish()) == []
    looks = "select count(*) from foundation.access_log where action = 180"
    assert await desk.world.owner.fetchval(looks) == 1
    await desk.move(scene.gp, task, status="accepted")
    assert (await desk.piece(elsewhere))["asked"] == "elsewhere"


async def links_are_their_makers(desk: Desk) -> None:
    scene, feeds = desk.scene, Feeds(desk.world.store.pool)
    stranger = desk.world.citizen(await desk.world.patient(scene.hospital, "Fremmed"))
    await refused(feeds.make(stranger, key_of(scene.patient), "time", "da"))
    secret = await feeds.make(scene.citizen, key_of(scene.patient), "time", "da")
    assert await feeds.own(stranger) == []
    (link,) = await feeds.own(scene.citizen)
    await refused(feeds.end(stranger, link.id))
    await feeds.open(secret, NOW)
    await feeds.end(scene.citizen, link.id)
    await refused(feeds.open(secret, NOW + timedelta(seconds=1)))


async def cards_are_changed_by_who_may(desk: Desk) -> None:
    scene, world = desk.scene, desk.world
    reader, guardian = [await world.patient(scene.hospital, name) for name in ("Læser", "Værge")]
    await world.owner.execute(
        "update registries.citizen set birth_date = '2010-01-01' where key = $1", key_of(scene.patient)
    )
    for who, basis in ((reader, 14), (guardian, 11)):
        await world.owner.execute(_ACTS, key_of(scene.patient), key_of(who), basis)

    async def changes(ask: Ask) -> bool:
        about = (key_of(scene.patient), uuid4(), TYPE_NUMBERS["RelatedPerson"])
        async with lend_proven(world.store.pool, Duty.PERSON) as connection:
            return await connection.fetchval(_CHANGE, ask_row(ask), *about) is not None

    assert [await changes(world.citizen(one)) for one in (scene.patient, guardian, reader)] == [True, True, False]
    assert await world.owner.fetchval("select count(*) from trust.notice where kind = 'master-data-changed'") == 1
    assert await world.owner.fetchval("select count(*) from foundation.access_log where action = 173") == 3


LAWS: dict[str, Callable[[Desk], Awaitable[None]]] = {
    **dict.fromkeys(("work.answers", "work.answerable", "work.note_answer"), answers_are_whose_they_are),
    **dict.fromkeys(("work.objection", "work.takes_part", "work.page_of", "work.queue"), units_move_what_is_theirs),
    **dict.fromkeys(
        ("trust.make_feed", "trust.open_feed", "trust.end_feed", "trust.own_feeds"), links_are_their_makers
    ),
    "trust.change_master_data": cards_are_changed_by_who_may,
}


@pytest.mark.parametrize("law", list(dict.fromkeys(LAWS.values())))
async def test_with_every_guard_in_place_the_law_holds(desk: Desk, law: Callable[[Desk], Awaitable[None]]) -> None:
    await law(desk)


#: one of each kind in every run, all of them in long ones
_ALWAYS = {"hidden pieces are answered", "who was asked changes what was asked", "a calendar link that has ended opens", "insight changes a stamkort"}  # fmt: skip


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.sin, marks=() if one.sin in _ALWAYS else (pytest.mark.long,)) for one in WORK])  # fmt: skip
async def test_a_guard_that_is_taken_away_is_missed(desk: Desk, mutant: Mutant) -> None:
    await mutate(desk.world.owner, mutant)
    with pytest.raises((AssertionError, HelhedError, pytest.fail.Exception)):
        await LAWS[mutant.function](desk)
