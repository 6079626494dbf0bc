"""Whose a replacement CPR number is, in the reference: held for one organisation, one person's once delivered, never two's."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Held:
    """A block."""

    holder: str
    numbers: set[str]  #: not delivered
    deliver_until: datetime
    free_from: datetime


@dataclass(slots=True)
class Pool:
    """Everything that was ever reserved or brought."""

    blocks: dict[str, Held] = field(default_factory=dict)
    free: set[str] = field(default_factory=set)
    people: dict[str, str] = field(default_factory=dict)  #: number -> person, for ever

    def reserve(self, block: str, holder: str, numbers: Iterable[str], *, deliver_until: datetime, free_from: datetime, at: datetime) -> None:  # fmt: skip
        """These were given out for a block. Raises AssertionError when one of them was somebody's, or held."""
        for old in self.blocks.values():
            if old.free_from <= at:
                self.free |= old.numbers
                old.numbers = set()
        fresh = set(numbers)
        taken = set(self.people).union(*(one.numbers for one in self.blocks.values()))
        assert not fresh & taken, "a number is held once"
        self.free -= fresh
        self.blocks[block] = Held(holder, fresh, deliver_until, free_from)

    def deliver(self, number: str, person: str, places: Set[str], at: datetime) -> bool:
        """Whether a Patient with the number is taken in from an organisation that stands beneath ``places``."""
        if number in self.people:
            return self.people[number] == person
        if number in self.free:
            return False
        for block in self.blocks.values():
            if number in block.numbers:
                if block.holder not in places or at >= block.deliver_until:
                    return False
                block.numbers.discard(number)
        self.people[number] = person
        return True

    def give_back(self, block: str, holder: str, named: Set[str] | None) -> int | None:
        """How many went back; None when the holder has no such block."""
        held = self.blocks.get(block)
        if held is None or held.holder != holder:
            return None
        gone = held.numbers if named is None else held.numbers & named
        self.free |= gone
        held.numbers = held.numbers - gone
        return len(gone)
