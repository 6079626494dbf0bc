"""Worlds that chance draws too seldom for a guard to be missed in them: a drawn world, bent to the one thing that the guard is about."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from helhed.foundation.ids import key_of
from helhed.trust.reference import Acting, Assistance, Basis, Block, Employment, Facts, Relation, Ticket, Validity
from tests.generative.worlds import NOW, Kept, World, kept_of

_SOON = Validity(NOW + timedelta(microseconds=1), None)


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


def under_somebody_not_at_work(world: World) -> World:
    """The last professional assists the first, who begins there as a doctor in a moment: until then a nurse there, and a doctor elsewhere."""
    assistant, principal = key_of(world.professionals[-1]), key_of(world.professionals[0])
    here, elsewhere = map(key_of, world.organisations[:2])
    jobs = (
        Employment(assistant, here, "assistant"),
        Employment(principal, here, "doctor", _SOON),
        Employment(principal, here, "nurse"),
        Employment(principal, elsewhere, "doctor"),
    )
    writes = frozenset({"Observation", "MedicationRequest", "Condition"})
    responsible = Assistance(
        assistant, principal, "doctor", here, writes, Validity(NOW - timedelta(days=1), NOW + timedelta(days=9)), 1
    )
    return replace(world, facts=replace(_treated(world, here), employments=jobs, assistances=(responsible,)))


def before_the_first_day(world: World) -> World:
    """The first professional begins in a moment, where everybody is treated, and nobody else works."""
    here = key_of(world.organisations[0])
    job = Employment(key_of(world.professionals[0]), here, "doctor", _SOON)
    return replace(world, facts=replace(_treated(world, here), employments=(job,)))


def of_a_blocked_author(world: World) -> World:
    """Everybody is treated by the first professional and blocks what the last recorded: of what was written twice, the later version alone."""
    here = key_of(world.organisations[0])
    author = world.professionals[-1]
    kept = tuple(_recorded_by(one, author) for one in world.kept)
    blocks = tuple(Block(key_of(one), author=key_of(author), id=one) for one in world.citizens)
    facts = replace(
        _treated(world, here),
        employments=(Employment(key_of(world.professionals[0]), here, "doctor"),),
        blocks=blocks,
        rows={one.row.id: one.row for one in kept if one.row.id is not None},
    )
    return replace(world, kept=kept, facts=facts)


def _recorded_by(one: Kept, author: UUID) -> Kept:
    """An observation or a condition that the professional recorded; every other row as it was."""
    reference = {"reference": f"Practitioner/{author}"}
    if one.row.type_name == "Observation":
        return kept_of(one.row, {**one.resource, "performer": [reference]})
    if one.row.type_name == "Condition":
        return kept_of(one.row, {**one.resource, "recorder": reference})
    return one


def _treated(world: World, here: int) -> Facts:
    """Everybody is treated there, and nothing else allows or refuses anybody who works there."""
    relations = tuple(Relation(key_of(one), here, "A", None, Validity()) for one in world.citizens)
    return replace(
        world.facts,
        relations=relations,
        assistances=(),
        blocks=(),
        consents=(),
        tickets=(),
        contacts=(),
        recorders=frozenset(),
    )


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
    "the responsible need not be at work": under_somebody_not_at_work,
    "jobs begin early": before_the_first_day,
    "an earlier version of what is hidden": of_a_blocked_author,
    "one version of what is hidden": of_a_blocked_author,
}
