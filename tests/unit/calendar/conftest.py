"""Pages over one world, and a citizen with appointments at a hospital, a clinic and a municipality."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest_asyncio

from helhed.foundation.ids import key_of
from tests.support.world import NOW, World
from tests.unit.acting.building import building
from tests.unit.acting.doors import Browser, Doors


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


__all__ = ["Town", "building", "key_of"]
