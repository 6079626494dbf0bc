"""A parsed search: conditions on rows, order, page, includes. Numbers and values only; no names, no SQL."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from helhed.fhir.definitions import SearchParameter

#: (prefix eq|ne|gt|lt|ge|le|sa|eb|ap, first, last microsecond of the value)
Alternative = tuple[str, datetime, datetime]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the tokens is in the row."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of the tokens is in the row."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CodesTest:
    """A coded value is one of those that a value set or a hierarchy holds; the terminology says which (store.codes)."""

    parameter: int
    modifier: str  #: in, not-in, below or above
    named: tuple[tuple[str, str], ...]  #: ("", URL of a value set), or (system, code)
    bare: bool = False  #: its values may be codes whose system goes without saying


@dataclass(frozen=True, slots=True)
class DateTest:
    """The parameter's date meets one of the alternatives."""

    parameter: int
    primary: bool  #: the type's primary date, which is a column of the row
    alternatives: tuple[Alternative, ...]


class NumberAlternative(NamedTuple):
    """A number with its prefix: [lo, hi) is what its precision covers. On one measure, or as written."""

    prefix: str
    lo: float
    hi: float
    exact: float
    measure: str = "any"  #: any, canonical or code
    unit: float = 0.0


@dataclass(frozen=True, slots=True)
class NumberTest:
    """A number under one of the keys meets one of the alternatives."""

    keys: tuple[float, ...]
    alternatives: tuple[NumberAlternative, ...]


@dataclass(frozen=True, slots=True)
class NumberPair:
    """Two numbers of one element meet one alternative each."""

    key: float
    first: NumberAlternative
    second: NumberAlternative


@dataclass(frozen=True, slots=True)
class UpdatedTest:
    """When the row was last written."""

    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class StringTest:
    """One of the values: ``starts`` and ``contains`` are normalised, ``exact`` is as written."""

    parameter: int
    mode: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodedTextTest:
    """A text beside a code, at one of the paths of the type's rows, begins with one of the values, which are normalised."""

    type_number: int
    paths: tuple[str, ...]
    values: tuple[str, ...]
    owned: bool  #: whether the type's rows are citizens': then in the rows of these
    citizens: tuple[int, ...] = ()


class NearAlternative(NamedTuple):
    """A circle, and the cells of the grid that it meets; None when every place is to be looked at."""

    latitude: float
    longitude: float
    metres: float
    cells: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class NearTest:
    """A place lies in one of the circles."""

    parameter: int
    alternatives: tuple[NearAlternative, ...]


@dataclass(frozen=True, slots=True)
class IdTest:
    """The row is one of these."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CitizenTest:
    """The row belongs to one of these citizens (keys), or has one of the tokens."""

    citizens: tuple[int, ...]
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """The parameter refers to a visible row of ``target_type`` that meets the conditions."""

    parameter: int
    target_type: int
    through_citizen: bool  #: the reference is the row's home citizen
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Has:
    """A visible row of ``source_type`` that meets the conditions refers to this one, of ``target_type``, by the parameter."""

    source_type: int
    parameter: int
    target_type: int
    by_citizen: bool  #: the reference is the source row's home citizen
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Both:
    """All of the conditions hold."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the conditions holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class TypeTest:
    """The row is of one of these types."""

    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WordTest:
    """All of the words stand in the narrative (``text``) or anywhere in the row (``content``), which is of these citizens."""

    where: str
    words: tuple[str, ...]
    citizens: tuple[int, ...]


Logical = WordTest | Chain | Has | Both | Either | Not | TypeTest
Plain = (
    AnyOf
    | NoneOf
    | CodesTest
    | DateTest
    | UpdatedTest
    | StringTest
    | NumberTest
    | NumberPair
    | IdTest
    | CitizenTest
    | CodedTextTest
    | NearTest
)
Condition = Plain | Logical


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key. ``kind``: date (primary), updated, id, parameter_date, string; number, by ``keys``; word, read at ``paths``."""

    kind: str
    parameter: int
    descending: bool
    paths: tuple[str, ...] = ()  #: PostgreSQL jsonpaths
    keys: tuple[int, ...] = ()  #: keys of numbers in the row


@dataclass(frozen=True, slots=True)
class Include:
    """Rows that matches refer to by ``parameter`` (or, reversed, rows of ``source_type`` that refer to matches)."""

    parameter: SearchParameter
    source_type: str
    target_type: str | None  #: None for whatever it refers to
    reverse: bool
    again: bool = False  #: also for what was included (``:iterate``)


class LeftOut(NamedTuple):
    """A parameter that lenient handling left out, and why."""

    name: str
    why: str
    widens: bool  #: without it the search may find more than was asked for


class Shape(NamedTuple):
    """How much of each resource is wanted; the whole of it when nothing is said."""

    summary: str = ""  #: true, text, data
    elements: tuple[str, ...] = ()


WHOLE = Shape()


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one type, or of several."""

    type_name: str  #: "" for several
    type_number: int  #: 0 for several
    conditions: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    total: bool = False
    includes: tuple[Include, ...] = ()
    cursor: str | None = None
    named_citizens: tuple[int, ...] = ()  #: citizens the request names: each look at them is logged
    named_tokens: tuple[int, ...] = ()  #: identifier tokens of Patients it names
    names_codes: bool = False  #: holds a ``CodesTest``
    young: bool = False  #: asks for a kind of parameter that an earlier release did not index
    near: bool = False  #: asks where a place lies
    custom: tuple[int, ...] = ()  #: parameters beside R4's own that it asks for
    primary_code: int | None = None  #: the one system|code token on the primary code, when that is asked for
    applied: tuple[tuple[str, str], ...] = field(default=())  #: what was understood, for the self link
    ignored: tuple[LeftOut, ...] = ()  #: what lenient handling left out
    place: str = ""  #: where it was asked, as a path (``query.places``)
    types: tuple[int, ...] = ()  #: numbers of the types searched
    shape: Shape = WHOLE
    explain: bool = False  #: an operator asks how it is done
