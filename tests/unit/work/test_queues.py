"""What units and citizens see of pieces of work, and what is escalated to whom."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.work.escalating import Escalation
from helhed.work.queues import Queues, Wish
from tests.support.world import NOW
from tests.unit.work.conftest import Desk, ref


async def queue(desk: Desk, ask, **wish):
    return await Queues(desk.world.store.pool).page(ask, ask.organisation, Wish(**wish))


async def block(desk: Desk) -> None:
    """The citizen stops the clinic."""
    await desk.world.owner.execute(
        "insert into trust.block (id, citizen, who_organisation, valid_from, set_by, set_at)"
        " values (gen_random_uuid(), $1, $2, '2020-01-01', $1, '2020-01-01')",
        key_of(desk.scene.patient), key_of(desk.scene.clinic),
    )  # fmt: skip


async def test_a_unit_sees_whose_move_each_piece_is_with_who_the_patient_is(desk: Desk) -> None:
    late, soon = await desk.ask_for(due=NOW + timedelta(days=9)), await desk.ask_for(due=NOW + timedelta(hours=2))
    found = await queue(desk, desk.scene.gp)
    assert [one.task for one in found] == [soon, late]
    assert (found[0].holder, found[0].asked, found[0].asks_us, found[0].patient.name) == (
        "Afdeling",
        "Lægehus",
        True,
        "Ane Ånæs",
    )
    assert [one.task for one in await queue(desk, desk.scene.doctor, view="others")] == [soon, late]
    assert await queue(desk, desk.scene.doctor) == []
    await desk.move(desk.scene.gp, soon, status="accepted")
    await desk.move(desk.scene.gp, soon, status="completed")
    assert [one.task for one in await queue(desk, desk.scene.gp)] == [late]
    assert [one.task for one in await queue(desk, desk.scene.doctor, view="over")] == [soon]


async def test_pages_follow_each_other_and_filters_hold(desk: Desk) -> None:
    tasks = [await desk.ask_for(due=NOW + timedelta(hours=n)) for n in range(1, 6)]
    other = await desk.ask_for(kind="answer-to-message")
    seen, after = [], None
    while page := await queue(desk, desk.scene.gp, limit=2, after=after, kind="follow-up-after-discharge"):
        seen += [one.task for one in page]
        after = page[-1].place
    assert seen == tasks
    assert [one.task for one in await queue(desk, desk.scene.gp, kind="answer-to-message")] == [other]
    assert await queue(desk, desk.scene.gp, status="accepted") == []


async def test_looks_at_a_queue_are_in_the_log_of_those_in_it(desk: Desk) -> None:
    await desk.ask_for()
    await queue(desk, desk.scene.gp)
    rows = await desk.world.owner.fetch("select * from foundation.access_log where action = 180")
    assert [(row["citizen"], row["permitted"]) for row in rows] == [(key_of(desk.scene.patient), True)]


async def test_nobody_sees_the_queue_of_a_unit_they_do_not_work_in(desk: Desk) -> None:
    await desk.ask_for()
    assert await Queues(desk.world.store.pool).page(desk.scene.doctor, key_of(desk.scene.clinic), Wish()) == []


async def test_what_the_receiver_may_not_see_is_told_to_the_sender_and_to_nobody_else(desk: Desk) -> None:
    task = await desk.ask_for()
    assert [one.unseen for one in await queue(desk, desk.scene.doctor, view="others")] == [False]
    await block(desk)
    assert await queue(desk, desk.scene.gp) == []
    assert [one.unseen for one in await queue(desk, desk.scene.doctor, view="others")] == [True]
    receipts = await Queues(desk.world.store.pool).receipts(desk.scene.doctor, task)
    assert receipts.reaches is False
    with pytest.raises(Unknown):
        await Queues(desk.world.store.pool).receipts(desk.scene.gp, task)


async def test_receipts_tell_asked_seen_accepted_and_acted_on(desk: Desk) -> None:
    task = await desk.ask_for()
    await queue(desk, desk.scene.gp)
    await queue(desk, desk.scene.gp)
    await desk.move(desk.scene.gp, task, status="accepted")
    await desk.move(desk.scene.gp, task, status="completed")
    receipts = await Queues(desk.world.store.pool).receipts(desk.scene.doctor, task)
    assert [(one.what, one.unit) for one in receipts.moves] == [
        ("asked", "Afdeling"), ("seen", "Lægehus"), ("accepted", "Lægehus"), ("completed", "Lægehus"),
    ]  # fmt: skip


async def test_the_citizen_reads_whose_move_it_is_and_is_in_the_log(desk: Desk) -> None:
    task = await desk.ask_for()
    found = await Queues(desk.world.store.pool).of_citizen(desk.scene.citizen, key_of(desk.scene.patient))
    assert [(one.task, one.holder, one.asked) for one in found] == [(task, "Afdeling", "Lægehus")]
    stranger = replace(desk.scene.citizen, actor=key_of(uuid4()))
    assert await Queues(desk.world.store.pool).of_citizen(stranger, key_of(desk.scene.patient)) == []
    rows = await desk.world.owner.fetch("select * from foundation.access_log where action = 181 order by id")
    assert [(row["citizen"], row["permitted"]) for row in rows] == [(key_of(desk.scene.patient), permitted) for permitted in (True, False)]  # fmt: skip


async def test_what_is_overdue_goes_to_the_sender_and_then_upwards_and_is_never_quiet(desk: Desk) -> None:
    task = await desk.ask_for()
    worker = Escalation(desk.world.store.pool)
    piece = await desk.piece(task)
    assert await worker.round(piece["deadline_at"] - timedelta(seconds=1)) == 0
    told, moment = [], piece["deadline_at"]
    for _ in range(4):
        assert await worker.round(moment) == 1
        assert await worker.round(moment) == 0
        piece = await desk.piece(task)
        told.append(piece["escalated_to"])
        moment = piece["next_at"]
    assert told == ["ward", "hospital", "hospital", "hospital"]
    assert (piece["holder"], piece["step"]) == ("ward", 4)
    told = await desk.world.owner.fetch("select citizen, about from trust.notice where kind = 'work-overdue'")
    assert [tuple(row) for row in told] == [(key_of(desk.scene.patient), task)]
    assert [one.pieces for one in await Queues(desk.world.store.pool).told(desk.scene.doctor, key_of(desk.scene.hospital))] == [1]  # fmt: skip
    assert [one.task for one in await Queues(desk.world.store.pool).page(desk.scene.doctor, key_of(desk.scene.hospital), Wish(view="told"))] == [task]  # fmt: skip


async def test_a_move_ends_the_escalation_of_what_it_moved(desk: Desk) -> None:
    task = await desk.ask_for()
    await Escalation(desk.world.store.pool).round((await desk.piece(task))["deadline_at"])
    await desk.move(desk.scene.gp, task, status="accepted")
    piece = await desk.piece(task)
    assert (piece["escalated_to"], piece["step"], piece["next_at"]) == (None, 0, piece["due_at"])


async def test_handing_on_does_not_hide_that_it_is_overdue(desk: Desk) -> None:
    task = await desk.ask_for(due=NOW + timedelta(hours=1))
    await desk.move(desk.scene.gp, task, status="accepted")
    later = Desk.later(desk.scene.gp, hours=2)
    await desk.move(later, task, status="requested", owner=ref(desk.scene.elsewhere))
    assert await Escalation(desk.world.store.pool).round(later.at) == 1
