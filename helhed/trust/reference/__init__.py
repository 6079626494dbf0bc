"""Who may see and change what: the reference form of the decision, for reading.

This is the law of the network in its shortest honest form. It serves nobody and knows no database: the form that serves
is written separately, and generated cases must make the two agree. The steps of ``decide`` are tried in the order given
by the access rules, and each says either *no, because*, or nothing:

1. **understood**: the row is what its type says it is. What is not understood is refused.
2. **scope**: the token covers the type, and of an app that was opened for one patient the row is that patient's own, or public. A token
   widens nothing; it only narrows.
3. **ceiling**: the most that such an actor may ever do.
   A *citizen* reads. A *professional* acts from an active employment, in a role that covers the type; an *assistant*
   within what the role of one responsible professional covers as well, and writes only what that one has delegated.
   A *system* changes what is registered to it, and reads nothing about people.
4. **basis**: one reason why, among *self, those who act for a citizen, treatment (A, B, C or D), consent, override, custodian,
   owner, public*. Without one: no.
5. **block**: the citizen's no wins over treatment and over consent to read. It never applies to the citizen, nor to a
   custodian's writing. A consent that names the block, or a ticket, lifts it.
6. **others**: a citizen whom the row concerns beside its own may object by a block as well; so may those whom a row of an
   organisation is about, unless it is a list of several people.
7. **mask**: what a clinician has hidden from those who act for a citizen, or from the citizen too, they do not see: a row, or elements
   of one, which they then see without these.
8. **sight**: whoever changes or deletes a row must be able to read it; only a custodian need not.

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
* An assistant's personal relation, consents and tickets are those of the responsible professional, except that nobody breaks
  the glass through an assistant. A block on the assistant or on the professional holds.
* A row that presents others (a document, a report) is reached by every block and mask that reaches one of them. A block on a
  document reaches what the document presents. An attachment is reached with what presents it: its bytes are content of that.
* A block on a part of a record by author, period or document does not stop anybody from adding to the record.
* A row whose labels are not known is covered by every author and every period.
* Blocks are for those who treat. Those who act for a citizen meet them only where the mandate says so, and then only the
  blocks on everybody. Blocks of others whom a row concerns stop professionals only.
* A citizen who was registered under several keys is one citizen: what is known of any of the keys is known of all of them.
* Class C and the follow-up of one's own work are counted from the end of a contact at the place acted from, or one above it. Both yield
  to a block. Class C writes as the other classes do; nobody writes by looking back, and nobody does it through an assistant.
* The purpose is kept in the log. It refuses nothing, and permits nothing but the follow-up of one's own work.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol, TypeVar

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.trust.policy import Types
from helhed.trust.reference.acting import acts_in, basis_of_acting, is_masked, masked_elements, sees_block
from helhed.trust.reference.afterwards import follows_up, was_in_contact
from helhed.trust.reference.blocks import is_named, objections
from helhed.trust.reference.facts import (
    ALWAYS,
    Acting,
    Allowance,
    Assistance,
    Basis,
    Block,
    Consent,
    Employment,
    Facts,
    Mask,
    PastContact,
    Relation,
    Row,
    Ticket,
    Validity,
)

__all__ = [
    "ALWAYS", "Acting", "Allowance", "Assistance", "Basis", "Block", "Consent", "Decision", "Deny", "Employment", "Facts", "Mask", "PastContact", "Permit", "Reason",
    "Relation", "Row", "Ticket", "Validity", "acts_in", "decide", "may_read", "reference_search", "responsible", "sees_block", "visible",
]  # fmt: skip

READING = frozenset({Action.READ, Action.VREAD, Action.HISTORY, Action.SEARCH})
CHANGING = frozenset({Action.UPDATE, Action.DELETE})
WRITING = frozenset({Action.CREATE}) | CHANGING
EVER = datetime.min.replace(tzinfo=UTC)

# --- what is decided ---------------------------------------------------------------------------------------------------


class Reason(Enum):
    """Why not. For the log and for tests: the asker is told nothing."""

    NOT_UNDERSTOOD = "the ask or the row is not understood"
    VIRTUAL = "not a row: trust itself serves it"
    SCOPE = "the token does not cover the type"
    ANOTHER_PATIENT = "the app was opened for another patient"
    CITIZENS_READ_ONLY = "citizens change nothing here"
    NO_EMPLOYMENT = "no active employment in that organisation and role"
    ROLE = "the role does not cover the type"
    NOT_REGISTERED = "the system is not registered for the organisation"
    SYSTEMS_READ_PUBLIC = "systems read only what is public"
    NOT_THE_CITIZEN = "the row is about somebody else"
    NO_RELATION = "no treatment relation"
    NOBODY_RESPONSIBLE = "no responsible professional at work stands behind the assistant"
    OTHERS_OBJECT = "a citizen whom it concerns has blocked it"
    MASKED = "a clinician has hidden it"
    NOT_OWNER = "the row belongs to another organisation"
    NOT_ORIGIN = "another organisation recorded it"
    SYSTEMS_ONLY = "only systems change what is public"
    BLOCKED = "the citizen has blocked it"
    UNSEEN = "what cannot be read cannot be changed"


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, for this reason; of the row without these elements, and without whatever of it repeats them."""

    basis: Basis
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deny:
    """No, for this reason."""

    reason: Reason


