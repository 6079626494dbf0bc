"""Emergency copies, for reading: what one holds, and what becomes of what a device tells of it.

* A copy holds, of each patient, exactly what its holder could read at the moment it was handed out.
* A patient stays in it while every row that was copied may be read; the whole copy while its holder may hold one.
* Openings form one list: each names the one before by its hash, and is sealed. The list is taken in from its beginning, each opening once,
  whatever the order and however often it is told. What comes too early waits; what does not fit in never comes in, and is odd.
* A device never knows of fewer openings than it has told. One that does has lost some, which is odd too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from helhed.foundation.ask import ActorKind, Ask
from helhed.trust.reference import HasRow, may_read
from helhed.trust.reference.facts import Facts


def may_hold(ask: Ask, roles: Collection[str], facts: Facts) -> bool:
    """Whether the asker may hold a copy: a professional at work, in person, in a role that may."""
    role = facts.roles.get(ask.role)
    at_work = any(
        (job.professional, job.organisation, job.role) == (ask.actor, ask.organisation, ask.role)
        and job.validity.holds(ask.at)
        for job in facts.employments
    )
    return (
        ask.kind is ActorKind.PROFESSIONAL and ask.role in roles and at_work and role is not None and not role.assists
    )


def is_there(ask: Ask, citizen: int, letters: Collection[str], facts: Facts) -> bool:
    """Whether the asker's own unit, or the asker, treats the citizen now."""
    return any(
        one.citizen in facts.keys(citizen)
        and one.organisation == ask.organisation
        and one.letter in letters
        and one.professional in (None, ask.actor)
        and one.validity.holds(ask.at)
        for one in facts.relations
    )


def held(ask: Ask, citizen: int, types: Collection[str], kept: Iterable[HasRow], facts: Facts) -> set[UUID]:
    """Which rows of a citizen a copy made now holds."""
    keys = facts.keys(citizen)
    rows = (one.row for one in kept)
    return {
        row.id
        for row in rows
        if row.id and row.citizen in keys and row.type_name in types and not row.deleted and may_read(ask, row, facts)
    }


def stays(ask: Ask, copied: Collection[UUID], kept: Iterable[HasRow], facts: Facts) -> bool:
    """Whether a patient of whom these rows were copied stays in the copy; ``ask`` is the holder's, now."""
    known = {one.row.id: one.row for one in kept}
    return all(row in known and may_read(ask, known[row], facts) for row in copied)


@dataclass(frozen=True, slots=True)
class Line:
    """An opening as it was told: which one it says it is, its words, and whether the seal holds."""

    n: int
    words: Sequence[str]  #: hash of the one before, moment, patient, reason
    sealed: bool = True


@dataclass
class Book:
    """What is known of one copy's openings."""

    copy: str
    patients: Collection[str]
    reasons: Collection[str]
    lines: list[Line] = field(default_factory=list)
    odd: bool = False
    closed: bool = False

    @property
    def head(self) -> str:
        """The hash that the next one names."""
        return self.hash_of(self.lines[-1]) if self.lines else sha256(self.copy.encode()).hexdigest()

    def hash_of(self, line: Line) -> str:
        """By its words alone."""
        told = ("helhed-emergency-opening-1", self.copy, str(line.n), *line.words)
        return sha256("\n".join(told).encode()).hexdigest()

    def is_told(self, lines: Iterable[Line], count: int, head: str, *, gone: bool) -> Mapping[int, str]:
        """Takes in what fits; what became of each by its number."""
        told = list(lines)
        odd = not all(line.sealed for line in told)
        became: dict[int, str] = {}
        for line in sorted((line for line in told if line.sealed), key=lambda line: line.n):
            became[line.n] = word = self._took(line)
            odd = odd or word in ("another", "broken", "stranger", "reason") or (word == "taken" and self.closed)
        odd = odd or count < len(self.lines) or (count == len(self.lines) and head != self.head)
        self.odd = self.odd or odd
        self.closed = self.closed or (gone and not odd and count == len(self.lines))
        return became

    def _took(self, line: Line) -> str:
        before, _, patient, reason = line.words
        if line.n <= len(self.lines):
            return "known" if line.words == self.lines[line.n - 1].words else "another"
        if line.n > len(self.lines) + 1:
            return "gap"
        if before != self.head:
            return "broken"
        if patient not in self.patients:
            return "stranger"
        if reason not in self.reasons:
            return "reason"
        self.lines.append(line)
        return "taken"
