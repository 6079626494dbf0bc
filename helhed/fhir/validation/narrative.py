"""Narrative is shown to people, so it is held to the safe part of XHTML (FHIR R4 narrative, section 2.4.3)."""

import re
from xml.parsers import expat

_ELEMENTS = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "address",
        "b",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "map",
        "area",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "ins",
        "del",
    ]
)
_SAFE_LINK = re.compile(
    r"^(#|https?:|mailto:|tel:|urn:|data:image/(png|jpeg|gif);|[A-Za-z0-9_./-]+(#[A-Za-z0-9_./:%-]*)?$)", re.IGNORECASE
)
#: Deeper than any page is written; what shows a narrative walks it by recursion (browsers, renderers, sanitisers).
_DEEPEST = 64
_STYLE = re.compile(r"url\s*\(|expression\s*\(|@import|position\s*:|behavior\s*:|javascript:", re.IGNORECASE)


class _Unsafe(Exception):
    """Something the safe part does not have."""


def narrative_problem(div: object) -> str | None:
    """What is wrong with ``text.div``, as a sentence; None when it is safe."""
    if not isinstance(div, str):
        return "A narrative needs its div."
    if "<!" in div or "<?" in div:
        return "The narrative may hold no declarations or processing instructions."
    page = _Page()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = page.opened
    parser.EndElementHandler = page.closed
    try:
        parser.Parse(div, True)
    except expat.ExpatError:
        return "The narrative is not well-formed XHTML."
    except _Unsafe as unsafe:
        return str(unsafe)
    return None if page.root == "div" else "The narrative must be one div."


class _Page:
    """Where the parser stands in a narrative."""

    def __init__(self) -> None:
        self.root = ""
        self._depth = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises _Unsafe."""
        namespace, _, local = name.rpartition(" ")
        if namespace != "http://www.w3.org/1999/xhtml":
            raise _Unsafe("The narrative's div must be in the XHTML namespace.")
        if local not in _ELEMENTS:
            raise _Unsafe(f"The narrative may not hold the element {local[:20]}.")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unsafe(f"The narrative is nested deeper than {_DEEPEST} elements.")
        self.root = self.root or local
        for attribute, value in attributes.items():
            _check(attribute.rpartition(" ")[2], value)

    def closed(self, _name: str) -> None:
        """An element ends."""
        self._depth -= 1


def _check(attribute: str, value: str) -> None:
    if attribute.lower().startswith("on"):
        raise _Unsafe("The narrative may hold no event handlers.")
    if attribute in {"href", "src"} and not _SAFE_LINK.match(value.strip()):
        raise _Unsafe("The narrative holds a link that is not safe to follow.")
    if attribute == "style" and _STYLE.search(value):
        raise _Unsafe("The narrative holds styling that reaches outside itself.")
