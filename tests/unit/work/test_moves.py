"""Whose move a piece of work is: the rules, through the store, as every door writes Tasks."""

from typing import Any

import pytest

from helhed.foundation.errors import Forbidden, MethodNotAllowed, Unprocessable
from helhed.foundation.ids import key_of
from helhed.work.tasks import ASSIGNEE, holder_of, whose_move
from tests.unit.work.conftest import Desk, ref

WHY: dict[str, Any] = {"statusReason": {"text": "Patienten har skiftet læge"}}


async def test_the_sender_has_it_until_the_receiver_accepts(desk: Desk) -> None:
    task = await desk.ask_for()
    piece = await desk.piece(task)
    assert (piece["holder"], piece["asked"], piece["deadline_at"] < piece["due_at"]) == ("ward", "clinic", True)
    await desk.move(desk.scene.gp, task, status="accepted")
    piece = await desk.piece(task)
    assert (piece["holder"], piece["asked"], piece["deadline_at"]) == ("clinic", "clinic", piece["due_at"])


async def test_declined_with_a_reason_it_is_back_with_the_sender(desk: Desk) -> None:
    task = await desk.ask_for()
    with pytest.raises(Unprocessable, match="Say why"):
        await desk.move(desk.scene.gp, task, status="rejected")
    await desk.move(desk.scene.gp, task, status="rejected", **WHY)
    piece = await desk.piece(task)
    assert (piece["holder"], piece["asked"], piece["over"]) == ("ward", "ward", False)


async def test_handed_on_it_stays_with_who_had_it_until_the_next_accepts(desk: Desk) -> None:
    task = await desk.ask_for()
    await desk.move(desk.scene.gp, task, status="accepted")
    await desk.move(desk.scene.gp, task, status="requested", owner=ref(desk.scene.elsewhere))
    piece, body = await desk.piece(task), await desk.stored(task)
    assert (piece["holder"], piece["asked"], piece["requester"]) == ("clinic", "elsewhere", "ward")
    assert holder_of(body) == whose_move(body).holder == f"Organization/{desk.scene.clinic}"
    await desk.move(desk.scene.stranger, task, status="accepted")
    assert (await desk.piece(task))["holder"] == "elsewhere"
    assert holder_of(await desk.stored(task)) == ""


async def test_what_the_next_declines_comes_back_to_who_handed_it_on_and_may_be_taken_back(desk: Desk) -> None:
    task = await desk.ask_for()
    await desk.move(desk.scene.gp, task, status="accepted")
    await desk.move(desk.scene.gp, task, status="requested", owner=ref(desk.scene.elsewhere))
    await desk.move(desk.scene.stranger, task, status="rejected", **WHY)
    assert (await desk.piece(task))["asked"] == "clinic"
    with pytest.raises(Unprocessable, match="Only the unit that is asked"):
        await desk.move(desk.scene.gp, task, status="accepted")
    await desk.move(desk.scene.gp, task, status="accepted", owner=ref(desk.scene.clinic))
    assert (await desk.piece(task))["holder"] == "clinic"


@pytest.mark.parametrize(
    ("who", "changes", "why"),
    [
        ("doctor", {"status": "accepted"}, "Only the unit that is asked"),
        ("doctor", {"status": "completed"}, "does not become completed"),
        ("gp", {"status": "completed"}, "does not become completed"),
        ("gp", {"status": "cancelled"}, "Another has this piece"),
        ("gp", {"description": "noget andet"}, "changed by who asked"),
        ("gp", {"restriction": {"period": {"end": "2031-01-01"}}}, "changed by who asked"),
        ("doctor", {"requester": "elsewhere"}, "stays who asked"),
        ("gp", {"owner": "elsewhere"}, "Another has this piece"),
        ("doctor", {"owner": "elsewhere", "status": "accepted"}, "Only the unit that is asked"),
    ],
)
async def test_a_move_against_the_rules_says_why_and_changes_nothing(
    desk: Desk, who: str, changes: dict[str, Any], why: str
) -> None:
    task = await desk.ask_for()
    was, piece, done = await desk.stored(task), await desk.piece(task), await desk.done(task)
    for name in ("requester", "owner"):
        if name in changes:
            changes = {**changes, name: ref(desk.places[changes[name]])}
    with pytest.raises(Unprocessable, match=why):
        await desk.move(getattr(desk.scene, who), task, **changes)
    assert (await desk.stored(task), await desk.piece(task), await desk.done(task)) == (was, piece, done)


