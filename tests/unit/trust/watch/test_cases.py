"""Cases: who sees them, that seeing is logged, that citizens stay marks until there is a reason, and that two close one."""

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from helhed.foundation.errors import Conflict, Unknown
from helhed.foundation.ids import key_of
from helhed.trust.watch.cases import NoteMissing, SameHand, overdue
from helhed.trust.watch.incidents import Incidents, NewIncident
from tests.support.world import NOW
from tests.unit.trust.watch.conftest import Watched

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST, CASE, UNSHIELD, MOVE = 100, 101, 102, 103


async def rows(watched: Watched, action: int) -> list[tuple[int, bool]]:
    found = await watched.world.owner.fetch(
        "select actor, permitted from foundation.access_log where action = $1 order by id", action
    )
    return [(row["actor"], row["permitted"]) for row in found]


async def test_officers_see_their_own_organisation_and_the_office_sees_all(watched: Watched):
    await watched.snoops()
    assert len(await watched.seen_by(watched.officer)) == 1
    assert len(await watched.seen_by(watched.local)) == 1
    assert await watched.seen_by(watched.foreign) == []
    assert await watched.seen_by(watched.snooper) == []
    assert (watched.snooper.actor, False) in await rows(watched, LIST)
    assert (watched.officer.actor, True) in await rows(watched, LIST)


