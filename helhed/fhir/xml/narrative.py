"""The XHTML of a narrative on its way from an XML document into a JSON string."""

from xml.sax.saxutils import escape

from helhed.fhir.xml.names import XHTML
from helhed.foundation.errors import InvalidResource, Issue

#: written without an end: a browser takes <br></br> for two breaks, and <td/> for one that never ends
_VOID = frozenset({"area", "br", "col", "hr", "img"})
_XML = "http://www.w3.org/XML/1998/namespace"
_IN_ATTRIBUTES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


class Narrative:
    """One div, written again with the XHTML namespace as its default."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._parts: list[str] = []
        self._names: list[str] = []

    @property
    def depth(self) -> int:
        """How many elements are open."""
        return len(self._names)

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._parts)

    def opened(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises InvalidResource for what is not XHTML."""
        if namespace != XHTML:
            raise self._refused(f"The element {name[:40]!r} is not in the namespace {XHTML}.")
        written = "" if self._names else f' xmlns="{XHTML}"'
        for full, value in attributes.items():
            space, _, local = full.rpartition(" ")
            if space not in {"", _XML}:
                raise self._refused(f"The attribute {local[:40]!r} is not of XHTML.")
            written += f' {"xml:" if space else ""}{local}="{escape(value, _IN_ATTRIBUTES)}"'
        self._names.append(name)
        self._parts.append(f"<{name}{written}>")

    def closed(self) -> None:
        """An element ends."""
        name = self._names.pop()
        if name in _VOID and self._parts[-1].startswith(f"<{name}"):
            self._parts[-1] = self._parts[-1][:-1] + "/>"
        else:
            self._parts.append(f"</{name}>")

    def said(self, text: str) -> None:
        """Text between elements."""
        self._parts.append(escape(text, {"\r": "&#13;"}))

    def _refused(self, sentence: str) -> InvalidResource:
        return InvalidResource(issues=[Issue("structure", sentence, self._place)])
