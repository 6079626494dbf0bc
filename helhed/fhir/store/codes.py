"""Conditions that name codes by a value set or a hierarchy, worked out by the terminology before a search runs."""

from dataclasses import replace

from helhed.fhir.query import AnyOf, Both, Chain, Condition, Either, Has, NoneOf, Not, Query
from helhed.fhir.query.model import CodesTest
from helhed.fhir.terminology import Terminology
from helhed.fhir.tokens import system_code_token
from helhed.foundation.errors import BadRequest, TooCostly

MOST_CODES = 5000


async def with_codes(query: Query, terminology: Terminology) -> Query:
    """``query`` without a ``CodesTest``. Raises BadRequest for what is not held here, TooCostly for too many codes."""
    if not query.names_codes:
        return query
    conditions = [await _condition(one, terminology) for one in query.conditions]
    return replace(query, conditions=tuple(conditions), names_codes=False)


async def _condition(condition: Condition, terminology: Terminology) -> Condition:
    match condition:
        case CodesTest():
            return await _tokens(condition, terminology)
        case Both(conditions=some) | Either(conditions=some) | Chain(conditions=some) | Has(conditions=some):
            return replace(condition, conditions=tuple([await _condition(one, terminology) for one in some]))
        case Not(condition=inner):
            return Not(await _condition(inner, terminology))
    return condition


async def _tokens(test: CodesTest, terminology: Terminology) -> Condition:
    pairs: set[tuple[str, str]] = set()
    for system, text in test.named:
        pairs |= await _pairs(test.modifier, system, text, terminology)
        if len(pairs) > MOST_CODES:
            raise TooCostly(f"{text[:80]} stands for more than {MOST_CODES} codes: ask for fewer.")
    known = {*pairs, *(("", code) for _, code in pairs if test.bare)}
    tokens = tuple(system_code_token(test.parameter, system, code) for system, code in sorted(known))
    return NoneOf(tokens) if test.modifier == "not-in" else AnyOf(tokens)


async def _pairs(modifier: str, system: str, text: str, terminology: Terminology) -> set[tuple[str, str]]:
    if modifier in {"in", "not-in"}:
        members = await terminology.codes_in(text)
        if members is None:
            raise BadRequest(f"The value set {text[:80]} is not held here, or cannot be worked out here.")
        return set(members)
    ask = terminology.descendants if modifier == "below" else terminology.ancestors
    related = await ask(system, text)
    if related is None:
        raise BadRequest(f"The code {text[:40]} of {system[:80]} is not held here.")
    return {(system, code) for code in (text, *related)}
