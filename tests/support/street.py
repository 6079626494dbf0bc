"""A street of places that treat one citizen, with rows of each by several authors and years; and blocks of any shape on them."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.blocks.simulator import Reader, Simulator
from tests.support.world import World

TYPES = ("Patient", "Observation", "Encounter", "DiagnosticReport")


class Street:
    """A hospital with a ward, a clinic and a home nurse, and a citizen with rows from each, by several authors and years."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.blocks = Blocks(world.store.pool)
        self.simulator = Simulator(world.store.pool)

    async def built(self) -> "Street":
        world = self.world
        self.hospital = await world.organisation("Sygehus")
        self.ward = await world.organisation("Akut", self.hospital)
        self.clinic = await world.organisation("Lægehus")
        self.home = await world.organisation("Hjemmepleje")
        self.places = (self.hospital, self.ward, self.clinic, self.home)
        self.staff = {place: await world.employee(place) for place in self.places}
        self.patient = await world.patient(self.ward)
        await world.contact(self.patient, self.ward)
        await world.contact(self.patient, self.clinic)
        self.rows = [await self._row(place, year) for place in self.places for year in (2019, 2024)]
        report = {
            "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Blodprøver"},
            "subject": {"reference": f"Patient/{self.patient}"},
            "result": [{"reference": f"Observation/{row}"} for row in self.rows[:3]],
        }  # fmt: skip
        await world.put(world.system(self.clinic), report)
        return self

    async def _row(self, place: UUID, year: int) -> UUID:
        performer = [{"reference": f"Practitioner/{self.staff[place]}"}]
        return await self.world.observation(
            self.patient, place, effectiveDateTime=f"{year}-06-01T08:00:00Z", performer=performer
        )

    @property
    def citizen(self) -> Ask:
        return self.world.citizen(self.patient)

    def asks(self, place: UUID) -> Ask:
        return self.world.professional(self.staff[place], place)

    def reader(self, place: UUID, **more: bool) -> Reader:
        return Reader(key_of(place), "doctor", key_of(self.staff[place]), **more)

    async def gets(self, ask: Ask) -> set[UUID]:
        rows = await self.world.store.citizen_rows(ask, key_of(self.patient), TYPES, 1000)
        return {row.version.id for row in rows}

    async def told(self, reader: Reader, shape: Shape | None = None, **more: UUID) -> tuple[set[UUID], set[UUID]]:
        found = await self.simulator.tried(self.citizen, key_of(self.patient), reader, TYPES, shape=shape, **more)
        return {row for row, seen in found.items() if seen.today}, {row for row, seen in found.items() if seen.then}

    def any_shape(self, chance: random.Random) -> Shape:
        """Any shape at all, narrow and wide."""

        def perhaps(*values: Any) -> Any:
            return chance.choice(values) if chance.random() < 0.2 else None

        period = perhaps(
            (datetime(2018, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)),
            (None, datetime(2024, 6, 1, 8, tzinfo=UTC)),
        )
        return Shape(
            who_organisation=perhaps(*map(key_of, self.places)), who_professional=perhaps(*map(key_of, self.staff.values())),
            who_alone=chance.random() < 0.3, what_organisation=perhaps(*map(key_of, self.places)),
            what_alone=chance.random() < 0.3, what_author=perhaps(*map(key_of, self.staff.values())),
            what_from=period and period[0], what_to=period and period[1],
            what_document=perhaps(*self.rows),
        )  # fmt: skip


async def simulator_keeps_the_law(street: Street, seed: int, cases: int) -> int:
    """Raises AssertionError when the simulator says anything else than what readers then get; how many blocks hid something."""
    chance, hidden = random.Random(seed), 0
    for _ in range(cases):
        place, shape = chance.choice((street.ward, street.clinic)), street.any_shape(chance)
        before, after = await street.told(street.reader(place), shape)
        assert after <= before, "a block widened"
        assert await street.gets(street.asks(place)) == before
        block = await street.blocks.put(street.citizen, shape)
        assert await street.gets(street.asks(place)) == after, shape
        assert await street.told(street.reader(place), without=block) == (after, before)
        other = street.any_shape(chance)
        changed = await street.told(street.reader(place), other, without=block)
        again = await street.blocks.put(street.citizen, other, instead_of=block)
        assert (after, await street.gets(street.asks(place))) == changed
        await street.blocks.end(street.citizen, again)
        assert await street.gets(street.asks(place)) == before, "an end did not hold"
        hidden += before != after
    return hidden


async def simulator_tells_of_nobody_else(street: Street, seed: int, cases: int) -> int:
    """Raises AssertionError when a citizen learns by trying whether somebody else, whom a row of theirs concerns, blocks; how many hid it."""
    chance, hidden = random.Random(seed), 0
    other = await street.world.patient(street.clinic)
    focus = [{"reference": f"Patient/{other}"}]
    shared = await street.world.observation(street.patient, street.ward, focus=focus)
    for _ in range(cases):
        place, shape = chance.choice((street.ward, street.clinic)), street.any_shape(chance)
        known = await street.told(street.reader(place), shape)
        assert shared in known[0]
        theirs = Shape(who_organisation=chance.choice((None, key_of(place))))
        block = await street.blocks.put(street.world.citizen(other), theirs)
        assert await street.told(street.reader(place), shape) == known, "the others' block shows"
        hidden += shared not in await street.gets(street.asks(place))
        await street.blocks.end(street.world.citizen(other), block)
    return hidden
