"""Who is a second person at the counter: every colleague, document, moment and end of an act, beside the second form of the rule."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.trust.acting.policy import acting_policy
from helhed.trust.acting.rights import ActingForOthers
from helhed.trust.reference.counter import Person, Registered, may_confirm
from helhed.trust.roles import put_roles
from tests.generative.mutants import COUNTER, Mutant, mutate
from tests.support.world import NOW, World, at

CPR, PASSPORT, LICENCE = "urn:oid:1.2.208.176.1.2", "urn:test:passport", "urn:oid:1.2.208.176.1.3"
LAPSES = NOW + timedelta(days=1)
CITIZENS = {
    "giver": "0101500001",
    "receiver": "0101500002",
    "parent": "0101500003",
    "child": "0101500004",
    "clerk": "0101500005",
    "nobody": "0101500006",
}
_CONFIRM = "select trust.confirm_counter_act($1::fhir.ask, $2, $3, 15, 18, $4)"
_PUT = """insert into trust.counter_act
  (id, help, citizen, act, receiver, scopes, types, until, clerk, clerk_role, organisation, asked_at, lapses_at, outcome)
  values ($1, $2, $3, 'mandate', $4, '{results}', '{1}', $5, $6, 'citizen-service', $7, $8, $9, $10)"""


@dataclass
class Scene:
    """A counter, its staff by what they are to the case, and the help in which the mandate was registered."""

    world: World
    help: UUID
    place: UUID
    keys: dict[str, int]
    clerk: tuple[Ask, Person]
    staff: list[tuple[Ask, Person]]


async def a_scene(world: World) -> Scene:
    await put_roles(world.owner)
    place, elsewhere = await world.organisation("Borgerservice"), await world.organisation("Andetsteds")
    people = {}
    for name, number in CITIZENS.items():
        numbers = [{"system": CPR, "value": number}, {"system": PASSPORT, "value": number}]
        people[name] = await world.patient(place, name, birthDate="1950-01-01", identifier=numbers)
    keys = {name: key_of(one) for name, one in people.items()}

    async def employed(
        number: str,
        at_place: UUID,
        role: str = "citizen-service",
        system: str = CPR,
        licence: str = "",
        **more: frozenset[str],
    ) -> tuple[Ask, Person]:
        known = [{"system": system, "value": number}, *([{"system": LICENCE, "value": licence}] if licence else [])]
        ask = world.professional(await world.employee(at_place, role, {"identifier": known}), at_place, role)
        return ask, Person(frozenset({number, licence} - {""}), str(at_place), role == "citizen-service", **more)

    clerk = await employed(CITIZENS["clerk"], place, licence="AUT01")
    receiver, giver = frozenset({CITIZENS["receiver"]}), frozenset({CITIZENS["giver"]})
    staff = [
        clerk,
        await employed(
            CITIZENS["clerk"], place, system=PASSPORT
        ),  # the same citizen, registered again by another number
        await employed("somewhere else", place, system="urn:other", licence="AUT01"),  # the same licence
        await employed(CITIZENS["nobody"], place),
        await employed(CITIZENS["nobody"], elsewhere),
        await employed(CITIZENS["nobody"], place, "doctor"),
        await employed(CITIZENS["giver"], place),
        await employed(CITIZENS["receiver"], place),
        await employed(CITIZENS["parent"], place, acts_for=giver),
        await employed(CITIZENS["child"], place, acted_for_by=receiver),
    ]
    keeper = await world.organisation("CPR")
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(keeper))
    acting, registers = ActingForOthers(world.store.pool), world.system(keeper)
    ends = NOW + timedelta(days=900)
    await acting.let_act(registers, keys["giver"], keys["parent"], "guardian", NOW, ends)
    await acting.let_act(registers, keys["child"], keys["receiver"], "guardian", NOW, ends)
    help_id = uuid4()
    await world.owner.execute(
        "insert into trust.help (id, citizen, helper, organisation, identified_by, begun_at, ends_at) values ($1, $2, $3, $4, 'pas', $5, $5)",
        help_id, keys["giver"], clerk[0].actor, key_of(place), NOW,
    )  # fmt: skip
    return Scene(world, help_id, place, keys, clerk, staff)


async def holds(scene: Scene, ask: Ask, shown: str, outcome: str | None) -> bool:
    """Whether the mandate holds after this attempt, of which nothing stays."""
    owner, act = scene.world.owner, uuid4()
    turn = owner.transaction()
    await turn.start()
    try:
        await owner.execute(
            _PUT, act, scene.help, scene.keys["giver"], scene.keys["receiver"], NOW + timedelta(days=90), scene.clerk[0].actor,
            key_of(scene.place), NOW, LAPSES, outcome,
        )  # fmt: skip
        said = await owner.fetchval(_CONFIRM, ask_row(ask), act, shown, uuid4())
        many: int = await owner.fetchval("select count(*) from trust.acting a where a.id = $1", act)
        stands = many > 0
        assert stands == (said == "done")
        return stands
    finally:
        await turn.rollback()


async def seconds_keep_the_law(scene: Scene) -> None:
    documents = {act: frozenset(those) for act, those in acting_policy().counter_documents.items()}
    moments: tuple[datetime, ...] = (NOW, LAPSES - timedelta(microseconds=1), LAPSES)
    concerns = frozenset({CITIZENS["giver"], CITIZENS["receiver"]})
    free = Registered("mandate", scene.clerk[1], concerns, LAPSES, settled=False)
    held = 0
    for (ask, person), shown, moment, outcome in product(
        scene.staff, ("pas", "kendt", ""), moments, (None, "withdrawn")
    ):
        expected = may_confirm(person, replace(free, settled=outcome is not None), shown, moment, documents)
        found = await holds(scene, at(ask, moment), shown, outcome)
        assert found is expected, (person, shown, moment, outcome)
        held += found
    assert held


async def test_the_second_person_is_whom_the_rule_says(world: World) -> None:
    await seconds_keep_the_law(await a_scene(world))


def _tried(mutants: list[Mutant]) -> list[Any]:
    return [
        pytest.param(one, id=one.sin, marks=() if place < 2 else (pytest.mark.long,))
        for place, one in enumerate(mutants)
    ]


@pytest.mark.parametrize("mutant", _tried(COUNTER))
async def test_a_guard_of_the_counter_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    scene = await a_scene(world)
    await mutate(world.owner, mutant)
    with pytest.raises(AssertionError):
        await seconds_keep_the_law(scene)
