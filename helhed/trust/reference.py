"""Who may see and change what: the reference form of the decision, for reading.

This is the law of the network in its shortest honest form. It serves nobody and knows no database: the form that serves
is written separately, and generated cases must make the two agree. The steps of ``decide`` are tried in the order given
by the access rules, and each says either *no, because*, or nothing:

1. **understood**: the row is what its type says it is. What is not understood is refused.
2. **scope**: the token covers the type. A token widens nothing; it only narrows.
3. **ceiling**: the most that such an actor may ever do.
   A *citizen* reads. A *professional* acts from an active employment, in a role that covers the type.
   A *system* changes what is registered to it, and reads nothing about people.
4. **basis**: one reason why, among *self, treatment (A, B or D), custodian, owner, public*. Without one: no.
5. **block**: the citizen's no wins over treatment. It never applies to the citizen, nor to a custodian's writing.
6. **sight**: whoever changes or deletes a row must be able to read it; only a custodian need not.

Details that the rules leave open are settled so:

* A validity is half-open: it begins at ``begins`` and is over at ``ends``. An open end is None.
* An organisation's *line* is itself and everything above it. An organisation without a registered parent is a top. A line
  that runs in a circle is not known: it carries no basis, and every block that could depend on it holds.
* A relation or a block of an organisation reaches those who act from it or from a unit beneath. A block on what an
  organisation recorded reaches what was recorded by it or by a unit beneath.
* A relation of class D is personal and has an end; one that names nobody, or never ends, is not a relation.
* A professional changes only what was recorded by the very organisation they act from. A custodian changes what was
  recorded by its organisation or by a unit beneath. Whoever creates a row records it: its origin is the asker's organisation.
* A new citizen has no relations yet, so only custodians bring citizens in.
* Whether a row is deleted is no question of access: who may see it learns that it is gone, others that there is nothing.
  Searches return rows that are not deleted.
* The purpose is kept in the log. It permits nothing and refuses nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.trust.policy import Role, Types

READING = frozenset({Action.READ, Action.VREAD, Action.HISTORY, Action.SEARCH})
CHANGING = frozenset({Action.UPDATE, Action.DELETE})
WRITING = frozenset({Action.CREATE}) | CHANGING

# --- what is decided on -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """What the decision needs to know of a resource."""

    type_name: str
    ownership: Ownership
    citizen: int | None  #: key of the citizen that it is about; None unless citizen-owned
    origin: int  #: key of the organisation that recorded it
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Validity:
    """From and including ``begins`` until and excluding ``ends``; None is open. Both aware."""

    begins: datetime | None = None
    ends: datetime | None = None

    def __post_init__(self) -> None:
        if any(moment is not None and moment.tzinfo is None for moment in (self.begins, self.ends)):
            raise ValueError("A validity is in aware time.")

    def holds(self, at: datetime) -> bool:
        """Whether ``at`` lies within."""
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Employment:
    """A professional works for an organisation in a role."""

    professional: int
    organisation: int
    role: str
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Relation:
    """An organisation treats a citizen: A by open contact, B by referral or choice, D by a professional's declaration."""

    citizen: int
    organisation: int
    letter: str
    professional: int | None = None
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Block:
    """A citizen's no: to whom (None is everybody), on what an organisation recorded (None is everything)."""

    citizen: int
    who: int | None = None
    what: int | None = None
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known at one moment. What does not stand here is not so."""

    roles: Mapping[str, Role]
    parents: Mapping[int, int | None] = field(default_factory=dict)  #: organisation → the one it is part of
    employments: Sequence[Employment] = ()
    relations: Sequence[Relation] = ()
    blocks: Sequence[Block] = ()
    systems: frozenset[int] = frozenset()  #: organisations whose system client is registered

    def line(self, organisation: int) -> tuple[int, ...] | None:
        """The organisation and everything above it, nearest first; None when it runs in a circle."""
        line = [organisation]
        while (above := self.parents.get(line[-1])) is not None:
            if above in line:
                return None
            line.append(above)
        return tuple(line)

    def beneath(self, organisation: int, above: int) -> bool:
        """Whether ``organisation`` is known to be ``above``, or a unit beneath it."""
        return above in (self.line(organisation) or ())

    def perhaps_beneath(self, organisation: int, above: int) -> bool:
        """Whether it is so, or cannot be known."""
        line = self.line(organisation)
        return line is None or above in line


# --- what is decided --------------------------------------------------------------------------------------------------


class Basis(Enum):
    """Why a row may be seen or changed; the words stand in ``policy/relation.json``."""

    SELF = "self"
    TREATMENT_A = "treatment-A"
    TREATMENT_B = "treatment-B"
    TREATMENT_D = "treatment-D"
    CUSTODIAN = "custodian"
    OWNER = "owner"
    PUBLIC = "public"


class Reason(Enum):
    """Why not. For the log and for tests: the asker is told nothing."""

    NOT_UNDERSTOOD = "the ask or the row is not understood"
    VIRTUAL = "not a row: trust itself serves it"
    SCOPE = "the token does not cover the type"
    CITIZENS_READ_ONLY = "citizens change nothing here"
    NO_EMPLOYMENT = "no active employment in that organisation and role"
    ROLE = "the role does not cover the type"
    NOT_REGISTERED = "the system is not registered for the organisation"
    SYSTEMS_READ_PUBLIC = "systems read only what is public"
    NOT_THE_CITIZEN = "the row is about somebody else"
    NO_RELATION = "no treatment relation"
    NOT_OWNER = "the row belongs to another organisation"
    NOT_ORIGIN = "another organisation recorded it"
    SYSTEMS_ONLY = "only systems change what is public"
    BLOCKED = "the citizen has blocked it"
    UNSEEN = "what cannot be read cannot be changed"


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, for this reason."""

    basis: Basis


