"""Random writes by many actors through the real store: at each moment each open piece has exactly one owner, each overdue one is
escalated, none is lost, and the Task, the row beside it and a model of the rules agree.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.foundation.database import connect
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import key_of
from helhed.work.escalating import Escalation
from helhed.work.projecting import before
from helhed.work.tasks import ACCEPTED, CLOSED, STATUSES, whose_move
from tests.support.world import NOW
from tests.unit.work.conftest import Desk, ref

PLACES = ("ward", "clinic", "elsewhere")
steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "write", "write", "write", "write", "escalate"]),
        st.integers(0, 3),  # which piece
        st.sampled_from(PLACES),  # by whom
        st.sampled_from(sorted(STATUSES)),
        st.sampled_from([None, None, None, *PLACES]),  # another owner
        st.integers(0, 60),  # hours that have passed
    ),
    min_size=8,
    max_size=24,
)


@dataclass
class Known:
    """What the rules say of a piece, told a second time."""

    status: str
    requester: str
    owner: str
    holder: str | None


def expected(known: Known, by: str, status: str, owner: str) -> Known | None:
    """The piece after a write, or None where the rules refuse it."""
    begun, passed = status in ACCEPTED, owner != known.owner
    if status != known.status and known.status not in before(status):
        return None
    if (known.status in {"requested", "received"} and status == "completed") or (
        known.status in ACCEPTED and status == "rejected"
    ):
        return None  # what citizens alone do
    if not passed and status in {"draft", "requested"} and known.status in ACCEPTED:
        return None
    if passed:
        if by != known.holder or not (status in {"draft", "requested", "cancelled", "entered-in-error"} or begun):
            return None
        if begun and owner != known.holder:
            return None
    elif status != known.status:
        answers = status in {"received", "accepted", "rejected"} or (
            begun and known.status in {"draft", "requested", "received"}
        )
        ends = status in {"cancelled", "entered-in-error"}
        allowed = {known.holder, known.requester} if ends else {known.owner} if answers else {known.holder}
        if by not in allowed:
            return None
    elif by not in {known.owner, known.requester, known.holder}:
        return None
    holder = None if status in CLOSED else owner if begun else known.holder or known.requester
    return Known(status, known.requester, owner, holder)


class Walk:
    """One walk: its pieces, what is known of each, and the time."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.now = desk, NOW
        self.pieces: list[tuple[UUID, Known]] = []
        scene = desk.scene
        self.people = {"ward": scene.doctor, "clinic": scene.gp, "elsewhere": scene.stranger}

    async def step(self, what: str, which: int, by: str, status: str, owner: str | None, hours: int) -> None:
        self.now += timedelta(hours=hours)
        asker = replace(self.people[by], at=self.now)
        if what == "ask":
            to = owner or "clinic"
            task = await self.desk.ask_for(asker, by=self.desk.places[by], to=self.desk.places[to], authored=self.now)
            self.pieces.append((task, Known("requested", by, to, by)))
        elif what == "escalate":
            await Escalation(self.desk.world.store.pool).round(self.now)
        elif self.pieces:
            await self._write(which % len(self.pieces), by, status, owner, asker)

    async def _write(self, which: int, by: str, status: str, owner: str | None, asker: Any) -> None:
        task, known = self.pieces[which]
        to = owner or known.owner
        wanted = expected(known, by, status, to)
        was = await self.desk.stored(task)
        try:
            await self.desk.move(
                asker, task, status=status, owner=ref(self.desk.places[to]), statusReason={"text": "x"}
            )
        except HelhedError:
            assert wanted is None, (known, by, status, to)
            assert await self.desk.stored(task) == was
            return
        assert wanted is not None, (known, by, status, to)
        self.pieces[which] = (task, wanted)

    async def holds(self) -> None:
        rows = await self.desk.world.owner.fetch("select * from work.piece")
        assert {row["task"] for row in rows} >= {task for task, _ in self.pieces}
        keys = {name: key_of(place) for name, place in self.desk.places.items()}
        for task, known in self.pieces:
            (row,) = [one for one in rows if one["task"] == task]
            move = whose_move(await self.desk.stored(task))
            assert row["status"] == known.status
            assert row["holder"] == (None if known.holder is None else keys[known.holder])
            holder = self.desk.places[known.holder] if known.holder else None
            assert move.holder == ("" if holder is None else f"Organization/{holder}")
            assert move.open == (not row["over"]) == (row["next_at"] is not None)
        await Escalation(self.desk.world.store.pool).round(self.now)
        late = "select count(*) from work.piece where not over and deadline_at <= $1 and escalated_to is null"
        assert await self.desk.world.owner.fetchval(late, self.now) == 0


async def test_each_open_piece_has_one_owner_and_none_is_lost_whoever_writes_what(desk: Desk) -> None:
    loop, examples = asyncio.get_running_loop(), 0

    async def walk(path: list[Any]) -> None:
        taken = Walk(desk)
        for one in path:
            await taken.step(*one)
        await taken.holds()

    @given(steps)
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    def walks(path: list[Any]) -> None:
        nonlocal examples
        asyncio.run_coroutine_threadsafe(walk(path), loop).result()
        examples += 1

    await asyncio.to_thread(walks)
    assert examples >= 25


async def test_workers_at_the_same_time_escalate_each_piece_once(desk: Desk) -> None:
    tasks = [await desk.ask_for() for _ in range(30)]
    moment = (await desk.piece(tasks[0]))["deadline_at"]
    worker = Escalation(desk.world.store.pool)
    counts = await asyncio.gather(*(worker.round(moment, at_once=7) for _ in range(6)))
    while done := await worker.round(moment, at_once=7):
        counts.append(done)
    assert sum(counts) == len(tasks)
    for task in tasks:
        assert (await desk.done(task)).count("escalated") == 1


async def test_what_a_killed_worker_had_begun_is_escalated_by_the_next_once(desk: Desk) -> None:
    tasks = [await desk.ask_for() for _ in range(4)]
    moment = (await desk.piece(tasks[0]))["deadline_at"]
    doomed = await connect(desk.world.target.owner)
    await doomed.execute("begin")
    assert await doomed.fetchval("select work.escalate($1, $2::jsonb, 3)", moment, '{"other": {"to": "sender", "seconds": 60}}') == 3  # fmt: skip
    worker = Escalation(desk.world.store.pool)
    assert await worker.round(moment) == 1  # the others are the doomed one's still
    await desk.world.owner.execute("select pg_terminate_backend($1)", doomed.get_server_pid())
    while any(row["pid"] == doomed.get_server_pid() for row in await desk.world.owner.fetch("select pid from pg_stat_activity")):  # fmt: skip
        await asyncio.sleep(0)
    assert await worker.round(moment) == 3
    for task in tasks:
        assert (await desk.done(task)).count("escalated") == 1
    told = await desk.world.owner.fetchval("select count(*) from trust.notice where kind = 'work-overdue'")
    assert told == len(tasks)
