"""XML in: one pass over the document, each element held against its definition as it opens.

The parser is expat without a DTD (decision 0015): a DOCTYPE is refused when it begins, so there is no entity to expand and
nothing to fetch.
"""

from typing import Any
from xml.parsers import expat

from helhed.fhir import exact
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.parsing import DEFAULT_LIMITS, Limits
from helhed.fhir.xml.cost import MOST_ELEMENTS, check_cost, too_many_elements
from helhed.fhir.xml.frames import Complex, Frame, Primitive, Slot
from helhed.fhir.xml.names import FHIR, NARRATIVE
from helhed.fhir.xml.narrative import Narrative
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, TooLarge
from helhed.foundation.settings import RESOURCE_ELEMENTS

#: these hold other resources, each of which is weighed for itself
_HOLDERS = frozenset({"Bundle", "Parameters"})


def json_of(raw: bytes, *, limits: Limits = DEFAULT_LIMITS, most_elements: int = RESOURCE_ELEMENTS) -> bytes:
    """The JSON of a resource in XML, which is yet to be validated. Raises BadRequest, InvalidResource or TooLarge.

    ``most_elements`` is what one resource may hold: each of them becomes at least one property or list item.
    """
    if len(raw) > limits.bytes:
        raise TooLarge(f"The document is larger than {limits.bytes // 2**20} MiB.")
    if b"\0" in raw:  # UTF-16 has one in each of its brackets, and a byte order mark would make expat follow it
        raise BadRequest("Send XML 1.0 in UTF-8.")
    check_cost(raw)
    reader = _Reader(limits, most_elements)
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.XmlDeclHandler = _declared
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.opened
    parser.EndElementHandler = reader.closed
    parser.CharacterDataHandler = reader.said
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise BadRequest(
            f"The document is not well-formed XML in UTF-8: line {error.lineno}, column {error.offset + 1}."
        ) from None
    return exact.dumps(reader.found)


def _declared(version: str, encoding: str | None, _standalone: int) -> None:
    if version != "1.0" or (encoding or "utf-8").lower() != "utf-8":
        raise BadRequest("Send XML 1.0 in UTF-8.")


def _refuse_doctype(*_: object) -> None:
    raise BadRequest("A FHIR document has no DOCTYPE.")


class _Reader:
    """Where the parser stands."""

    def __init__(self, limits: Limits, most_elements: int) -> None:
        self.found: dict[str, Any] = {}
        self._depth = limits.depth
        self._longest = limits.number_characters
        self._open: list[Frame] = []
        self._narrative: Narrative | None = None
        self._elements = 0
        self._most = MOST_ELEMENTS
        self._most_of_one = most_elements

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        namespace, _, name = tag.rpartition(" ")
        if self._narrative is not None:
            if self._narrative.depth >= self._depth:
                raise BadRequest(f"The narrative is nested deeper than {self._depth} levels.")
            self._narrative.opened(namespace, name, attributes)
            return
        self._elements += 1  # narratives are text, not elements
        if self._elements > self._most:
            raise too_many_elements(self._most)
        if len(self._open) >= self._depth:
            raise BadRequest(f"The document is nested deeper than {self._depth} levels.")
        if not self._open:
            self._open.append(_root(namespace, name, attributes))
            self._most = MOST_ELEMENTS if name in _HOLDERS else min(self._most_of_one, MOST_ELEMENTS)
            return
        slot = self._open[-1].slot(namespace, name)
        if slot.kind == NARRATIVE:
            self._narrative = Narrative(slot.place)
            self._narrative.opened(namespace, name, attributes)
        self._open.append(slot.frame(attributes, self._longest))

    def closed(self, _tag: str) -> None:
        """An element ends."""
        frame = self._open[-1]
        if self._narrative is not None:
            self._narrative.closed()
            if self._narrative.depth:
                return
            assert isinstance(frame, Primitive)
            frame.value = self._narrative.text
            self._narrative = None
        self._open.pop()
        value, extra = frame.ended()
        if self._open:
            self._open[-1].take(frame.slot_taken, value, extra)
        else:
            self.found = value

    def said(self, text: str) -> None:
        """Text between elements: FHIR has it in narratives alone."""
        if self._narrative is not None:
            self._narrative.said(text)
        elif text.strip(" \t\r\n"):
            place = self._open[-1].place
            raise InvalidResource(
                issues=[Issue("structure", "Text stands in attributes called value, not between elements.", place)]
            )


def _root(namespace: str, name: str, attributes: dict[str, str]) -> Frame:
    if namespace != FHIR:
        raise InvalidResource(issues=[Issue("structure", f"The document must be in the namespace {FHIR}.", name[:60])])
    if name not in TYPE_NUMBERS:
        raise InvalidResource(issues=[Issue("structure", f"{name[:60]!r} is not a type of resource.", name[:60])])
    return Complex(Slot("", name, name, many=False), attributes)
