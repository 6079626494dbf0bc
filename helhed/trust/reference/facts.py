"""What the reference decides on: a row with its labels, and everything known at one moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from uuid import UUID

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import ActorKind
from helhed.trust.policy import Deadline, Role, Types


class Basis(Enum):
    """Why a row may be seen or changed; the words stand in ``policy/relation.json``."""

    SELF = "self"
    TREATMENT_A = "treatment-A"
    TREATMENT_B = "treatment-B"
    TREATMENT_D = "treatment-D"
    CUSTODIAN = "custodian"
    OWNER = "owner"
    PUBLIC = "public"
    OVERRIDE = "override"
    CUSTODY = "custody"
    MANDATE = "mandate"
    GUARDIAN = "guardian"
    PROXY = "proxy"
    CONSENT = "consent"
    DECISION_FOR_YOUTH = "decision-for-youth"
    TREATMENT_C = "treatment-C"
    OWN_FOLLOW_UP = "own-follow-up"


@dataclass(frozen=True, slots=True)
class Row:
    """What the decision needs to know of a resource."""

    type_name: str
    ownership: Ownership
    citizen: int | None  #: key of the citizen that it is about; None unless citizen-owned
    origin: int  #: key of the organisation that recorded it
    deleted: bool = False
    id: UUID | None = field(default=None, repr=False)
    authors: frozenset[int] | None = field(
        default=frozenset(), repr=False
    )  #: keys of who recorded it; None when its labels are not known
    took_place: tuple[datetime, datetime] | None = field(
        default=None, repr=False
    )  #: first and last moment; None: no moment applies
    contents: frozenset[UUID] = field(default=frozenset(), repr=False)  #: the rows it presents
    concerns: frozenset[int] = field(default=frozenset(), repr=False)  #: citizens it names beside its own


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

    def meets(self, first: datetime, last: datetime) -> bool:
        """Whether any moment from ``first`` to ``last`` lies within."""
        return (self.ends is None or first < self.ends) and (self.begins is None or last >= self.begins)


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Employment:
    """A professional works for an organisation in a role. ``key`` is that of the PractitionerRole that says so."""

    professional: int
    organisation: int
    role: str
    validity: Validity = ALWAYS
    key: int | None = None


@dataclass(frozen=True, slots=True)
class Assistance:
    """An assistant acts under one responsible professional in one organisation, and writes what is delegated."""

    assistant: int
    principal: int
    role: str  #: the role in which the principal is responsible
    organisation: int
    writes: frozenset[str] = frozenset()
    validity: Validity = ALWAYS
    order: int = 0  #: of those that began at the same moment the first holds


@dataclass(frozen=True, slots=True)
class Relation:
    """An organisation treats a citizen: A by open contact, B by referral or choice, D by a professional's declaration."""

    citizen: int
    organisation: int
    letter: str
    professional: int | None = None
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class PastContact:
    """A contact with an organisation that has ended, and the keys of those who took part, or of their jobs."""

    citizen: int
    organisation: int
    ended: datetime
    people: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """A citizen's no. To whom: everybody, an organisation, a professional. On what: everything, or what fits all that is given."""

    citizen: int
    who: int | None = None  #: an organisation and, unless ``who_alone``, the units beneath
    what: int | None = None  #: what this organisation and, unless ``what_alone``, the units beneath recorded
    validity: Validity = ALWAYS
    id: UUID | None = None
    person: int | None = None
    who_alone: bool = False
    what_alone: bool = False
    author: int | None = None
    period: Validity | None = None
    document: UUID | None = None  #: this row and what it presents

    @property
    def narrow(self) -> bool:
        """Whether it is on a part of the record by author, period or document."""
        return not (self.author is None and self.period is None and self.document is None)


@dataclass(frozen=True, slots=True)
class Consent:
    """A citizen's yes to somebody named: to read, or to read what one block hides."""

    citizen: int
    professional: int | None = None
    organisation: int | None = None
    block: UUID | None = None
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Ticket:
    """A professional broke the glass, for one citizen, in one place, for at most an hour."""

    citizen: int
    professional: int
    organisation: int
    validity: Validity
    role: str | None = None  #: the role in which the glass was broken; None: any


