"""Composite parameters in a search: ``code$value``, both of one element (FHIR R4 search, section 3.1.1.4.12)."""

from collections.abc import Callable

from helhed.fhir.definitions import Composite, SearchParameter, TypeDefinition
from helhed.fhir.query.model import AllOf, AnyOf, Condition, NumberPair, NumberTest, OneOf
from helhed.fhir.query.numbers import number_alternative, quantity_alternative
from helhed.fhir.query.text import split, unescape
from helhed.fhir.tokens import number_key, pair_token
from helhed.foundation.errors import BadRequest

#: (parameter code, value) -> condition, for parts that stand in the resource itself
Plain = Callable[[str, str], Condition]


def composite_test(
    definition: TypeDefinition, parameter: SearchParameter, name: str, found: list[str], plain: Plain
) -> Condition:
    """The condition behind alternatives ``a$b``. Raises BadRequest."""
    composite = parameter.composite
    assert composite is not None
    alternatives = [_alternative(parameter, composite, name, text, plain) for text in found]
    return alternatives[0] if len(alternatives) == 1 else OneOf(tuple(alternatives))


def _alternative(parameter: SearchParameter, composite: Composite, name: str, text: str, plain: Plain) -> Condition:
    parts = split(text, "$")
    if len(parts) != len(composite.components) or not all(parts):
        wanted = "$".join(component.parameter for component in composite.components)
        raise BadRequest(f"The parameter {name} is {wanted}.")
    ways: list[Condition] = []
    if composite.whole:
        ways.append(
            AllOf(tuple(plain(one.parameter, part) for one, part in zip(composite.components, parts, strict=True)))
        )
    if composite.elements:
        ways.append(_in_element(parameter.number, composite, name, parts, plain))
    return ways[0] if len(ways) == 1 else OneOf(tuple(ways))


def _in_element(number: int, composite: Composite, name: str, parts: list[str], plain: Plain) -> Condition:
    first = composite.components[0]
    match composite.kinds:
        case ("token" | "reference", "token"):
            coded = _coded(name, parts[0]) if first.kind == "token" else unescape(parts[0])
            return AnyOf((pair_token(number, coded, _coded(name, parts[1])),))
        case (_, "quantity"):
            key = number_key(number, _coded(name, parts[0]))
            return NumberTest((key,), (quantity_alternative(name, parts[1]),))
        case (_, "number", "number"):
            pair = NumberPair(float(number), number_alternative(name, parts[1]), number_alternative(name, parts[2]))
            return AllOf((plain(first.parameter, parts[0]), pair))
    raise TypeError(composite.kinds)


def _coded(name: str, text: str) -> str:
    """``code``, ``system|code`` or ``|code``, as the index writes it."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2 or not parts[-1]:
        raise BadRequest(f"In the parameter {name} a code is code, system|code or |code.")
    return "|".join(parts)
