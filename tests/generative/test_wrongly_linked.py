"""Whoever had data of one of two citizens under a wrong link is told of, by what they were really answered; whoever had none is not."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ask import Ask
from helhed.registries.linking import Linking
from helhed.registries.wrongly_linked import acted_while_linked
from tests.support.world import NOW, World, at

STEPS = 60


class Story:
    """Two brothers, three wards with a doctor each, and what every doctor was answered while the brothers were said to be one."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.at = world, Random(seed), NOW
        self.linked = False
        #: by doctor: the brothers whose rows they were given, and whose they wrote, under the last link
        self.looked: dict[int, set[UUID]] = defaultdict(set)
        self.wrote: dict[int, set[UUID]] = defaultdict(set)

    async def open(self) -> "Story":
        """Everybody is registered, and each brother known at one ward and at a common one."""
        wards = [await self.world.organisation(name) for name in ("Nord", "Syd", "Fælles")]
        self.brothers = [await self.world.patient(wards[0], "Vind"), await self.world.patient(wards[1], "Vind")]
        for brother, known_at in zip(self.brothers, ((wards[0], wards[2]), (wards[1], wards[2])), strict=True):
            for ward in known_at:
                await self.world.contact(brother, ward)
                await self.world.observation(brother, ward)
        self.doctors: Sequence[Ask] = [self.world.professional(await self.world.employee(ward), ward) for ward in wards]
        self.wards = wards
        national = await self.world.organisation("Registret")
        await self.world.owner.execute("insert into registries.keeper select key from registries.organisation where id = $1", national)  # fmt: skip
        self.keeper = self.world.system(national)
        self.linking = Linking(self.world.store.pool)
        return self

    async def step(self) -> None:
        """One thing happens."""
        self.at += timedelta(minutes=1)
        await self.random.choice((self.look, self.look, self.write, self.turn, self.turn))()

    async def look(self) -> None:
        """A doctor looks for what there is about one of them; whose rows come is what counts."""
        doctor, named = self.random.choice(self.doctors), self.random.choice(self.brothers)
        page = await self.world.search(at(doctor, self.at), f"Observation?patient=Patient/{named}")
        if self.linked:
            subjects = {orjson.loads(row.body)["subject"]["reference"] for row in page.matches}
            self.looked[doctor.actor] |= {one for one in self.brothers if f"Patient/{one}" in subjects}

    async def write(self) -> None:
        """The system of a ward writes about one of them."""
        index, about = self.random.randrange(2), self.random.choice(self.brothers)
        ward = self.world.system(self.wards[index])
        status = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{about}"}}  # fmt: skip
        await self.world.put(at(ward, self.at), status)
        if self.linked:
            self.wrote[ward.actor].add(about)

    async def turn(self) -> None:
        """They are said to be one; or they are parted, and told apart again."""
        ask, (first, second) = at(self.keeper, self.at), self.brothers
        if self.linked:
            await self.linking.unlink(ask, first, second, "two brothers")
        else:
            self.looked.clear()
            self.wrote.clear()
            await self.linking.link(ask, first, second, "same name")
        self.linked = not self.linked

    async def told(self) -> None:
        """The report names whoever was given or wrote something under the last link, of whom, and nobody else."""
        found = await acted_while_linked(
            self.world.store.pool, at(self.keeper, self.at + timedelta(hours=1)), self.brothers[0], self.brothers[1]
        )
        looked: dict[UUID | None, set[UUID]] = defaultdict(set)
        wrote: dict[UUID | None, set[UUID]] = defaultdict(set)
        first, second = self.brothers
        for one in found.acted:
            who = one.actor or one.organisation
            looked[who] |= {b for b, n in ((first, one.looks_at_replaced), (second, one.looks_at_kept)) if n}
            wrote[who] |= {b for b, n in ((first, one.writes_on_replaced), (second, one.writes_on_kept)) if n}
            assert one.saw_both == (len(looked[who] | wrote[who]) == 2)
        assert {k: v for k, v in looked.items() if v} == await self.named(self.looked)
        assert {k: v for k, v in wrote.items() if v} == await self.named(self.wrote)

    async def named(self, by_key: dict[int, set[UUID]]) -> dict[UUID | None, set[UUID]]:
        """By the id of the doctor or of the ward."""
        rows = await self.world.owner.fetch(
            "select key, id from registries.professional union all select key, id from registries.organisation"
        )
        ids = {row["key"]: row["id"] for row in rows}
        return {ids[key]: who for key, who in by_key.items() if who}


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
async def test_who_had_data_under_a_wrong_link_is_told_of_and_nobody_else(world: World, seed: int) -> None:
    story = await Story(world, seed).open()
    turns = 0
    for _ in range(STEPS):
        before = story.linked
        await story.step()
        if before and not story.linked:
            turns += 1
            await story.told()
    assert turns > 1
