"""The citizen's no, in the reference: whom a block stops, and what it reaches."""

from dataclasses import replace

from helhed.foundation.ask import Ask
from helhed.trust.reference.facts import Block, Consent, Facts, Row


def objections(ask: Ask, person: int, citizen: int, row: Row, facts: Facts, *, part: bool = True) -> list[Block]:
    """The blocks of a citizen that stand between a professional and a row. ``person`` is the professional, or the one whom
    an assistant acts under; without ``part`` what the row presents, and what presents it, is left aside.
    """
    return [
        block
        for block in facts.blocks
        if block.citizen in facts.keys(citizen)
        and block.validity.holds(ask.at)
        and _stops(ask, person, block, facts)
        and (reaches(block, row, facts) if part else _covers(block, row, facts))
        and not any(consent.block == block.id and is_named(ask, person, citizen, consent, facts) for consent in facts.consents if consent.block is not None)
    ]  # fmt: skip


def is_named(ask: Ask, person: int, citizen: int, consent: Consent, facts: Facts) -> bool:
    """Whether a citizen's consent is to this professional, or to a place from which they act."""
    assert ask.organisation is not None
    return (
        consent.citizen in facts.keys(citizen)
        and consent.validity.holds(ask.at)
        and consent.professional in (None, person)
        and (consent.organisation is None or facts.beneath(ask.organisation, consent.organisation))
        and (consent.professional, consent.organisation) != (None, None)
    )


def reaches(block: Block, row: Row, facts: Facts) -> bool:
    """Whether a block is about a row, about something the row presents, or about a document that presents the row; an
    attachment is reached with whatever presents it.
    """
    if _covers(block, row, facts) or any(reaches(block, one, facts) for one in facts.presenting(row)):
        return True
    if any(_covers(block, facts.rows[inner], facts) for inner in facts.presented_by(row)):
        return True
    if block.document is None or row.id == block.document or row.id not in facts.parts_of(block.document):
        return False
    return _covers(replace(block, document=None), row, facts)


def _stops(ask: Ask, person: int, block: Block, facts: Facts) -> bool:
    assert ask.organisation is not None
    if block.person is not None and block.person not in (ask.actor, person):
        return False
    if block.who is None:
        return True
    return ask.organisation == block.who if block.who_alone else facts.perhaps_beneath(ask.organisation, block.who)


def _covers(block: Block, row: Row, facts: Facts) -> bool:
    """Every part of what the block is about must fit."""
    return (
        _covers_origin(block, row, facts)
        and (block.author is None or row.authors is None or not row.authors.isdisjoint(facts.keys_of(block.author)))
        and (block.period is None or row.authors is None or _took_place_within(block, row))
        and (block.document is None or row.id == block.document)
    )


def _covers_origin(block: Block, row: Row, facts: Facts) -> bool:
    if block.what is None:
        return True
    return row.origin == block.what if block.what_alone else facts.perhaps_beneath(row.origin, block.what)


def _took_place_within(block: Block, row: Row) -> bool:
    assert block.period is not None
    return row.took_place is not None and block.period.meets(*row.took_place)
