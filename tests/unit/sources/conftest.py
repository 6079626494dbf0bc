"""A small network with one live source: a ward, its doctor and patient, and a stand-in that answers from outside."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from helhed.foundation.ask import Ask
from helhed.foundation.database import Target
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.record.live.credentials import AccessTokens
from helhed.record.live.gathering import LiveSources
from helhed.record.live.keeping import LiveRows, LiveVersion
from helhed.record.live.talking import Wire
from helhed.record.manifest import Told
from helhed.registries.identifiers import CPR
from helhed.registries.sources import Described, SourceKind, Sources, Terms, Way, end_source, put_source
from tests.support.databases import copy_of
from tests.support.stand_in import StandIn, measured
from tests.support.world import NOW, SECRET, World

NUMBER = "2512489996"
TYPES = ("Observation", "DiagnosticReport", "Condition")
_KEY = ECKey.generate_key("P-256", private=True)


class Bell:
    """A deadline that comes when it is rung."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._rung: list[asyncio.Timeout] = []

    def __call__(self, seconds: float) -> asyncio.Timeout:
        self.seconds.append(seconds)
        self._rung.append(asyncio.timeout(None))
        return self._rung[-1]

    def ring(self) -> None:
        """All that run come to their end."""
        for one in self._rung:
            with suppress(RuntimeError):  # it is over already
                one.reschedule(asyncio.get_running_loop().time())
        self._rung.clear()


@dataclass
class Small:
    """Everything of it."""

    world: World
    ward: UUID
    clinic: UUID
    patient: UUID
    doctor: UUID
    source: UUID
    stand_in: StandIn
    live: LiveSources
    bell: Bell

    @property
    def citizen(self) -> int:
        """The key of the patient."""
        return key_of(self.patient)

    def asks(self, minutes: float = 0.0) -> Ask:
        """The ward's doctor, some time later."""
        asked = self.world.professional(self.doctor, self.ward)
        return replace(asked, at=NOW + timedelta(minutes=minutes))

    async def told(self, ask: Ask | None = None, types: Sequence[str] = TYPES) -> Told:
        """What the manifest says of the source."""
        (one,) = (await self.live.ask_all(ask or self.asks(), self.citizen, types)).told
        return one

    async def seen(self, ask: Ask | None = None, types: Sequence[str] = TYPES) -> list[LiveVersion]:
        """What the ask may see of what it answered."""
        return await self.live.answered(ask or self.asks(), self.citizen, types, 100)

    async def logged(self, ask: Ask) -> list[Any]:
        """What stands in the patient's log of one ask."""
        return [row for row in await self.world.log(self.patient) if row["trace"] == ask.trace]

    async def register(self, *, types: Sequence[str] = TYPES, **terms: Any) -> None:
        """Say anew how the source is asked."""
        said = Terms(self.stand_in.url, internal_network=True, **terms)
        described = Described(
            self.clinic,
            "Privathospitalet",
            SourceKind.PRIVATE_HOSPITAL,
            Way.LIVE,
            tuple(types),
            "Anne, 20 00 00 00",
            terms=said,
        )
        self.source = await put_source(self.world.owner, described, NOW)
        await self.live.look_again()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(server_target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An open store that the tests of a module share: a database for each took most of their time."""
    async with copy_of(server_target) as target:
        opened = await World.open(target, Settings(data_dir=tmp_path_factory.mktemp("sources"), demo=True))
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def small(stage: World) -> AsyncIterator[Small]:
    """A ward whose patient also was at a private hospital, which answers when it is asked; places, people and the source are of this test alone."""
    world = stage
    ward, clinic = await world.organisation("Afdeling"), await world.organisation("Privathospitalet")
    patient = await world.patient(ward, identifier=[{"system": CPR, "value": NUMBER}])
    doctor = await world.employee(ward)
    await world.contact(patient, ward)
    bell = Bell()
    wire, pool = Wire(), world.store.pool
    live = LiveSources(
        Sources(pool), LiveRows(pool), wire, AccessTokens(wire, lambda: _KEY, lambda: NOW), SECRET, lambda: NOW, bell
    )
    async with StandIn(NUMBER, [measured("a")]).running() as stand_in:
        found = Small(world, ward, clinic, patient, doctor, UUID(int=0), stand_in, live, bell)
        await found.register()
        yield found
    for source in await live.sources.all():
        await end_source(world.owner, source.id)
    for table in ("citizen_identifier", "professional_identifier"):  # others come with the same numbers
        await world.owner.execute(f"delete from registries.{table}")
