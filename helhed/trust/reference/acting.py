"""Citizens who act for another citizen, and what is hidden from them, in the reference."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.trust.reference.blocks import reaches
from helhed.trust.reference.facts import Acting, Basis, Block, Facts, Mask, Row

_NOWHERE = 0  #: the origin of what nobody recorded
_PARENTS = frozenset({Basis.CUSTODY, Basis.DECISION_FOR_YOUTH})
_ORDER = (Basis.CUSTODY, Basis.MANDATE, Basis.GUARDIAN, Basis.PROXY, Basis.DECISION_FOR_YOUTH)


def basis_of_acting(ask: Ask, row: Row, facts: Facts) -> Basis | None:
    """Why somebody may see a row of the citizen whom they act for; None when they may not."""
    if is_masked(ask, row, facts, from_citizen_too=False):
        return None
    held = {one.basis for one in facts.acting if _holds(ask, row, one, facts)}
    return next((basis for basis in _ORDER if basis in held), None)


def acts_in(ask: Ask, citizen: int, type_name: str, facts: Facts) -> Basis | None:
    """Why somebody may read what trust itself serves of another citizen, ``Consent`` or ``AuditEvent``; None when they may not.

    It is no row: no organisation recorded it, at no moment. So of blocks, where a mandate obeys them, those on everything count.
    """
    if ask.kind is not ActorKind.CITIZEN or citizen in facts.keys(ask.actor):
        return None
    if ask.read_types is not None and type_name not in ask.read_types:
        return None
    nothing = Row(type_name, Ownership.CITIZEN, citizen, _NOWHERE)
    held = {one.basis for one in facts.acting if _holds(ask, nothing, one, facts)}
    return next((basis for basis in _ORDER if basis in held), None)


def sees_block(ask: Ask, block: Block, facts: Facts) -> bool:
    """Whether somebody who acts for the citizen is told of a block. One on a row that is masked would tell of the row."""
    if acts_in(ask, block.citizen, "Consent", facts) is None:
        return False
    about = facts.rows.get(block.document) if block.document is not None else None
    return about is None or not is_masked(ask, replace(about, citizen=block.citizen), facts, from_citizen_too=False)


def is_masked(ask: Ask, row: Row, facts: Facts, *, from_citizen_too: bool) -> bool:
    """Whether a clinician has hidden all of the row, something that it presents, or, of an attachment, what presents it.

    What presents a row of which elements are hidden is hidden whole, since it may repeat them; of attachments, those behind the elements.
    """
    masks = _masks(ask, row, facts, from_citizen_too=from_citizen_too)
    return any(
        row.id in mask.attachments or _hides(mask, one, facts)
        for mask in masks
        for one in (row, *facts.presenting(row))
    )


def masked_elements(ask: Ask, row: Row, facts: Facts, *, from_citizen_too: bool) -> frozenset[str]:
    """The elements of a row that a clinician has hidden."""
    masks = _masks(ask, row, facts, from_citizen_too=from_citizen_too)
    return frozenset().union(*(mask.elements for mask in masks if mask.resource == row.id))


def _masks(ask: Ask, row: Row, facts: Facts, *, from_citizen_too: bool) -> list[Mask]:
    return [
        mask
        for mask in facts.masks
        if mask.citizen in facts.keys(row.citizen)
        and mask.validity.holds(ask.at)
        and (mask.from_citizen or not from_citizen_too)
    ]


def _hides(mask: Mask, row: Row, facts: Facts) -> bool:
    if mask.resource == row.id:
        return not mask.elements
    return mask.resource in facts.presented_by(row)


def birthday(born: date, age: int) -> datetime:
    """The first moment of a birthday in Denmark. Who was born on 29 February has it on 1 March in years without one."""
    if born.year + age > date.max.year:
        return datetime.max.replace(tzinfo=DANISH_TIME)
    try:
        day = born.replace(year=born.year + age)
    except ValueError:
        day = date(born.year + age, 2, 28) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=DANISH_TIME)


def _holds(ask: Ask, row: Row, acting: Acting, facts: Facts) -> bool:
    assert row.citizen is not None
    return (
        acting.actor in facts.keys(ask.actor)
        and acting.citizen in facts.keys(row.citizen)
        and acting.validity.holds(ask.at)
        and not (facts.died(row.citizen) or facts.died(ask.actor))
        and not (acting.basis in _PARENTS and not acting.shares_home and facts.is_protected(row.citizen))
        and (acting.types is None or row.type_name in acting.types)
        and _is_young_enough(ask, row.citizen, acting.basis, facts)
        and not (acting.obeys_blocks and _everybody_is_stopped(ask, row, facts))
    )


def _is_young_enough(ask: Ask, citizen: int, basis: Basis, facts: Facts) -> bool:
    """An unknown date of birth is no basis where age decides."""
    age = facts.ends_at_age.get(basis.value)
    if age is None:
        return True
    born = facts.born(citizen)
    return born is not None and ask.at < birthday(born, age)


def _everybody_is_stopped(ask: Ask, row: Row, facts: Facts) -> bool:
    return any(
        block.citizen in facts.keys(row.citizen)
        and block.validity.holds(ask.at)
        and block.who is None
        and block.person is None
        and reaches(block, row, facts)
        for block in facts.blocks
    )
