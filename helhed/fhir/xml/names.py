"""What XML calls things, and where it differs from JSON."""

from functools import cache

from helhed.fhir.definitions import TYPE_NUMBERS, facts

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_ANY_RESOURCE = "Resource"
NARRATIVE = "xhtml"
BOOLEAN, DECIMAL = "boolean", "decimal"
WHOLE_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_ATTRIBUTES = frozenset({"id"})
_OF_EXTENSIONS = frozenset({"id", "url"})
_NONE: frozenset[str] = frozenset()


def holds_resource(kind: str) -> bool:
    """Whether an element of that type holds a whole resource, which XML writes in an element of its own."""
    return kind == _ANY_RESOURCE or kind in TYPE_NUMBERS


def attributes_of(kind: str) -> frozenset[str]:
    """The elements of a type that XML writes as attributes; the id of a resource is an element."""
    if kind in TYPE_NUMBERS:
        return _NONE
    return _OF_EXTENSIONS if kind == "Extension" else _ATTRIBUTES


@cache
def positions(kind: str) -> dict[str, int]:
    """Property -> where it stands among the elements of its type; all forms of a choice stand in the same place."""
    places = {element: place for place, element in enumerate(facts.elements(kind))}
    return {name: places[element.name] for name, (element, _) in facts.properties(kind).items()}
