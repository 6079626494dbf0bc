"""Conditions made of conditions, as a plan says them: hops to other rows, and the words of logic."""

from collections.abc import Callable, Sequence
from typing import Any

from helhed.fhir.query import Both, Chain, Condition, Either, Has, Not, TypeTest
from helhed.fhir.query.model import Logical, WordTest
from helhed.fhir.tokens import reference_salt

Plain = Callable[[Condition], dict[str, Any]]


def logical(condition: Logical, plain: Plain) -> dict[str, Any]:
    """The condition as data; ``plain`` says the conditions in it."""

    def each(conditions: Sequence[Condition]) -> list[dict[str, Any]]:
        return [plain(one) for one in conditions]

    match condition:
        case Chain(parameter, target, own, inner):
            salt = str(reference_salt(parameter, target))
            return {"k": "chain", "t": target, "own": own, "salt": salt, "where": each(inner)}
        case Has(source, parameter, target, own, inner):
            salt = str(reference_salt(parameter, target))
            return {"k": "has", "t": source, "own": own, "salt": salt, "where": each(inner)}
        case Both(inner):
            return {"k": "both", "of": each(inner)}
        case Either(inner):
            return {"k": "either", "of": each(inner)}
        case Not(inner_one):
            return {"k": "not", "of": [plain(inner_one)]}
        case WordTest(where, words, citizens):
            return {"k": where, "words": list(words), "citizens": [str(one) for one in citizens]}
        case TypeTest(types):
            return {"k": "type", "types": list(types)}