async def test_nobody_begins_a_piece_in_anothers_name_or_as_accepted_by_another(desk: Desk) -> None:
    with pytest.raises(Unprocessable, match="own name"):
        await desk.ask_for(by=desk.scene.elsewhere)
    with pytest.raises(Unprocessable, match="Only the unit that is asked"):
        await desk.world.put(desk.scene.doctor, desk.body() | {"status": "in-progress"})
    assert await desk.world.owner.fetchval("select count(*) from work.piece") == 0


async def test_who_takes_no_part_in_it_may_not_change_it(desk: Desk) -> None:
    task = await desk.ask_for()
    with pytest.raises(Forbidden):
        await desk.move(desk.scene.stranger, task, status="accepted")


async def test_a_block_keeps_the_receiver_from_moving_what_it_may_not_see(desk: Desk) -> None:
    task = await desk.ask_for()
    await desk.world.owner.execute(
        "insert into trust.block (id, citizen, who_organisation, valid_from, set_by, set_at)"
        " values (gen_random_uuid(), $1, $2, '2020-01-01', $1, '2020-01-01')",
        key_of(desk.scene.patient), key_of(desk.scene.clinic),
    )  # fmt: skip
    with pytest.raises(MethodNotAllowed):
        await desk.move(desk.scene.gp, task, status="accepted")
    assert (await desk.piece(task))["holder"] == "ward"


async def test_it_is_given_to_somebody_who_works_in_the_unit(desk: Desk) -> None:
    task = await desk.ask_for()
    await desk.move(desk.scene.gp, task, status="accepted")
    rows = await desk.world.owner.fetch("select professional, organisation, (select p.id from registries.professional p where p.key = professional) as id from trust.employment")  # fmt: skip
    people = {row["organisation"]: row["id"] for row in rows}

    def given(place: Any) -> list[dict[str, Any]]:
        return [{"url": ASSIGNEE, "valueReference": {"reference": f"Practitioner/{people[key_of(place)]}"}}]

    with pytest.raises(Unprocessable, match="works in the unit"):
        await desk.move(desk.scene.gp, task, extension=given(desk.scene.ward))
    with pytest.raises(Unprocessable, match="Only the unit that is asked"):
        await desk.move(desk.scene.doctor, task, extension=given(desk.scene.clinic))
    await desk.move(desk.scene.gp, task, extension=given(desk.scene.clinic))
    assert (await desk.done(task))[-1] == "assigned"


async def test_the_sender_calls_off_and_the_receiver_completes_what_it_has(desk: Desk) -> None:
    off, done = await desk.ask_for(), await desk.ask_for()
    await desk.move(desk.scene.doctor, off, status="cancelled")
    await desk.move(desk.scene.gp, done, status="accepted")
    await desk.move(desk.scene.gp, done, status="completed")
    for task in (off, done):
        piece = await desk.piece(task)
        assert (piece["over"], piece["holder"], piece["next_at"]) == (True, None, None)
        with pytest.raises(Unprocessable, match="does not become"):
            await desk.move(desk.scene.doctor, task, status="requested")


async def test_a_task_that_is_deleted_is_no_piece(desk: Desk) -> None:
    task = await desk.ask_for()
    await desk.world.delete(desk.scene.doctor, "Task", task)
    assert await desk.piece(task) == {}
    assert await desk.done(task) == []


@pytest.mark.parametrize("status", ["requested", "draft"])
async def test_what_was_accepted_is_not_given_back_by_unsaying_it(desk: Desk, status: str) -> None:
    task = await desk.ask_for()
    await desk.move(desk.scene.gp, task, status="accepted")
    with pytest.raises(Unprocessable, match="does not become"):
        await desk.move(desk.scene.gp, task, status=status)
    assert (await desk.piece(task))["holder"] == "clinic"
