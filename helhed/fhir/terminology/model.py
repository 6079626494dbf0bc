"""What a terminology is made of, as importers hand it over, and what can be wrong when it is asked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from helhed.foundation.errors import Issue, Unknown, Unprocessable

Json = dict[str, Any]


class Designation(NamedTuple):
    """Another text for a concept."""

    language: str
    use: str  #: code of its use, "" for none
    value: str


class Property(NamedTuple):
    """A property of a concept, its value as text."""

    code: str
    type: str  #: code, Coding, string, integer, boolean, dateTime or decimal
    value: str


@dataclass(slots=True)
class Concept:
    """One concept of a code system."""

    code: str
    display: str = ""
    definition: str = ""
    parents: list[str] = field(default_factory=list)
    designations: list[Designation] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    active: bool = True
    abstract: bool = False


@dataclass(slots=True)
class CodeSystem:
    """One version of a code system, or of a supplement to one."""

    url: str
    version: str
    concepts: Iterable[Concept]
    title: str = ""
    content: str = "complete"
    supplements: str = ""
    case_sensitive: bool = True
    language: str = ""


class Coding(NamedTuple):
    """A code in its system."""

    system: str
    code: str
    version: str = ""
    display: str = ""


class UnknownTerminology(Unknown):
    """This code system, value set or concept map is not held here."""

    def __init__(self, what: str, url: str) -> None:
        super().__init__(issues=[Issue("not-found", f"{what} {url[:300]} is not held here.")])


class Undecided(Unprocessable):
    """What is held here does not suffice to say."""

    code = "incomplete"


class BadValueSet(Unprocessable):
    """The value set cannot be worked out."""

    code = "invalid"


def split_canonical(canonical: str) -> tuple[str, str]:
    """URL and version of a canonical; "" for no version."""
    url, _, version = canonical.partition("|")
    return url, version
