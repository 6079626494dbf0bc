"""Whom a search names: each look at them is logged, whatever it finds."""

from collections.abc import Iterator, Sequence

from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.query.model import AnyOf, Both, Chain, CitizenTest, Condition, Either, Has, IdTest, Not
from helhed.foundation.ids import key_of


def named_citizens(type_name: str, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Citizens that the conditions name outright, through whatever hops."""
    named: list[int] = []
    for of, condition in _each(type_name, conditions):
        if isinstance(condition, CitizenTest):
            named += condition.citizens
        elif isinstance(condition, IdTest) and of == "Patient":
            named += (key_of(one) for one in condition.ids)
    return tuple(dict.fromkeys(named))


def named_tokens(type_name: str, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Tokens of identifiers that may name citizens: which ones they do name, the database tells for the log."""
    named: list[int] = []
    for of, condition in _each(type_name, conditions):
        if isinstance(condition, AnyOf) and of == "Patient":
            named += condition.tokens
    return tuple(dict.fromkeys(named))


def _each(type_name: str, conditions: Sequence[Condition]) -> Iterator[tuple[str, Condition]]:
    """Every condition with the type of the rows that it is about, those within others too."""
    for condition in conditions:
        match condition:
            case Chain(target_type=number, conditions=inner) | Has(source_type=number, conditions=inner):
                yield from _each(TYPE_NAMES[number], inner)
            case Both(inner) | Either(inner):
                yield from _each(type_name, inner)
            case Not(inner_one):
                yield from _each(type_name, (inner_one,))
            case _:
                yield type_name, condition
