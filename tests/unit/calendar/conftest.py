"""Pages over one world, and a citizen with appointments at a hospital, a clinic and a municipality."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from helhed.foundation.database import Target, connect
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from tests.support.world import NOW, World
from tests.unit.acting.doors import Browser, Doors


@pytest.fixture(scope="module")
def stage(server_target: Target) -> Iterator[Target]:
    """A database for a module."""
    name = f"calendar_{uuid4().hex}"
    asyncio.run(_do(server_target, f'create database "{name}" template "{server_target.owner["database"]}"'))
    yield server_target.named(name)
    asyncio.run(_do(server_target, f'drop database "{name}" with (force)'))


async def _do(target: Target, statement: str) -> None:
    admin = await connect({**target.owner, "database": "postgres"})
    await admin.execute(statement)
    await admin.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def building(stage: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """All pages over one world."""
    world = await World.open(stage, Settings(data_dir=tmp_path_factory.mktemp("calendar"), demo=True))
    yield Doors(world)
    await world.close()


@dataclass
class Town:
    """Places, each its own custodian, and one citizen."""

    doors: Doors
    hospital: UUID
    ward: UUID
    clinic: UUID
    home_care: UUID
    patient: UUID
    versions: dict[UUID, int] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The store."""
        return self.doors.world

    def body(self, start: str, **more: Any) -> dict[str, Any]:
        """An appointment of the citizen."""
        patient = more.pop("patient", self.patient)
        others = more.pop("others", [])
        return {
            "resourceType": "Appointment",
            "status": "booked",
            "start": start,
            "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "needs-action"}, *others],
            **more,
        }

    async def book(self, place: UUID, start: str, **more: Any) -> UUID:
        """Stored by the system of ``place``."""
        return await self.world.put(self.world.system(place), self.body(start, **more))

    async def say(self, place: UUID, id: UUID, body: dict[str, Any], at: datetime = NOW) -> None:
        """Said anew by the system of ``place``."""
        ask = self.world.system(place)
        await self.world.change(ask, id, {**body, "id": str(id)})

    async def citizen(self) -> Browser:
        """The citizen's own browser, at the calendar."""
        browser = await self.doors.citizen(self.patient)
        return await browser.get("/borger/kalender")

    async def log(self, patient: UUID | None = None) -> list[Any]:
        """The citizen's log."""
        return await self.doors.log_of(patient or self.patient)


@pytest_asyncio.fixture(loop_scope="module")
async def town(building: Doors) -> Town:
    """New people and places."""
    building.now = NOW
    world = building.world
    hospital = await world.organisation("Sygehus Prøvefjord")
    ward, clinic, care = [
        await world.organisation(name, above)
        for name, above in (("Lungeambulatoriet", hospital), ("Lægerne Prøvegade", None), ("Hjemmeplejen", None))
    ]
    patient = await building.person(clinic, "Bodil Test Prøvesen", "1950-02-01")
    return Town(building, hospital, ward, clinic, care, patient)


__all__ = ["Town", "key_of"]
