"""Transactions that read and change the same lists at once: none sees or leaves what no order of them could."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.faults.histories import Work, anomalies
from tests.support.door import Door
from tests.support.world import World

LISTS, WORKERS, ROUNDS = 3, 4, 6
SEEDS, MANY_SEEDS = 1, 40

CORRECT = [Work({"x": [1]}), Work({"x": [2], "y": [3]}, {"x": (1,)}), Work({}, {"x": (1, 2), "y": (3,)})]
WRONG: dict[str, tuple[list[Work], dict[str, tuple[int, ...]]]] = {
    "lost": ([Work({"x": [1]}), Work({"x": [2]})], {"x": (2,)}),
    "undone, and there": ([Work({"x": [1]}, stands=False)], {"x": (1,)}),
    "in part": ([Work({"x": [1], "y": [2]}, stands=None)], {"x": (1,)}),
    "G0": ([Work({"x": [1], "y": [2]}), Work({"x": [3], "y": [4]})], {"x": (1, 3), "y": (4, 2)}),
    "G1a": ([Work({"x": [1]}, stands=False), Work({}, {"x": (1,)})], {"x": ()}),
    "G1b": ([Work({"x": [1, 2]}), Work({}, {"x": (1,)})], {"x": (1, 2)}),
    "G1c": ([Work({"x": [1]}, {"y": (2,)}), Work({"y": [2]}, {"x": (1,)})], {"x": (1,), "y": (2,)}),
    "G-single": ([Work({"x": [1], "y": [2]}), Work({}, {"x": (1,), "y": ()})], {"x": (1,), "y": (2,)}),
}


def test_a_correct_history_has_no_anomaly() -> None:
    assert anomalies(CORRECT, {"x": (1, 2), "y": (3,)}) == set()


@pytest.mark.parametrize("name", WRONG)
def test_an_anomaly_is_found(name: str) -> None:
    assert name in anomalies(*WRONG[name])


class Lists:
    """Lists that are kept as the notes of Observations, changed by transactions with If-Match."""

    def __init__(self, system: Door, doctor: Door, citizen: UUID, ids: list[UUID]) -> None:
        self._system, self._doctor, self._citizen, self._ids = system, doctor, citizen, ids
        self._next = 0
        self.history: list[Work] = []

    async def append(self, dice: random.Random) -> None:
        """Read some lists, and add to each in one transaction, which stands whole or not at all."""
        chosen = dice.sample(self._ids, dice.randint(1, 2))
        work, entries = Work(), []
        for identifier in chosen:
            resource = await self._look(identifier)
            work.read[str(identifier)] = values(resource)
            await asyncio.sleep(0)
            self._next += 1
            work.appended[str(identifier)] = [self._next]
            resource.setdefault("note", []).append({"text": str(self._next)})
            version = resource["meta"]["versionId"]
            request = {"method": "PUT", "url": f"Observation/{identifier}", "ifMatch": f'W/"{version}"'}
            entries.append({"fullUrl": f"urn:uuid:{uuid4()}", "resource": resource, "request": request})
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        status, answer = await self._system.post("/fhir", bundle)
        assert status in {200, 409, 412, 503}, answer
        work.stands = status == 200
        if not work.stands:
            work.read.clear()  # it was never one: its looks came one by one
        self.history.append(work)

    async def look(self) -> None:
        """All lists in one statement."""
        _, bundle = await self._doctor.get(f"/fhir/Observation?patient={self._citizen}&_count=50")
        seen = {one["resource"]["id"]: values(one["resource"]) for one in bundle["entry"]}
        self.history.append(Work(read=seen))

    async def last(self) -> dict[str, tuple[int, ...]]:
        """What each list is in the end."""
        return {str(identifier): values(await self._look(identifier)) for identifier in self._ids}

    async def _look(self, identifier: UUID) -> dict[str, Any]:
        _, resource = await self._doctor.get(f"/fhir/Observation/{identifier}")
        assert resource["resourceType"] == "Observation"
        return dict(resource)


def values(resource: dict[str, Any]) -> tuple[int, ...]:
    """The list that a resource keeps."""
    return tuple(int(one["text"]) for one in resource.get("note", ()))


async def _run(world: World, seed: int) -> None:
    hospital = await world.organisation("Sygehus")
    citizen = await world.patient(hospital)
    ids = [await world.observation(citizen, hospital) for _ in range(LISTS)]
    await world.contact(citizen, hospital)
    doctor = world.professional(await world.employee(hospital), hospital)
    lists = Lists(Door(world, world.system(hospital)), Door(world, doctor), citizen, ids)

    async def worker(dice: random.Random) -> None:
        for _ in range(ROUNDS):
            await (lists.append(dice) if dice.random() < 0.7 else lists.look())

    await asyncio.gather(*(worker(random.Random(seed * 1000 + n)) for n in range(WORKERS)))
    assert any(work.stands for work in lists.history)
    assert anomalies(lists.history, await lists.last()) == set(), f"seed {seed}"


async def test_concurrent_transactions_are_isolated(world: World) -> None:
    for seed in range(SEEDS):
        await _run(world, seed)


@pytest.mark.long
async def test_concurrent_transactions_are_isolated_in_many_more_runs(world: World) -> None:
    for seed in range(SEEDS, SEEDS + MANY_SEEDS):
        await _run(world, seed)
