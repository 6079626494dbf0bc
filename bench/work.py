"""Pages of units' queues a second: decided, logged, with who could see what they wait for. Many units, some with a thousand pieces."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import orjson

from bench.cost import Costs
from bench.load import Result
from bench.report import Report
from bench.world import Population, system_ask
from helhed.commands.importing import owner_pool
from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, read_secret
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.work.kinds import kinds
from helhed.work.queues import Queues, Wish
from helhed.work.tasks import task

_PIECES, _BUSY, _IN_BUSY, _AT_ONCE, _LANES = 10_000, 5, 1_000, 250, 8
_HAVE = "select count(*) from work.piece"


async def work_queue(settings: Settings, target: Target, people: Population, seconds: float, report: Report, owner: Connection, bare: float) -> None:  # fmt: skip
    """The line ``work_queue`` of the report: pages of 50, what a unit is to do and what it waits for, by turns."""
    rng = random.Random(20261130)
    await _put(settings, target, people, owner, rng)
    store = await Store.open(target, settings, CursorSigner(read_secret(settings.data_dir)), HOOKS)
    asks = [_professional(person, clinic) for clinic, staff in people.staff.items() for person in staff]
    busy = [one for one in asks if one.organisation in {key_of(clinic) for clinic in people.clinics[:_BUSY]}]
    told = Costs.of(os.getpid(), await owner.fetchval("select pg_backend_pid()")).roots
    costs = Costs(
        {name: told[name] for name in ("server", "PostgreSQL") if name in told}
    )  # the pages are made in this process
    spent, result = costs.spent(), Result()
    try:
        await _drive(Queues(store.pool), [*asks, *busy * (len(asks) // max(1, len(busy)))], result, seconds, rng)
    finally:
        await store.close()
    cost = costs.told(spent, result.correct)
    report.add(
        "work_queue", result.per_second, "pages/s",
        f"{_LANES} at once, {len(asks)} actors in {len(people.staff)} units, {await owner.fetchval(_HAVE):,} open pieces, {_IN_BUSY:,} waited for in each of {_BUSY} busy "
        f"units that half the pages are of; what is ours and what others have, by turns; in the process, without HTTP, {cost}each look logged",
        ratio=result.per_second / bare, result=result,
    )  # fmt: skip


async def _drive(queues: Queues, asks: list[Ask], result: Result, seconds: float, rng: random.Random) -> None:
    begun = time.perf_counter()

    async def lane() -> None:
        turn = 0
        while time.perf_counter() - begun < seconds:
            turn += 1
            ask = rng.choice(asks)
            at = time.perf_counter()
            await queues.page(ask, ask.organisation or 0, Wish(view=("ours", "others")[turn % 2]))
            result.latencies.append(time.perf_counter() - at)
            result.correct += 1

    await asyncio.gather(*(lane() for _ in range(_LANES)))
    result.seconds = time.perf_counter() - begun


def _professional(person: UUID, clinic: int) -> Ask:
    return Ask(ActorKind.PROFESSIONAL, key_of(person), clinic, "doctor", Purpose.TREATMENT, "bench", None, None, system_clock(), uuid4())  # fmt: skip


async def _put(settings: Settings, target: Target, people: Population, owner: Connection, rng: random.Random) -> None:
    missing = _PIECES - await owner.fetchval(_HAVE)
    if missing <= 0:
        return
    pool = await owner_pool(target, 1)
    sessions = Sessions(pool, HOOKS, CursorSigner(read_secret(settings.data_dir)))
    for place, clinic in enumerate(people.clinics):
        many = _IN_BUSY if place < _BUSY else (_PIECES - _BUSY * _IN_BUSY) // (len(people.clinics) - _BUSY)
        changes = list(_asked(people, clinic, many, rng))
        for begin in range(0, len(changes), _AT_ONCE):
            async with sessions.begin(system_ask(clinic)) as session:
                await session.write(changes[begin : begin + _AT_ONCE])
    await pool.close()
    for table in ("work.piece", "work.move"):
        await owner.execute(f"vacuum (analyze) {table}")


def _asked(people: Population, clinic: UUID, many: int, rng: random.Random) -> Iterator[Change]:
    own = [patient for patient, key in people.citizens if key == key_of(clinic)] or [people.citizens[0][0]]
    for _ in range(many):
        patient = rng.choice(own)
        units = (f"Organization/{one}" for one in (clinic, rng.choice(people.clinics)))
        body = task(
            kind=rng.choice(list(kinds())),
            requester=next(units),
            owner=next(units),
            patient=f"Patient/{patient}",
            authored=system_clock(),
        )
        yield Change("POST", "Task", body, orjson.dumps(body), new_id(bucket_of(patient)))