Decision = Permit | Deny


def decide(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    """The verdict on one row. Total, pure, deterministic."""
    for refuse in (_not_understood, _outside_scope, _about_another, _above_ceiling):
        if reason := refuse(ask, action, row, facts):
            return Deny(reason)
    found = _BASES[ask.kind](ask, action, row, facts)
    if isinstance(found, Deny):
        return found
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


def _about_another(ask: Ask, action: Action, row: Row, facts: Facts) -> Reason | None:
    """Whom an app was opened for is said by what was allowed, by the person who asks now; where nothing says it, for nobody."""
    if not ask.for_one or (row.ownership is Ownership.PUBLIC and action in READING):
        return None
    opened = {
        one.citizen for one in facts.allowances if (one.id, one.kind, one.actor) == (ask.allowance, ask.kind, ask.actor)
    }
    known = {key for citizen in opened for key in facts.keys(citizen)}
    return None if row.citizen in known else Reason.ANOTHER_PATIENT


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
    if role.assists:
        under = responsible(ask, facts)
        if under is None:
            return Reason.NOBODY_RESPONSIBLE
        principal = facts.roles[under.role]
        covered = principal.reads if action in READING else principal.writes
        if not _covers(covered, row.type_name) or (action in WRITING and row.type_name not in under.writes):
            return Reason.ROLE
        types = types if action in READING else None
    return None if _covers(types, row.type_name) else Reason.ROLE


def responsible(ask: Ask, facts: Facts) -> Assistance | None:
    """Under whom an assistant acts now: the newest who is named, if that one is at work."""
    role = facts.roles.get(ask.role)
    if role is None or not role.assists:
        return None
    mine = [
        one
        for one in facts.assistances
        if (one.assistant, one.organisation) == (ask.actor, ask.organisation) and one.validity.holds(ask.at)
    ]
    if not mine:
        return None
    begun = max(one.validity.begins or EVER for one in mine)
    newest = min((one for one in mine if (one.validity.begins or EVER) == begun), key=lambda one: one.order)
    known = facts.roles.get(newest.role)
    if known is None or known.assists:
        return None
    at_work = any(
        (job.professional, job.organisation, job.role) == (newest.principal, newest.organisation, newest.role)
        and job.validity.holds(ask.at)
        for job in facts.employments
    )
    return newest if at_work else None


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
    if facts.died(ask.actor):
        return Deny(Reason.NOT_THE_CITIZEN)
    if row.citizen not in facts.keys(ask.actor):
        basis = basis_of_acting(ask, row, facts)
        without = masked_elements(ask, row, facts, from_citizen_too=False)
        return Deny(Reason.NOT_THE_CITIZEN) if basis is None else Permit(basis, without)
    if is_masked(ask, row, facts, from_citizen_too=True):
        return Deny(Reason.MASKED)
    return Permit(Basis.SELF, masked_elements(ask, row, facts, from_citizen_too=True))


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
        if not facts.beneath(ask.organisation, row.origin):
            return Deny(Reason.NOT_OWNER)
        about_them = len(row.concerns) == 1 or row.type_name not in _LISTS
        objected = action in READING and about_them and _others_object(ask, row, row.concerns, facts)
        return Deny(Reason.OTHERS_OBJECT) if objected else Permit(Basis.OWNER)
    return _basis_of_care(ask, action, row, facts)


def _others_object(ask: Ask, row: Row, others: Iterable[int], facts: Facts) -> bool:
    """Whether a block of one of these stands in the way, and no ticket lifts it."""
    under = responsible(ask, facts)
    person = ask.actor if under is None else under.principal
    for other in others:
        excused = under is None and any(_broke_the_glass(ask, other, one, facts) for one in facts.tickets)
        if not excused and objections(ask, person, other, row, facts):
            return True
    return False


def _basis_of_care(ask: Ask, action: Action, row: Row, facts: Facts) -> Decision:
    assert row.citizen is not None
    under = responsible(ask, facts)
    person = ask.actor if under is None else under.principal
    ticket = under is None and any(_broke_the_glass(ask, row.citizen, one, facts) for one in facts.tickets)
    if action in READING and _others_object(ask, row, row.concerns - facts.keys(row.citizen), facts):
        return Deny(Reason.OTHERS_OBJECT)
    if action in WRITING:
        blocked = any(not block.narrow for block in objections(ask, person, row.citizen, row, facts, part=False))
    else:
        blocked = bool(objections(ask, person, row.citizen, row, facts))
    if not blocked:
        letters = {relation.letter for relation in facts.relations if _treats(ask, person, row, relation, facts)}
        for letter, basis in _BY_LETTER.items():
            if letter in letters:
                return Permit(basis)
        if was_in_contact(ask, row.citizen, facts):
            return Permit(Basis.TREATMENT_C)
        if any(_allows(ask, person, row.citizen, consent, facts) for consent in facts.consents):
            return Permit(Basis.CONSENT)
    if ticket:
        return Permit(Basis.OVERRIDE)
    if not blocked and action in READING and follows_up(ask, row.citizen, facts):
        return Permit(Basis.OWN_FOLLOW_UP)
    return Deny(Reason.BLOCKED if blocked else Reason.NO_RELATION)


def _broke_the_glass(ask: Ask, citizen: int, ticket: Ticket, facts: Facts) -> bool:
    mine = (ticket.professional, ticket.organisation) == (ask.actor, ask.organisation)
    mine = mine and ticket.role in (None, ask.role)
    return mine and ticket.citizen in facts.keys(citizen) and ticket.validity.holds(ask.at)


def _allows(ask: Ask, person: int, citizen: int, consent: Consent, facts: Facts) -> bool:
    return consent.block is None and is_named(ask, person, citizen, consent, facts)


def _treats(ask: Ask, person: int, row: Row, relation: Relation, facts: Facts) -> bool:
    assert ask.organisation is not None
    provisional = relation.letter == "D"
    complete = not provisional or None not in (relation.professional, relation.validity.ends)
    return (
        relation.citizen in facts.keys(row.citizen)
        and relation.validity.holds(ask.at)
        and relation.professional in (None, person)
        and complete
        and facts.beneath(ask.organisation, relation.organisation)
    )


_LISTS = frozenset({"Group", "List", "Schedule"})  #: of several people: about none of them alone
_BY_LETTER = {"A": Basis.TREATMENT_A, "B": Basis.TREATMENT_B, "D": Basis.TREATMENT_D}  #: the firmest first
_BASES: Mapping[ActorKind, Callable[[Ask, Action, Row, Facts], Decision]] = {
    ActorKind.CITIZEN: _basis_of_citizen,
    ActorKind.PROFESSIONAL: _basis_of_professional,
    ActorKind.SYSTEM: _basis_of_system,
}

# --- the search law ---------------------------------------------------------------------------------------------------


class HasRow(Protocol):
    """Something with a row: a resource with what decides over it."""

    @property
    def row(self) -> Row:
        """What the decision needs to know."""


Kept = TypeVar("Kept", bound=HasRow)
Result = TypeVar("Result")


def visible(
    ask: Ask, kept: Sequence[Kept], facts: Facts, left_of: Callable[[Kept, frozenset[str]], Kept] | None = None
) -> list[Kept]:
    """What exists, as far as the asker is concerned: permitted, and not deleted. ``left_of`` takes masked elements out of something."""
    found = []
    for one in kept:
        decision = decide(ask, Action.READ, one.row, facts)
        if not one.row.deleted and isinstance(decision, Permit):
            found.append(left_of(one, decision.without) if left_of is not None and decision.without else one)
    return found


def reference_search(
    ask: Ask,
    kept: Sequence[Kept],
    facts: Facts,
    evaluate: Callable[[Sequence[Kept]], Result],
    left_of: Callable[[Kept, frozenset[str]], Kept] | None = None,
) -> Result:
    """The search law: ``result(q) = evaluate(q, {mask(r) | decide permits r})``, for matches, totals, chains and includes alike."""
    return evaluate(visible(ask, kept, facts, left_of))
