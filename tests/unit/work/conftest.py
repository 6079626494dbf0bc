"""A ward that asks, a clinic and a team that are asked, and a citizen whom it is about."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.work.tasks import task
from tests.support.world import NOW, World
from tests.unit.store.scene import Scene


class Desk:
    """The scene, with Tasks that go between its units."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.world = scene, scene.world

    @property
    def places(self) -> dict[str, UUID]:
        """The units by name."""
        return {"ward": self.scene.ward, "clinic": self.scene.clinic, "elsewhere": self.scene.elsewhere}

    def body(self, by: UUID | None = None, to: UUID | None = None, **more: Any) -> dict[str, Any]:
        """A Task of the ward to the clinic, unless it says otherwise."""
        about = {
            "kind": "follow-up-after-discharge",
            "patient": f"Patient/{self.scene.patient}",
            "authored": NOW,
            **more,
        }
        by, to = by or self.scene.ward, to or self.scene.clinic
        return task(requester=f"Organization/{by}", owner=f"Organization/{to}", **about)

    async def ask_for(self, ask: Ask | None = None, **more: Any) -> UUID:
        """Put it."""
        return await self.world.put(ask or self.scene.doctor, self.body(**more))

    async def stored(self, task: UUID) -> dict[str, Any]:
        """The Task as it stands, whoever may see it."""
        body = await self.world.owner.fetchval("select body from fhir.resource where id = $1", task)
        return dict(orjson.loads(body))

    async def version(self, task: UUID) -> int:
        """Its version."""
        return int(await self.world.owner.fetchval("select version from fhir.resource where id = $1", task))

    async def move(self, ask: Ask, task: UUID, **changes: Any) -> None:
        """Write the Task with these elements in place of its own (None: without)."""
        body = {name: value for name, value in {**await self.stored(task), **changes}.items() if value is not None}
        body.pop("meta", None)
        await self.world.change(ask, task, body, await self.version(task))

    async def piece(self, task: UUID) -> dict[str, Any]:
        """The row beside it, with its units by name."""
        row = dict(await self.world.owner.fetchrow("select * from work.piece where task = $1", task) or {})
        names = {key_of(place): name for name, place in self.places.items()} | {key_of(self.scene.hospital): "hospital"}
        told = ("holder", "asked", "owner", "requester", "escalated_to")
        return row | {name: names.get(row[name], row[name]) for name in told if row}

    async def done(self, task: UUID) -> list[str]:
        """What was done with it, in order."""
        rows = await self.world.owner.fetch("select what from work.move where task = $1 order by id", task)
        return [row["what"] for row in rows]

    @staticmethod
    def later(ask: Ask, **time: float) -> Ask:
        """The same, later."""
        from dataclasses import replace

        return replace(ask, at=ask.at + timedelta(**time))


def ref(place: UUID) -> dict[str, str]:
    """A reference to a unit."""
    return {"reference": f"Organization/{place}"}


@pytest.fixture
async def desk(world: World) -> Desk:
    """Everybody in place; the stranger's place treats the citizen too, for now."""
    scene = await Scene(world).set()
    await world.contact(scene.patient, scene.elsewhere)
    return Desk(scene)
