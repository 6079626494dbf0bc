"""A ward that treats a citizen, a stranger who looks, and security officers who see it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from helhed.foundation.ask import Ask
from helhed.foundation.database import Target
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.trust.watch.cases import Case, Cases
from helhed.trust.watch.job import WatchJob
from helhed.trust.watch.policy import watch_policy
from tests.support.world import NOW, World

GLASS, DECLARE, OVERVIEW, LOOKUP = 14, 10, 9, 8
DECLARED, OVERRIDDEN, ADMITTED = 4, 8, 2


class Watched:
    """The scene, with a clock that the test sets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cases = Cases(world.store.pool)
        self.job = WatchJob(world.store.pool)
        self.now = NOW

    async def set(self) -> "Watched":
        """Put everybody in place."""
        world = self.world
        self.office = await world.organisation("Sikkerhedscenter")
        self.hospital = await world.organisation("Sygehus")
        self.ward = await world.organisation("Afdeling", self.hospital)
        self.elsewhere = await world.organisation("Andet")
        self.officer = await self.officer_at(self.office)
        self.second = await self.officer_at(self.office)
        self.local = await self.officer_at(self.hospital)
        self.foreign = await self.officer_at(self.elsewhere)
        self.snooper = world.professional(await world.employee(self.ward), self.ward)
        self.patient = await world.patient(self.hospital)
        return self

    async def officer_at(self, organisation: UUID) -> Ask:
        """A security officer of an organisation."""
        return self.world.professional(
            await self.world.employee(organisation, "security-officer"), organisation, "security-officer"
        )

    async def looks(
        self, ask: Ask, patient: UUID | None, at: datetime, action: int = OVERVIEW, basis: int | None = DECLARED
    ) -> None:
        """A row of the log, as the decision would have written it."""
        await self.world.owner.execute(
            "insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, "
            "resources, versions, trace) values ($1, 2, $2, $3, $4, 'test', 1, $5, $6, $7, $8, '{}', '{}', $9)",
            at, ask.actor, ask.organisation, ask.role, action, basis is not None, basis,
            None if patient is None else key_of(patient), uuid4(),
        )  # fmt: skip

    async def snoops(self, weeks: int = 3) -> None:
        """One citizen, week after week, on no registered relation; and the job after each."""
        for week in range(weeks):
            await self.looks(self.snooper, self.patient, NOW + timedelta(days=7 * week))
            await self.run(NOW + timedelta(days=7 * week, hours=1))
        await self.run(NOW + timedelta(days=7 * weeks))

    async def run(self, at: datetime) -> int:
        """The job, until it has come to this moment; how many cases it opened."""
        self.now = at
        raised = 0
        for _ in range(200):
            done = await self.job.run(at)
            raised += done.raised
            if done.until is not None and done.until >= at and not done.scored:
                return raised
        raise AssertionError

    def by(self, ask: Ask) -> Ask:
        """The same person now."""
        return replace(ask, at=self.now, trace=uuid4())

    async def seen_by(self, ask: Ask) -> list[Case]:
        """The cases that somebody's list shows."""
        return await self.cases.those_in(self.by(ask), list(watch_policy().states))


_TABLES = (
    "select string_agg(format('trust.%I', c.relname), ', ') from pg_class c where c.relnamespace = 'trust'::regnamespace "
    "and c.relkind = 'r' and c.relname like 'watch\\_%'"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched_world(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One store for the tests of a module, in one event loop."""
    opened = await World.open(module_target, Settings(data_dir=tmp_path_factory.mktemp("watched"), demo=True))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def watched(watched_world: World) -> Watched:
    """The scene, with an empty log and nothing watched yet."""
    found = await Watched(watched_world).set()
    owner = watched_world.owner
    await owner.execute(f"truncate foundation.access_log, {await owner.fetchval(_TABLES)} cascade")
    await owner.execute("insert into trust.watch_office values ($1)", key_of(found.office))
    return found