async def test_a_case_that_is_not_ones_own_is_the_same_as_none(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    for ask, wanted in ((watched.foreign, case.id), (watched.snooper, case.id), (watched.officer, uuid4())):
        with pytest.raises(Unknown):
            await watched.cases.open(watched.by(ask), wanted)
    assert {permitted for _, permitted in await rows(watched, CASE)} == {False}


async def test_nobody_sees_or_moves_a_case_about_themselves(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    await watched.world.owner.execute(
        "update trust.watch_subject set actor = $1 where id = (select subject from trust.watch_case where id = $2)",
        watched.officer.actor, case.id,
    )  # fmt: skip
    assert await watched.seen_by(watched.officer) == []
    with pytest.raises(Unknown):
        await watched.cases.take(watched.by(watched.officer), case.id)
    assert len(await watched.seen_by(watched.second)) == 1


async def test_nobody_reads_or_ends_an_incident_that_grew_out_of_a_case_about_themselves(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    incidents, number = Incidents(watched.world.store.pool), uuid4()
    new = NewIncident("P2", "Opslag uden grund", "Se sagen", watched.now, True, 1, case.id)
    await incidents.open(watched.by(watched.second), number, new)
    assert (await incidents.one(watched.by(watched.officer), number)).title == new.title
    await watched.world.owner.execute(
        "update trust.watch_subject set actor = $1 where id = (select subject from trust.watch_case where id = $2)",
        watched.officer.actor, case.id,
    )  # fmt: skip
    assert await incidents.all(watched.by(watched.officer)) == []
    with pytest.raises(Unknown):
        await incidents.one(watched.by(watched.officer), number)
    with pytest.raises(Unknown):
        await incidents.write(watched.by(watched.officer), number, "closed", "Intet at se")
    assert (await incidents.one(watched.by(watched.second), number)).closed_at is None


async def test_a_mark_is_not_guessed_by_whoever_knows_the_ids_of_citizens(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    _, opened = await watched.cases.open(watched.by(watched.officer), case.id)
    known = f"{case.id}{key_of(watched.patient)}".encode()
    assert opened.looks[0]["mark"] != sha256(known).hexdigest()[:10]


async def test_opening_a_case_is_logged_and_shows_looks_without_content_or_names(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    _, opened = await watched.cases.open(watched.by(watched.officer), case.id)
    assert await rows(watched, CASE) == [(watched.officer.actor, True)]
    assert len(opened.looks) == 3
    assert {look["name"] for look in opened.looks} == {None}
    assert len({look["mark"] for look in opened.looks}) == 1
    assert "citizen" not in opened.looks[0]


async def test_a_name_is_shown_for_a_reason_and_stands_in_the_citizens_own_log(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    _, opened = await watched.cases.open(watched.by(watched.officer), case.id)
    mark = opened.looks[0]["mark"]
    with pytest.raises(NoteMissing):
        await watched.cases.unshield(watched.by(watched.officer), case.id, mark, " ")
    with pytest.raises(Unknown):
        await watched.cases.unshield(watched.by(watched.officer), case.id, "0000000000", "Spørges i afdelingen")
    with pytest.raises(Unknown):
        await watched.cases.unshield(watched.by(watched.foreign), case.id, mark, "Nysgerrig")
    await watched.cases.unshield(watched.by(watched.officer), case.id, mark, "Spørges i afdelingen")
    log = [row for row in await watched.world.log(watched.patient) if row["action"] == UNSHIELD]
    assert [(row["actor"], row["permitted"]) for row in log] == [(watched.officer.actor, True)]
    _, again = await watched.cases.open(watched.by(watched.second), case.id)
    assert {look["name"] for look in again.looks} == {"Ane Test"}


async def test_two_people_close_a_case_and_each_step_stands_with_its_author(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    await watched.cases.take(watched.by(watched.officer), case.id)
    with pytest.raises(NoteMissing):
        await watched.cases.move(watched.by(watched.officer), case.id, "explained", "")
    await watched.cases.move(watched.by(watched.officer), case.id, "explained", "Fast afløser på naboafsnittet")
    with pytest.raises(SameHand):
        await watched.cases.move(watched.by(watched.officer), case.id, "closed", "Færdig")
    await watched.cases.move(watched.by(watched.second), case.id, "closed", "Set og enig")
    found, opened = await watched.cases.open(watched.by(watched.second), case.id)
    assert found.state == "closed"
    assert [move["state"] for move in opened.moves] == ["new", "assigned", "explained", "closed"]
    assert [bool(move["author"]) for move in opened.moves] == [False, True, True, True]
    assert (watched.officer.actor, False) in await rows(watched, MOVE)


async def test_whoever_comes_second_is_told_that_the_case_has_changed(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    with pytest.raises(Conflict):
        await watched.cases.move(watched.by(watched.officer), case.id, "closed", "Uden at have set på den")


async def test_a_closed_case_stays_closed_until_something_new_happens(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    await watched.cases.take(watched.by(watched.officer), case.id)
    await watched.cases.move(watched.by(watched.officer), case.id, "explained", "Aftalt")
    await watched.cases.move(watched.by(watched.second), case.id, "closed", "Enig")
    await watched.run(watched.now + timedelta(days=1))
    assert [one.state for one in await watched.seen_by(watched.officer)] == ["closed"]
    begun = watched.now + timedelta(days=1)
    for week in range(3):
        await watched.looks(watched.snooper, watched.patient, begun + timedelta(days=7 * week))
    await watched.run(begun + timedelta(days=25))
    assert sorted(one.state for one in await watched.seen_by(watched.officer)) == ["closed", "new"]


async def test_a_case_that_waits_too_long_is_late(watched: Watched):
    await watched.snoops()
    (case,) = await watched.seen_by(watched.officer)
    assert overdue(case, case.due_at) is None
    assert overdue(case, case.due_at + timedelta(hours=5)) == timedelta(hours=5)


async def test_only_the_office_keeps_the_list_of_those_others_are_curious_about(watched: Watched):
    citizen = key_of(watched.patient)
    with pytest.raises(Unknown):
        await watched.cases.register(watched.by(watched.local), citizen, "Kendt")
    await watched.cases.register(watched.by(watched.officer), citizen, "Kendt fra nyhederne")
    assert [one.citizen for one in await watched.cases.registered(watched.by(watched.officer))] == [citizen]
    assert await watched.cases.registered(watched.by(watched.local)) == []
    await watched.looks(watched.snooper, watched.patient, NOW)
    await watched.run(NOW + timedelta(days=4))
    (case,) = await watched.seen_by(watched.officer)
    assert "tie-vip" in {one.signal for one in case.reasons}
    await watched.cases.register(watched.by(watched.officer), citizen, "")
    assert await watched.cases.registered(watched.by(watched.officer)) == []
