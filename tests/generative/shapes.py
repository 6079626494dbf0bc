"""Worlds that chance draws too seldom for a guard to be missed in them: a drawn world, bent to the one thing that the guard is about."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from helhed.foundation.ids import key_of
from helhed.trust.reference import Acting, Assistance, Basis, Block, Employment, Relation, Ticket, Validity
from tests.generative.worlds import NOW, Kept, World, kept_of


def under_two(world: World) -> World:
    """The last professional assists the first under two responsibilities that overlap: the older lets them write, the newer one nothing."""
    return _assisted(world, {9: frozenset({"Observation", "MedicationRequest", "Condition"}), 1: frozenset()})


def at_the_glass(world: World) -> World:
    """The last professional assists the first, and has tickets to the records of everybody; nobody is treated there."""
    world = _assisted(world, {1: frozenset()})
    helper = next(one for one in world.facts.employments if one.role == "assistant")
    tickets = tuple(
        Ticket(key_of(one), helper.professional, helper.organisation, Validity(NOW, NOW + timedelta(minutes=60)))
        for one in world.citizens
    )
    return replace(world, facts=replace(world.facts, tickets=tickets, relations=(), contacts=(), consents=()))


def beneath_a_blocked_unit(world: World) -> World:
    """Everybody is treated in a unit, by the first professional, and blocks the unit above it alone; a world of single units stays as it was."""
    placed = [(one, above) for one, above in world.facts.parents.items() if above is not None]
    if not placed:
        return world
    unit, above = placed[0]
    job = replace(world.facts.employments[0], organisation=unit, role="doctor", validity=Validity())
    keys = [key_of(one) for one in world.citizens]
    relations = tuple(Relation(one, unit, "A", None, Validity()) for one in keys)
    blocks = tuple(Block(one, above, None, Validity(), who_alone=True, id=id) for one, id in zip(keys, world.citizens, strict=True))  # fmt: skip
    jobs = (job, *world.facts.employments[1:])
    facts = replace(
        world.facts, employments=tuple(dict.fromkeys(jobs)), relations=relations, blocks=blocks, consents=()
    )
    return replace(world, facts=facts)


def of_two_ages(world: World) -> World:
    """Somebody who is registered twice has two dates of birth, and a parent: a grown-up by the first, a child by the other."""
    if len(world.citizens) < 3:
        return world
    parent, first, other = map(key_of, world.citizens[:3])
    births = {first: date(2000, 1, 1), other: date(2020, 1, 1)}
    kept = tuple(_alive(one, {parent: None, **births}) for one in world.kept)
    facts = replace(
        world.facts,
        births={**world.facts.births, **births},
        links=(frozenset((first, other)),),
        acting=(Acting(parent, other, Basis.CUSTODY),),
        dead=world.facts.dead - {parent, first, other},
        masks=(),
        rows={one.row.id: one.row for one in kept if one.row.id is not None},
    )
    return replace(world, kept=kept, facts=facts)


def _alive(one: Kept, births: dict[int, date | None]) -> Kept:
    """A citizen who lives, born on that day where one is given; every other row as it was."""
    if one.row.type_name != "Patient" or one.row.citizen not in births:
        return one
    born = births[one.row.citizen]
    alive = {name: value for name, value in one.resource.items() if name != "deceasedBoolean"}
    return kept_of(one.row, alive if born is None else {**alive, "birthDate": born.isoformat()})


def _assisted(world: World, responsibilities: dict[int, frozenset[str]]) -> World:
    """The first professional answers for the last, since so many days, for what may be written."""
    first = world.facts.employments[0]
    assistant, principal = key_of(world.professionals[-1]), first.professional
    jobs = (
        replace(first, validity=Validity()),
        Employment(assistant, first.organisation, "assistant"),
        *world.facts.employments[1:],
    )
    both = [
        Assistance(assistant, principal, first.role, first.organisation, writes, Validity(NOW - timedelta(days=days), NOW + timedelta(days=9)), days)
        for days, writes in responsibilities.items()
    ]  # fmt: skip
    return replace(world, facts=replace(world.facts, employments=tuple(dict.fromkeys(jobs)), assistances=tuple(both)))


#: by what the mutant sins
SHAPES: dict[str, Callable[[World], World]] = {
    "an older responsibility counts": under_two,
    "a ticket for an assistant": at_the_glass,
    "the last of several birthdays counts": of_two_ages,
    "a block without units beneath reaches them": beneath_a_blocked_unit,
}
