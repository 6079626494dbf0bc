"""Who is told of a stay, who is handed a copy, and who may answer one: facts in any order, beside the second form."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from helhed.exchange.messages.delivering import Deliveries
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.stays import notifying
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR, SOR
from helhed.trust.reference.messages import Closed, Country, Has
from tests.generative.mutants import MESSAGES, Mutant, mutate
from tests.support.world import NOW, World
from tests.unit.exchange.letters import letter

STEPS = 60
#: tried in every run; the others in long ones
ALWAYS = {"blocks hold nothing for notices", "copies for anybody", "anybody answers for a receiver"}
DAY = timedelta(days=1)
TIMES = (NOW - 2 * DAY, NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY)
_RECEIVERS = (
    "select key, holds from exchange.receivers_of_stay($1, $2, $3, $4::bigint[], $5, $6::text[], $7::smallint[])"
)
_RELATION = "insert into trust.relation (source, citizen, organisation, professional, class, valid_from, valid_to) values ($1, $2, $3, $4, $5, $6, $7)"
_BLOCK = """insert into trust.block (id, citizen, who_organisation, what_organisation, what_document, valid_from, valid_to, set_by, set_at)
  values ($1, $2, $3, $4, $5, $6, $7, $2, now())"""


@dataclass
class Ward:
    """A hospital with a ward, two municipalities with units, a clinic, two citizens with a stay each; and the second form of it all."""

    world: World
    random: Random
    ids: dict[str, UUID]
    country: Country
    citizens: dict[str, UUID]
    stays: dict[str, UUID]
    has: list[Has] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)

    @classmethod
    async def open(cls, world: World, seed: int) -> "Ward":
        above: dict[str, list[str]] = {}
        ids: dict[str, UUID] = {}
        layout = (("hospital", "", ""), ("ward", "hospital", ""), ("north", "", "Kommune"), ("nurses", "north", ""), ("home", "north", ""),
                  ("south", "", "Kommune"), ("care", "south", ""), ("clinic", "", "almen praksis"))  # fmt: skip
        for number, (name, parent, kind) in enumerate(layout):
            ids[name] = await world.organisation(name, ids.get(parent))
            above[name] = [name, *above.get(parent, ())]
            place: dict[str, Any] = {"resourceType": "Organization", "id": str(ids[name]), "name": name, "type": [{"text": kind or "afdeling"}],
                                     "identifier": [{"system": SOR, "value": f"10000160000{number:02}"}]}  # fmt: skip
            if parent:
                place["partOf"] = {"reference": f"Organization/{ids[parent]}"}
            await world.change(world.system(ids[parent or name]), ids[name], place)
        await world.owner.execute(
            "update registries.unit_fact set valid_from = '2020-01-01' where known_to = 'infinity'"
        )
        citizens, stays = {}, {}
        for name, cpr in (("ane", "0101709995"), ("bo", "0202029996")):
            citizens[name] = await world.patient(ids["hospital"], identifier=[{"system": CPR, "value": cpr}])
            stays[name] = await world.contact(citizens[name], ids["ward"], status="finished")
        for own in ids.values():
            await Modes(world.store).set(world.system(own), key_of(own), Mode.of("", "both", "queue", None))
        found = cls(world, Random(seed), ids, Country(above, frozenset({"north", "south"})), citizens, stays)
        await world.owner.execute("delete from trust.relation")
        return found

    async def step(self) -> bool:
        """One thing happens; whether the database and the second form agree about everything that follows."""
        what = self.random.choice(
            (self.relate, self.relate, self.close, self.forget, self.ask_who, self.ask_who, self.ask_who, self.send)
        )
        try:
            return await what()
        except AssertionError:
            return False

    def period(self) -> tuple[datetime, datetime]:
        begins, ends = sorted(self.random.sample(TIMES, 2))
        return begins, ends

    async def relate(self) -> bool:
        begins, ends = self.period()
        one = Has(self.random.choice(("ane", "bo")), self.random.choice(list(self.ids)), self.random.random() < 0.2, self.random.choice((2, 3, 3, 4)), begins, ends)  # fmt: skip
        if one.strength == 4 and not one.of_one_person:  # class D is one person's
            return True
        self.has.append(one)
        await self.world.owner.execute(
            _RELATION, uuid4(), key_of(self.citizens[one.citizen]), key_of(self.ids[one.place]), 7 if one.of_one_person else None,
            one.strength, one.begins, one.ends,
        )  # fmt: skip
        return True

    async def close(self) -> bool:
        begins, ends = self.period()
        who = self.random.choice((None, "north", "south", "nurses", "home", "care", "clinic"))
        what = self.random.choice((None, "hospital", "ward"))
        citizen = self.random.choice(("ane", "bo"))
        row = self.random.choice((None, None, citizen))
        one = Closed(citizen, who, None if row else what, begins, ends, row and str(self.stays[row]))
        self.closed.append(one)
        await self.world.owner.execute(
            _BLOCK, uuid4(), key_of(self.citizens[citizen]), who and key_of(self.ids[who]), one.what and key_of(self.ids[one.what]),
            row and self.stays[row], begins, ends,
        )  # fmt: skip
        return True

    async def forget(self) -> bool:
        """A new day: else everything is blocked after a while."""
        if self.random.random() < 0.5:
            self.has, self.closed = [], []
            await self.world.owner.execute("delete from trust.relation; delete from trust.block")
        return True

    async def ask_who(self) -> bool:
        citizen = self.random.choice(("ane", "bo"))
        before = self.random.sample(
            [one for one in self.ids if one not in {"hospital", "ward"}], self.random.choice((0, 0, 1, 2))
        )
        wanted = notifying()
        rows = await self.world.owner.fetch(
            _RECEIVERS, self.stays[citizen], key_of(self.citizens[citizen]), key_of(self.ids["hospital"]), [key_of(self.ids[one]) for one in before],
            NOW, list(wanted.receivers), list(wanted.relations),
        )  # fmt: skip
        names = {key_of(own): name for name, own in self.ids.items()}
        told = self.country.told(stay=str(self.stays[citizen]), citizen=citizen, hospital="hospital", has=self.has, closed=self.closed, before=before, at=NOW)  # fmt: skip
        found = {names[row["key"]]: row["holds"] for row in rows}
        return self.by_town(found, before) == self.by_town(told, before)

    def by_town(self, found: dict[str, bool], before: list[str]) -> set[tuple[str, bool]]:
        """Among equals of one municipality any may be told: which one is the database's."""
        return {(one if one in before else self.country.places[one][-1], holds) for one, holds in found.items()}

    async def send(self) -> bool:
        """A message, whose copy somebody fetches, and somebody answers."""
        citizen, receiver = self.random.choice(("ane", "bo")), self.random.choice(("nurses", "care", "clinic"))
        number = {"ane": "0101709995", "bo": "0202029996"}[citizen]
        sors = {name: f"10000160000{place:02}" for place, name in enumerate(self.ids)}
        message = letter(sender=sors["hospital"], receiver=sors[receiver], number=number)
        header = message["entry"][0]["resource"]["id"]
        shut = self.country.shut("", citizen, "hospital", receiver, self.closed, NOW)
        taken = await Intake(self.world.store).take(self.world.system(self.ids["hospital"]), orjson.dumps(message))
        assert (taken.code == "ok") == (not shut)
        if shut:
            return True
        if late := self.random.random() < 0.4:
            one = Closed(citizen, receiver, None, NOW - DAY, NOW + DAY)
            self.closed.append(one)
            await self.world.owner.execute(_BLOCK, uuid4(), key_of(self.citizens[citizen]), key_of(self.ids[receiver]), None, None, one.begins, one.ends)  # fmt: skip
        asker = self.random.choice(list(self.ids))
        deliveries, ask = Deliveries(self.world.store), self.world.system(self.ids[asker])
        handed = header in {one.header for one in await deliveries.hand_over(ask)}
        assert handed == self.country.handed(asker=asker, receiver=receiver, shut=late)
        other = self.random.choice(list(self.ids))
        try:
            await deliveries.answered(self.world.system(self.ids[other]), header, "", "ok", "")
            answered = True
        except Unknown:
            answered = False
        assert answered == (other in self.country.places[receiver])
        return True


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 10))])
async def test_who_is_told_and_who_is_handed_what_is_who_the_second_form_says(world: World, seed: int) -> None:
    ward = await Ward.open(world, seed)
    assert all([await ward.step() for _ in range(STEPS)])


def _tried(mutant: Mutant) -> Any:
    return pytest.param(mutant, id=mutant.sin, marks=() if mutant.sin in ALWAYS else (pytest.mark.long,))


@pytest.mark.parametrize("mutant", [_tried(one) for one in MESSAGES])
async def test_a_guard_of_messages_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    ward = await Ward.open(world, 1)
    await mutate(world.owner, mutant)
    for _ in range(20 * STEPS):
        try:
            if not await ward.step():
                return
        except (HelhedError, asyncpg.PostgresError):
            return
    pytest.fail("nobody missed it")