@dataclass(frozen=True, slots=True)
class Acting:
    """A citizen acts for another."""

    actor: int
    citizen: int
    basis: Basis
    types: Types = None
    obeys_blocks: bool = False
    validity: Validity = ALWAYS
    shares_home: bool = False  #: of a parent: CPR says that the child lives with them


@dataclass(frozen=True, slots=True)
class Mask:
    """A clinician has hidden a row, or some of its elements, from those who act for the citizen, or from the citizen too."""

    citizen: int
    resource: UUID
    from_citizen: bool = False
    validity: Validity = ALWAYS
    elements: frozenset[str] = frozenset()  #: none: all of the row
    attachments: frozenset[UUID] = frozenset()  #: those that stand behind these elements


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody allowed an app, and for which patient alone; None for none."""

    id: UUID
    kind: ActorKind
    actor: int
    citizen: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known at one moment. What does not stand here is not so."""

    roles: Mapping[str, Role]
    parents: Mapping[int, int | None] = field(default_factory=dict)  #: organisation → the one it is part of
    employments: Sequence[Employment] = ()
    relations: Sequence[Relation] = ()
    blocks: Sequence[Block] = ()
    systems: frozenset[int] = frozenset()  #: organisations whose system client is registered
    assistances: Sequence[Assistance] = ()
    consents: Sequence[Consent] = ()
    tickets: Sequence[Ticket] = ()
    acting: Sequence[Acting] = ()
    masks: Sequence[Mask] = ()
    births: Mapping[int, date] = field(default_factory=dict)  #: citizen → date of birth
    ends_at_age: Mapping[str, int] = field(default_factory=dict)  #: basis → the birthday on which it ends
    recorders: frozenset[tuple[int, int]] = (
        frozenset()
    )  #: key of a PractitionerRole, and whom it has named, once or now
    rows: Mapping[UUID, Row] = field(default_factory=dict, repr=False)  #: every row, for what rows present
    contacts: Sequence[PastContact] = ()
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)  #: basis → how long after a contact it holds
    links: Sequence[frozenset[int]] = ()  #: pairs of keys under which one and the same citizen was registered
    dead: frozenset[int] = frozenset()  #: keys under which somebody is registered as dead
    allowances: Sequence[Allowance] = ()

    protected: frozenset[int] = frozenset()  #: keys of those whose name and address CPR protects

    def keys(self, citizen: int | None) -> frozenset[int]:
        """Every key of a citizen: those that links join, and those that links join to these."""
        keys = frozenset(() if citizen is None else (citizen,))
        while (more := keys.union(*(pair for pair in self.links if pair & keys))) != keys:
            keys = more
        return keys

    def born(self, citizen: int) -> date | None:
        """A citizen's date of birth: of several the earliest, so that no link keeps alive what age has ended."""
        return min((self.births[key] for key in self.keys(citizen) if key in self.births), default=None)

    def died(self, citizen: int) -> bool:
        """Whether somebody is registered as dead, under any of their keys."""
        return bool(self.keys(citizen) & self.dead)

    def is_protected(self, citizen: int) -> bool:
        """Whether CPR protects somebody's name and address, under any of their keys."""
        return bool(self.keys(citizen) & self.protected)

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

    def presented_by(self, row: Row) -> set[UUID]:
        """Ids of everything that a row presents, and of what that presents, to the end."""
        found: set[UUID] = set()
        waiting = list(row.contents)
        while waiting:
            one = waiting.pop()
            if one in self.rows and one not in found:
                found.add(one)
                waiting += self.rows[one].contents
        return found

    def presenting(self, row: Row) -> list[Row]:
        """The rows that present an attachment: its bytes are their content. Nothing for a row that is none."""
        if row.type_name != "Binary":
            return []
        return [one for one in self.rows.values() if row.id in one.contents and one.citizen == row.citizen]

    def parts_of(self, document: UUID) -> set[UUID]:
        """A row and everything it presents."""
        row = self.rows.get(document)
        return {document} if row is None else {document} | self.presented_by(row)

    def keys_of(self, professional: int) -> Iterator[int]:
        """The keys under which a professional may be named as author: their own, and those of their jobs, past ones too."""
        yield professional
        yield from (key for key, holder in self.recorders if holder == professional)
        for job in self.employments:
            if job.professional == professional and job.key is not None:
                yield job.key