@dataclass(frozen=True, slots=True)
class Deny:
    """No, for this reason."""

    reason: Reason


Decision = Permit | Deny


def decide(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    """The verdict on one row. Total, pure, deterministic."""
    for refuse in (_not_understood, _outside_scope, _above_ceiling):
        if reason := refuse(ask, action, row, facts):
            return Deny(reason)
    found = _BASES[ask.kind](ask, action, row, facts)
    if isinstance(found, Deny):
        return found
    if found.basis in _TREATMENT and _blocked(ask, row, facts):
        return Deny(Reason.BLOCKED)
    if action in CHANGING and found.basis is not Basis.CUSTODIAN and not may_read(ask, row, facts):
        return Deny(Reason.UNSEEN)
    return found


def may_read(ask: Ask, row: Row, facts: Facts) -> bool:
    """Whether the row exists, as far as the asker is concerned."""
    return isinstance(decide(ask, Action.READ, row, facts), Permit)


# --- 1 to 3: understood, scope, ceiling -------------------------------------------------------------------------------


def _not_understood(ask: Ask, action: Action, row: Row, facts: Facts) -> Reason | None:
    if row.ownership is Ownership.VIRTUAL:
        return Reason.VIRTUAL
    known = action in READING | WRITING and ask.at.tzinfo is not None
    about_somebody = row.citizen is not None
    sound = about_somebody == (row.ownership is Ownership.CITIZEN)
    return None if known and sound else Reason.NOT_UNDERSTOOD


def _outside_scope(ask: Ask, action: Action, row: Row, facts: Facts) -> Reason | None:
    types = ask.read_types if action in READING else ask.write_types
    return None if _covers(types, row.type_name) else Reason.SCOPE


def _above_ceiling(ask: Ask, action: Action, row: Row, facts: Facts) -> Reason | None:
    if action in READING and row.ownership is Ownership.PUBLIC:
        return None
    if ask.kind is ActorKind.CITIZEN:
        return Reason.CITIZENS_READ_ONLY if action in WRITING else None
    if ask.kind is ActorKind.PROFESSIONAL:
        return _above_role(ask, action, row, facts)
    if action in READING:
        return Reason.SYSTEMS_READ_PUBLIC
    registered = ask.organisation == ask.actor and ask.organisation in facts.systems
    return None if registered else Reason.NOT_REGISTERED


def _above_role(ask: Ask, action: Action, row: Row, facts: Facts) -> Reason | None:
    role = facts.roles.get(ask.role)
    if role is None or not any(_works(ask, employment) for employment in facts.employments):
        return Reason.NO_EMPLOYMENT
    types = role.reads if action in READING else role.writes
    return None if _covers(types, row.type_name) else Reason.ROLE


def _works(ask: Ask, employment: Employment) -> bool:
    acting_as = (ask.actor, ask.organisation, ask.role)
    working_as = (employment.professional, employment.organisation, employment.role)
    return acting_as == working_as and employment.validity.holds(ask.at)


def _covers(types: Types, type_name: str) -> bool:
    return types is None or type_name in types


# --- 4: basis ---------------------------------------------------------------------------------------------------------


def _basis_of_citizen(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    if row.ownership is Ownership.PUBLIC:
        return Permit(Basis.PUBLIC)
    if row.citizen is None:
        return Deny(Reason.NOT_OWNER)
    return Permit(Basis.SELF) if row.citizen == ask.actor else Deny(Reason.NOT_THE_CITIZEN)


def _basis_of_system(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    if action in READING:
        return Permit(Basis.PUBLIC)  # the ceiling has let nothing else come this far
    assert ask.organisation is not None
    own = row.origin == ask.organisation
    if action in CHANGING:
        own = facts.beneath(row.origin, ask.organisation)
    return Permit(Basis.CUSTODIAN) if own else Deny(Reason.NOT_ORIGIN)


def _basis_of_professional(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    if row.ownership is Ownership.PUBLIC:
        return Permit(Basis.PUBLIC) if action in READING else Deny(Reason.SYSTEMS_ONLY)
    if action in WRITING and row.origin != ask.organisation:
        return Deny(Reason.NOT_ORIGIN)
    if row.ownership is Ownership.ORGANISATION:
        assert ask.organisation is not None
        return Permit(Basis.OWNER) if facts.beneath(ask.organisation, row.origin) else Deny(Reason.NOT_OWNER)
    letters = {relation.letter for relation in facts.relations if _treats(ask, row, relation, facts)}
    for letter, basis in _BY_LETTER.items():
        if letter in letters:
            return Permit(basis)
    return Deny(Reason.NO_RELATION)


def _treats(ask: Ask, row: Row, relation: Relation, facts: Facts) -> bool:
    assert ask.organisation is not None
    provisional = relation.letter == "D"
    complete = not provisional or None not in (relation.professional, relation.validity.ends)
    return (
        relation.citizen == row.citizen
        and relation.validity.holds(ask.at)
        and relation.professional in (None, ask.actor)
        and complete
        and facts.beneath(ask.organisation, relation.organisation)
    )


_BY_LETTER = {"A": Basis.TREATMENT_A, "B": Basis.TREATMENT_B, "D": Basis.TREATMENT_D}  #: the firmest first
_TREATMENT = frozenset(_BY_LETTER.values())
_BASES: Mapping[ActorKind, Callable[[Ask, Action, Row, Facts], Decision]] = {
    ActorKind.CITIZEN: _basis_of_citizen,
    ActorKind.PROFESSIONAL: _basis_of_professional,
    ActorKind.SYSTEM: _basis_of_system,
}

# --- 5: block ---------------------------------------------------------------------------------------------------------


def _blocked(ask: Ask, row: Row, facts: Facts) -> bool:
    return any(_stands_between(ask, row, block, facts) for block in facts.blocks)


def _stands_between(ask: Ask, row: Row, block: Block, facts: Facts) -> bool:
    assert ask.organisation is not None
    return (
        block.citizen == row.citizen
        and block.validity.holds(ask.at)
        and (block.who is None or facts.perhaps_beneath(ask.organisation, block.who))
        and (block.what is None or facts.perhaps_beneath(row.origin, block.what))
    )


# --- the search law ---------------------------------------------------------------------------------------------------


class HasRow(Protocol):
    """Something with a row: a resource with what decides over it."""

    @property
    def row(self) -> Row:
        """What the decision needs to know."""


Kept = TypeVar("Kept", bound=HasRow)
Result = TypeVar("Result")


def visible(ask: Ask, kept: Sequence[Kept], facts: Facts) -> list[Kept]:
    """What exists, as far as the asker is concerned: permitted, and not deleted."""
    return [one for one in kept if not one.row.deleted and may_read(ask, one.row, facts)]


def reference_search(
    ask: Ask, kept: Sequence[Kept], facts: Facts, evaluate: Callable[[Sequence[Kept]], Result]
) -> Result:
    """The search law: ``result(q) = evaluate(q, {r | decide permits r})``, for matches, totals, chains and includes alike."""
    return evaluate(visible(ask, kept, facts))
