"""What a message of the older kind is: its syntax tree, with everything that carries meaning in it.

Frozen and comparable: two messages are equal when their trees are.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Syntax = Literal["edifact", "xml"]


class Marks(NamedTuple):
    """The service string of EDIFACT (UNA): what separates, and what releases (ISO 9735, section 5)."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    reserved: str = " "
    end: str = "'"


class Segment(NamedTuple):
    """One segment: its tag, and its elements with their components, empty ones too."""

    tag: str
    elements: tuple[tuple[str, ...], ...]

    def at(self, element: int, component: int) -> str:
        """A component, both counted from 1 as the standard does; "" where it is not there."""
        if element > len(self.elements) or component > len(self.elements[element - 1]):
            return ""
        return self.elements[element - 1][component - 1]


DEFAULT = Marks()


@dataclass(frozen=True, slots=True)
class Interchange:
    """An EDIFACT interchange, UNB to UNZ."""

    segments: tuple[Segment, ...]
    marks: Marks = DEFAULT
    una: bool = True  #: whether it begins with its service string
    gap: str = "\n"  #: what stands after each segment's end: nothing, or an end of line
    tail: str = "\n"  #: what stands after the last


class Element(NamedTuple):
    """One element of XML, its text and children in order; names and attributes as they are written."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: "tuple[Element | str, ...]" = ()

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Document:
    """An XML document: ``prolog`` and ``epilog`` are what stands before and after the root, word for word."""

    root: Element
    prolog: str = ""
    epilog: str = ""


@dataclass(frozen=True, slots=True)
class Legacy:
    """A message as it was sent: MedCom's EDIFACT or its XML. ``charset`` is a Python codec.

    ``normalised`` says what ``encode`` writes otherwise than it was read, in plain words: () for what comes back byte for byte.
    """

    content: Interchange | Document
    charset: str = "utf-8"
    bom: bool = False
    normalised: tuple[str, ...] = field(default=(), compare=False)

    @property
    def syntax(self) -> Syntax:
        """Which of the two it is."""
        return "edifact" if isinstance(self.content, Interchange) else "xml"
