"""Protection, a new number and death hold at every door (initiative 5.4): every page and every interaction is walked, as everybody.

What no door may tell is marked and searched for in every answer, with its headers, and in the logs and metrics; what some door has
to tell, so that nobody walks past closed doors and calls it safe, is marked as well. Routes are the application's own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from helhed.foundation.ask import ActorKind
from helhed.foundation.ids import key_of
from helhed.foundation.metrics import exposition
from helhed.registries.identifiers import REPLACEMENT_CPR
from tests.faults.errands import Errand, at_the_fhir_door, at_the_pages, found_in, kind_of, without_a_place
from tests.faults.parish import LABEL, STREET, Parish, Visitor, address, old_number, own_number, replacement
from tests.support.door import Door
from tests.support.world import World

pytestmark = pytest.mark.asyncio
OWN, HERS, TWIN = "Kildevældsprøven", "Mosekoneprøven", "Ellefolksprøven"


def asking(one: Errand, **told: Any) -> Errand:
    """The same errand, as somebody else asks it."""
    return replace(one, number=told.get("number", ""), handle=told.get("handle", one.handle))


async def protected(parish: Parish) -> list[Visitor]:
    """A child whose name and address CPR protects since yesterday; the address was here before, in every place that has one."""
    world, system, numbers = parish.world, parish.world.system(parish.ward), [own_number("0101189111")]
    child = await parish.citizen(
        "Skjult", numbers, mark=OWN, birthDate="2018-01-01", address=[address()], contact=[{"address": address()}]
    )
    mother = await world.patient(
        parish.elsewhere, "Moder", identifier=[own_number("0101809111")], birthDate="1980-01-01"
    )
    of_child = {"reference": f"Patient/{child.about}"}
    child.rows["RelatedPerson"] = await world.put(
        system, {"resourceType": "RelatedPerson", "patient": of_child, "name": [{"text": "Bo"}], "address": [address()]}
    )
    child.rows["Person"] = await world.put(
        system, {"resourceType": "Person", "link": [{"target": of_child}], "address": [address()]}
    )
    await parish.acts(mother, child.about, "custody", shares_home=True)
    father = await world.patient(
        parish.elsewhere, "Fader", identifier=[own_number("0101809113")], birthDate="1980-01-01"
    )
    await parish.acts(father, child.about, "custody")
    await parish.with_papers(child)
    await parish.says(child, "Skjult", numbers, birthDate="2018-01-01", address=[address()], meta=LABEL)
    child.handle = await parish.handle(child, child.number)
    return [
        Visitor("the doctor", parish.doctor, child, (STREET,), sees=OWN),
        Visitor("the ward's system", system, child, (STREET,)),
        Visitor("the child", world.citizen(child.about), child, (STREET,), sees=OWN),
        Visitor("the mother", world.citizen(mother), child, (STREET,), sees=OWN, behalf=True),
        Visitor("the father, with whom the child does not live", world.citizen(father), child, (STREET, OWN, "Skjult"), behalf=True),
        Visitor("a neighbour", world.citizen(parish.neighbour), child, (STREET, OWN)),
        Visitor("a doctor elsewhere", parish.stranger, child, (STREET, OWN)),
        Visitor("the counter", parish.clerk, child, (STREET, OWN)),
        Visitor("the log keeper", parish.log_keeper, child, (STREET, OWN)),
    ]  # fmt: skip


async def renumbered(parish: Parish) -> list[Visitor]:
    """Somebody who had a replacement number, then a CPR number, and now another; a clinic that they blocked under the first."""
    world, second, now = parish.world, "0101809221", "0101809231"
    her = await parish.citizen("Omdøbt", [own_number(second), old_number("0101801MX4", REPLACEMENT_CPR)], mark=OWN)
    clinic = await world.organisation("Klinikken")
    blocked = world.professional(await world.employee(clinic), clinic)
    await world.contact(her.about, clinic)
    await world.block(her.about, who=clinic)
    await parish.with_papers(her)
    await parish.says(her, "Omdøbt", [old_number("0101801MX4", REPLACEMENT_CPR), old_number(second), own_number(now)])
    her.handle = await parish.handle(her, now)
    return [
        Visitor("the doctor", parish.doctor, asking(her, number=now), (), sees=OWN),
        Visitor("the doctor, by the old number", parish.doctor, asking(her, number=second, handle=await parish.handle(her, second)), (), sees=OWN),
        Visitor("a doctor who is blocked", blocked, asking(her, number=now), (OWN, second)),
        Visitor("a doctor who is blocked, by the old number", blocked, asking(her, number=second), (OWN,)),
        Visitor("a doctor elsewhere", parish.stranger, asking(her, number=now), (OWN, second)),
        Visitor("a neighbour", world.citizen(parish.neighbour), asking(her), (OWN, second, now)),
        Visitor("another system", world.system(parish.elsewhere), asking(her), (OWN, second, now)),
    ]  # fmt: skip


async def merged(parish: Parish) -> list[Visitor]:
    """Somebody who was registered twice, and blocked a clinic under the number that was replaced."""
    world = parish.world
    arrived = await parish.citizen("Ukendt", [replacement("0101801AB2")], mark=OWN)
    known = await parish.citizen("Kendt", [own_number("0101809241")], mark=HERS)
    clinic = await world.organisation("Klinikken")
    blocked = world.professional(await world.employee(clinic), clinic)
    await world.contact(known.about, clinic)
    await world.block(arrived.about, who=clinic)
    await parish.link(arrived.about, known.about)
    found = Visitor("the doctor", parish.doctor, arrived, (), sees=HERS)
    found.errand.handle = await parish.handle(arrived, "0101801AB2")
    known.handle = await parish.handle(known, known.number)
    return [
        found,
        Visitor("the doctor, by the other number", parish.doctor, known, (), sees=OWN),
        Visitor("the citizen", world.citizen(known.about), known, (), sees=OWN),
        Visitor("a doctor who is blocked", blocked, known, (OWN, HERS)),
        Visitor("a doctor who is blocked, by the other", blocked, arrived, (OWN, HERS)),
        Visitor("a neighbour", world.citizen(parish.neighbour), asking(known), (OWN, HERS, known.number)),
    ]


async def parted(parish: Parish) -> list[Visitor]:
    """Two who were taken for one, and are not."""
    world = parish.world
    one = await parish.citizen("Søster", [own_number("0101809251")], mark=OWN)
    twin = await parish.citizen("Tvilling", [own_number("0101809261")], mark=TWIN)
    clinic = await world.organisation("Klinikken")
    theirs = world.professional(await world.employee(clinic), clinic)
    await world.contact(one.about, clinic)
    await parish.link(twin.about, one.about)
    await parish.with_papers(one)
    await parish.unlink(twin.about, one.about)
    return [
        Visitor("one of them", world.citizen(one.about), one, (TWIN, twin.number), sees=OWN),
        Visitor("one of them, about the other", world.citizen(one.about), asking(twin), (TWIN, twin.number)),
        Visitor("the other", world.citizen(twin.about), twin, (OWN, one.number), sees=TWIN),
        Visitor("the other, about the first", world.citizen(twin.about), asking(one), (OWN, one.number)),
        Visitor("a doctor who treats the one", theirs, one, (TWIN,)),
        Visitor("a doctor who treats the one, about the other", theirs, twin, (TWIN,)),
    ]


async def dead(parish: Parish) -> list[Visitor]:
    """Somebody who has died, with a calendar link, a letter and a question; and a friend who acted for them."""
    world, numbers = parish.world, [own_number("0101409111")]
    late = await parish.citizen("Salig", numbers, mark=OWN)
    friend = await world.patient(parish.elsewhere, "Ven", identifier=[own_number("0101709112")], birthDate="1970-01-01")
    other = await parish.citizen("Efterladt", [own_number("0101709113")], mark=HERS)
    await parish.acts(friend, late.about, "mandate")
    await parish.acts(late.about, other.about, "mandate")
    await parish.with_papers(late)
    await parish.says(late, "Salig", numbers, deceasedDateTime="2026-11-22")
    late.handle = await parish.handle(late, late.number)
    return [
        Visitor("the doctor", parish.doctor, late, (), sees=OWN),
        Visitor("whoever has the session of the dead", world.citizen(late.about), late, (OWN, HERS)),
        Visitor("the dead, for whom they acted for", world.citizen(late.about), other, (OWN, HERS), behalf=True),
        Visitor("the friend", world.citizen(friend), late, (OWN,), behalf=True),
        Visitor("a doctor elsewhere", parish.stranger, late, (OWN,)),
    ]  # fmt: skip


Situation = Callable[[Parish], Awaitable[list[Visitor]]]
SITUATIONS: list[Situation] = [protected, renumbered, merged, parted, dead]


async def told(parish: Parish, visitor: Visitor) -> dict[str, str]:
    """What each door tells somebody."""
    answers: dict[str, str] = {}
    if visitor.ask.kind != ActorKind.CITIZEN or visitor.ask.actor != key_of(visitor.errand.about):
        visitor.errand = replace(visitor.errand, told=visitor.errand.told | {"feed": "-"})  # a secret is whose it is
    door = Door(parish.world, visitor.ask)
    async for name, text in at_the_fhir_door(door, visitor.errand):
        answers[name] = text
    if kind_of(visitor.ask) == "pages":
        browser = await parish.pages.person(visitor.ask)
        if visitor.behalf:
            await browser.get("/borger")
            await browser.post("/borger/hvem", hvem=str(visitor.errand.about))
        async for name, text in at_the_pages(
            parish.pages, browser, visitor.errand, staff=visitor.ask.kind == ActorKind.PROFESSIONAL
        ):
            answers[f"page {name}"] = text
    return answers


async def walked(parish: Parish, visitors: list[Visitor]) -> list[str]:
    """What doors told that they may not, and what none of them told that one has to."""
    wrong: list[str] = []
    for visitor in visitors:
        answers = await told(parish, visitor)
        assert len(answers) > 90, "every door"
        for marker in visitor.never:
            wrong += [
                f"{visitor.name} is told {marker} by {door}" for door, said in answers.items() if found_in(said, marker)
            ]
        if visitor.sees and not any(found_in(said, visitor.sees) for said in answers.values()):
            wrong.append(f"{visitor.name} finds nothing of {visitor.sees}")
    return wrong


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
async def test_no_door_tells_what_it_may_not(
    world: World, capsys: pytest.CaptureFixture[str], situation: Situation
) -> None:
    parish = await Parish.settled(world)
    visitors = await situation(parish)
    capsys.readouterr()
    wrong = await walked(parish, visitors)
    written = "".join(capsys.readouterr())
    assert "refused" in written, "the log is read"
    markers = {OWN, HERS, TWIN, STREET, *(visitor.errand.number for visitor in visitors)} - {""}
    wrong += [f"the log has {marker}" for marker in markers if found_in(written, marker)]
    wrong += [f"a metric has {marker}" for marker in markers if found_in(exposition().decode(), marker)]
    assert wrong == [], "\n".join(wrong)


GUARDS: dict[str, tuple[Situation, str, str]] = {
    "an address is taken out": (protected, "the doctor", "create or replace function fhir.conceal_addresses(citizen_key bigint, types smallint[], address_parameters smallint[]) returns bigint language sql as 'select 0'"),
    "the dead ask for nothing": (dead, "whoever has the session of the dead", "create or replace function trust.has_died(keys bigint[]) returns boolean language sql stable as 'select false'"),
    "a block holds under every key": (merged, "a doctor who is blocked", "update trust.block set valid_to = valid_from"),
}  # fmt: skip


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS)
async def test_the_walk_finds_out_when_a_guard_is_gone(world: World, guard: tuple[Situation, str, str]) -> None:
    situation, who, without = guard
    parish = await Parish.settled(world)
    before = "create or replace" in without
    if before:
        await world.owner.execute(without)
    visitors = await situation(parish)
    if not before:
        await world.owner.execute(without)
    (visitor,) = (one for one in visitors if one.name == who)
    assert any("is told" in one for one in await walked(parish, [visitor]))


async def test_every_route_is_walked_with_something_in_its_address(world: World) -> None:
    parish = await Parish.settled(world)
    assert not without_a_place(parish.pages), (
        "Say in tests/faults/errands.py, PLACES, what stands there about a citizen."
    )
