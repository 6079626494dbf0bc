"""``:text`` of a token: the words beside its code (FHIR R4 search, section 3.1.1.4.4; http://hl7.org/fhir/search-modifier-code).

It is processed as a string: a text that begins so, whatever its case and accents. No index holds the texts of R4's own parameters. They
are read in the bodies of citizens whom the search names, and of what belongs to nobody.
"""

from collections.abc import Sequence
from dataclasses import replace

from helhed.fhir.definitions import Ownership, SearchParameter, TypeDefinition
from helhed.fhir.indexing.text import normalise
from helhed.fhir.query.jsonpaths import jsonpath
from helhed.fhir.query.model import Both, CodedTextTest, Condition, Either, Not, StringTest
from helhed.fhir.query.places import Place
from helhed.fhir.query.refusals import Unsupported
from helhed.fhir.query.text import unescape
from helhed.fhir.query.words import citizens_named
from helhed.foundation.errors import BadRequest

_TEXTS = {
    "CodeableConcept": (("text",), ("coding", "display")),
    "Coding": (("display",),),
    "Identifier": (("type", "text"),),
}


def coded_text(
    definition: TypeDefinition, parameter: SearchParameter, name: str, found: Sequence[str], depth: int
) -> Condition:
    """The condition behind ``code:text=value``. Raises Unsupported or BadRequest."""
    texts = tuple(normalise(unescape(one)) for one in found)
    if not all(texts):
        raise BadRequest(f"The parameter {name} has an empty value.")
    if parameter.custom is not None:
        return StringTest(parameter.custom.text_number, "starts", texts)
    paths = tuple(jsonpath(path, last) for path in parameter.paths for last in _TEXTS.get(path.kind, ()))
    if not paths:
        raise Unsupported(
            f"The parameter {name} has a modifier that is not supported: no text stands beside its values."
        )
    owned = definition.ownership is Ownership.CITIZEN
    if owned and depth:
        raise Unsupported(f"The parameter {name} reads records through, so it is not asked beyond a reference.")
    return CodedTextTest(definition.number, paths, texts, owned)


def bounded(place: Place, conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions, texts looked for in the rows of those whom the others name. Raises BadRequest."""
    return [_bounded(place, conditions, one) for one in conditions]


def _bounded(place: Place, conditions: Sequence[Condition], one: Condition) -> Condition:
    match one:
        case CodedTextTest(owned=True):
            return replace(one, citizens=citizens_named(place, conditions, ":text"))
        case Both(some) | Either(some):
            return replace(one, conditions=tuple(_bounded(place, conditions, inner) for inner in some))
        case Not(inner):
            return Not(_bounded(place, conditions, inner))
    return one


__all__ = ["bounded", "coded_text"]
