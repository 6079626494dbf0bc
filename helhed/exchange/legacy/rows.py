"""A row of the tables: a segment of EDIFACT as it is written, with its fields in braces.

``NAD+SSP+{Identifier}:{IdentifierCode|identifier}++{OrganisationName}:::::~US``: a plain word chooses the row; ``~`` is a word that
is usual and says nothing of its own; ``{*}`` is structure that may be anything; ``{Field|form}`` is a field in one of its forms;
``{text:Field}`` is the text of FTX segments, ``{each:Field}`` that of one FTX segment.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

_SLOT = re.compile(r"\{(?:(text|each):)?([^|}]+)(?:\|([a-z0-9_]+))?\}")
ANY = "*"


class Slot(NamedTuple):
    """Where a field stands in a segment, and in which form. ``text`` is "text" or "each" for what FTX says."""

    element: int
    component: int
    field: str
    form: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one segment says."""

    within: str  #: the segment group, "" before the first, "*" any
    tag: str
    begins: str  #: the group of fields that begins here
    chosen: tuple[tuple[int, int, str], ...]  #: what must stand where
    usual: frozenset[tuple[int, int, str]]  #: what stands where and says nothing
    loose: frozenset[tuple[int, int]]  #: structure that may be anything
    slots: tuple[Slot, ...]
    template: tuple[tuple[Any, ...], ...]  #: for writing: words and slots
    of: str = ""
    families: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    stay: bool = False
    forms: tuple[tuple[str, str], ...] = ()  #: fields that the choosing word tells, in these forms

    @property
    def text(self) -> Slot | None:
        """The slot of free text, if it has one."""
        return next((slot for slot in self.slots if slot.text), None)


def row(within: str, text: str, begins: str = "", more: dict[str, Any] | None = None) -> Row:
    """The row that a table writes."""
    more = more or {}
    tag, *elements = text.split("+")
    template: list[tuple[Any, ...]] = []
    for number, element in enumerate(elements, 1):
        template.append(tuple(_piece(number, at, word) for at, word in enumerate(_components(element), 1)))
    flat = [(e, c, piece) for e, pieces in enumerate(template, 1) for c, piece in enumerate(pieces, 1)]
    words = [(e, c, piece) for e, c, piece in flat if isinstance(piece, str) and piece and piece != ANY]
    forms = tuple((name, form) for name, form in more.items() if name not in _OPTIONS)
    chosen = tuple((e, c, word) for e, c, word in words if not word.startswith("~"))
    return Row(
        within=within,
        tag=tag,
        begins=begins,
        chosen=chosen,
        usual=frozenset((e, c, word.removeprefix("~")) for e, c, word in words),
        loose=frozenset((e, c) for e, c, piece in flat if piece == ANY),
        slots=tuple(piece for _, _, piece in flat if isinstance(piece, Slot)) + _told(chosen, forms),
        template=tuple(template),
        of=more.get("of", ""),
        families=frozenset(more.get("family", ())),
        only=frozenset(more.get("only", ())),
        unless=frozenset(more.get("unless", ())),
        stay=bool(more.get("stay")),
        forms=forms,
    )


_OPTIONS = frozenset({"of", "family", "only", "unless", "stay"})


def _told(chosen: tuple[tuple[int, int, str], ...], forms: tuple[tuple[str, str], ...]) -> tuple[Slot, ...]:
    """A choosing word that is a field's value too."""
    return tuple(Slot(chosen[0][0], chosen[0][1], name, form) for name, form in forms)


def _components(element: str) -> list[str]:
    return re.findall(r"((?:\{[^}]*\}|[^:{])*)(?::|$)", element)[: element.count(":") - _within(element) + 1]


def _within(element: str) -> int:
    return sum(found.count(":") for found in re.findall(r"\{[^}]*\}", element))


def _piece(element: int, component: int, word: str) -> str | Slot:
    found = _SLOT.fullmatch(word)
    if not found:
        return word
    if found[2] == ANY:
        return ANY
    return Slot(element, component, found[2], found[3] or "", found[1] or "")
