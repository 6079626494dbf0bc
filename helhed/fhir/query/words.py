"""``_text`` and ``_content``: words in a narrative, or anywhere in a resource (FHIR R4 search, section 3.1.1.4.14).

There is no index of words: the rows of the citizens that the search names are read through. Without one it is refused, for
reading everybody's would cost too much.
"""

from collections.abc import Sequence

from helhed.fhir.query.model import CitizenTest, Condition, IdTest, WordTest
from helhed.fhir.query.places import Place
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of

WORDS = {"_text": "text", "_content": "content"}
_MOST_CITIZENS, _MOST_WORDS = 10, 20


def words_of(place: Place, conditions: Sequence[Condition], asked: Sequence[tuple[str, str]]) -> list[WordTest]:
    """The tests for words, on the rows of those whom the other conditions name. Raises BadRequest."""
    return [
        WordTest(WORDS[name], _words(name, value), citizens_named(place, conditions, name)) for name, value in asked
    ]


def citizens_named(place: Place, conditions: Sequence[Condition], name: str) -> tuple[int, ...]:
    """Those whose rows a parameter is looked for in. Raises BadRequest for none or too many."""
    return _named(name, _citizens(place, conditions))


def _citizens(place: Place, conditions: Sequence[Condition]) -> tuple[int, ...]:
    if place.compartment == "Patient":
        return (key_of(place.owner),) if place.owner else (0,)
    for condition in conditions:
        if isinstance(condition, CitizenTest) and not condition.tokens:
            return condition.citizens or (0,)
        if isinstance(condition, IdTest) and place.types == ("Patient",):
            return tuple(key_of(one) for one in condition.ids) or (0,)
    return ()


def _named(name: str, citizens: tuple[int, ...]) -> tuple[int, ...]:
    if not 0 < len(citizens) <= _MOST_CITIZENS:
        raise BadRequest(
            f"The parameter {name} reads records through, so a search with it names at most {_MOST_CITIZENS} patients: "
            "add patient=."
        )
    return citizens


def _words(name: str, value: str) -> tuple[str, ...]:
    words = tuple(value.split())
    if not 0 < len(words) <= _MOST_WORDS:
        raise BadRequest(f"The parameter {name} has at least one word and at most {_MOST_WORDS}.")
    return words
