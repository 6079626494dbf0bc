"""The ``_filter`` parameter (http://hl7.org/fhir/R4/search_filter.html): expressions over search parameters.

    filter = paramExp / logExp / "not" "(" filter ")"      paramExp = path SP operator SP value
    path = name ["[" filter "]"] ["." path]                 value = "JSON string" / token

``and`` binds as strongly as ``or``: an expression that mixes them says by parentheses what it means, and is refused when it
does not, for the specification gives neither the precedence.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from helhed.fhir.definitions import TypeDefinition, type_definition
from helhed.fhir.query.model import (
    AnyOf,
    Both,
    Chain,
    CitizenTest,
    Condition,
    DateTest,
    Either,
    Has,
    IdTest,
    Not,
    StringTest,
    UpdatedTest,
)
from helhed.fhir.query.refusals import Unsupported
from helhed.foundation.errors import BadRequest

FILTER = "_filter"
_MOST_TERMS, _DEEPEST = 40, 8
_TOKEN = re.compile(r'\s*(?:(?P<mark>[()\[\]])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()\[\]"]+))')
_PREFIXES = frozenset({"gt", "lt", "ge", "le", "ap", "sa", "eb"})
_MODIFIERS = {"in": "in", "ni": "not-in", "ss": "above", "sb": "below"}
_STRINGS = {"eq": "equals", "co": "contains", "sw": "starts", "ew": "ends"}
_OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "pr", "po", "re", *_PREFIXES, *_MODIFIERS})

Read = Callable[[TypeDefinition, str, str, int], Condition]


class Filter:
    """One expression, read from its beginning to its end."""

    def __init__(self, read: Read, definition: TypeDefinition, text: str, hops: int) -> None:
        self._read = read
        self._definition = definition
        self._words = list(_words(text))
        self._at = 0
        self._terms = 0
        self._hops = hops
        self.identifying: list[
            tuple[str, Condition]
        ] = []  #: comparisons of business identifiers, by the type they begin at

    def condition(self) -> Condition:
        """The condition of the whole expression. Raises BadRequest or Unsupported."""
        found = self._logic(self._definition, 0)
        if self._at < len(self._words):
            raise _wrong(f"there is more than an expression, at {self._words[self._at][:40]!r}")
        return found

    def _next(self, what: str) -> str:
        if self._at >= len(self._words):
            raise _wrong(f"it ends where {what} must follow")
        self._at += 1
        return self._words[self._at - 1]

    def _take(self, mark: str) -> None:
        word = self._next(repr(mark))
        if word != mark:
            raise _wrong(f"{word[:40]!r} stands where {mark!r} must")

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _logic(self, definition: TypeDefinition, depth: int) -> Condition:
        found = [self._one(definition, depth)]
        joint = self._peek()
        while (word := self._peek()) in {"and", "or"}:
            if word != joint:
                raise _wrong("'and' and 'or' stand beside each other: put parentheses around one of them")
            self._at += 1
            found.append(self._one(definition, depth))
        if len(found) == 1:
            return found[0]
        return Both(tuple(found)) if joint == "and" else Either(tuple(found))

    def _one(self, definition: TypeDefinition, depth: int) -> Condition:
        self._terms += 1
        if depth > _DEEPEST or self._terms > _MOST_TERMS:
            raise BadRequest(f"The parameter _filter has at most {_MOST_TERMS} terms, {_DEEPEST} deep.")
        word = self._next("an expression")
        if word == "not" and self._peek() == "(":
            return Not(self._one(definition, depth + 1))
        if word == "(":
            found = self._logic(definition, depth + 1)
            self._take(")")
            return found
        if word in {")", "[", "]"} or word.startswith('"'):
            raise _wrong(f"{word[:40]!r} stands where a parameter must")
        if self._peek() == "[":
            return self._filtered_hop(definition, word, depth)
        return self._test(definition, word)

    def _filtered_hop(self, definition: TypeDefinition, name: str, depth: int) -> Condition:
        """``encounter[status eq finished].type eq x``: one row beyond the reference meets both."""
        code, _, target = name.partition(":")
        parameter = definition.parameters.get(code)
        targets = [target] if target else list(parameter.targets if parameter else ())
        if len(targets) != 1:
            raise BadRequest(
                f"The parameter _filter goes through {code[:60]!r}, which fits {len(targets)} types: name one."
            )
        chain = self._read(definition, f"{code}:{targets[0]}._id", "none", self._hops)
        self._take("[")
        inner = self._logic(type_definition(targets[0]), depth + 1)
        self._take("]")
        rest = self._next("a path")
        if not rest.startswith(".") or not isinstance(chain, Chain):
            raise _wrong(f"{rest[:40]!r} stands where a path must go on")
        beyond = self._test(type_definition(targets[0]), rest[1:])
        return replace(chain, conditions=(inner, beyond))

    def _test(self, definition: TypeDefinition, path: str) -> Condition:
        operator = self._next("an operator")
        if operator not in _OPERATORS:
            raise Unsupported(f"The parameter _filter has no operator called {operator[:20]!r}.")
        word = self._next("a value")
        value = _unquoted(word) if word.startswith('"') else word
        if operator == "pr":
            if value not in {"true", "false"}:
                raise _wrong("'pr' is true or false")
            return self._read(definition, f"{path}:missing", "false" if value == "true" else "true", self._hops)
        found = self._compared(definition, path, "eq" if operator == "ne" else operator, value)
        if re.split("[.:]", path)[-1] == "identifier" and not value.endswith("|"):
            self.identifying.append((definition.name, found))
        return Not(found) if operator == "ne" else found

    def _compared(self, definition: TypeDefinition, path: str, operator: str, value: str) -> Condition:
        """A test as the search parameter that asks the same; what strings do otherwise is changed in what it became."""
        if path.rsplit(".", maxsplit=1)[-1] == FILTER:
            raise Unsupported("The parameter _filter does not hold another one.")
        escaped = _escaped(value)
        if operator in _MODIFIERS:
            return self._read(definition, f"{path}:{_MODIFIERS[operator]}", escaped, self._hops)
        prefixed = operator in _PREFIXES or operator == "po"
        found = self._read(definition, path, f"{'eq' if operator == 'po' else operator}{escaped}" if prefixed else escaped, self._hops)  # fmt: skip
        return _changed(found, operator, path, value)


def _changed(condition: Condition, operator: str, path: str, value: str) -> Condition:
    """The condition at the end of the hops with the filter's operator. Raises Unsupported."""
    match condition:
        case Chain(conditions=inner) | Has(conditions=inner):
            return replace(condition, conditions=tuple(_changed(one, operator, path, value) for one in inner))
        case Either(several):
            return Either(tuple(_changed(one, operator, path, value) for one in several))
        case StringTest() as test:
            if operator not in _STRINGS:
                raise Unsupported(f"The parameter _filter compares the text {path[:60]} by eq, ne, co, sw or ew.")
            return replace(test, mode=_STRINGS[operator])
        case DateTest() | UpdatedTest() if operator == "po":
            return replace(condition, alternatives=tuple(("ap", lo, hi) for _, lo, hi in condition.alternatives))
        case AnyOf() | CitizenTest() | IdTest() if operator in {"eq", "re"}:
            return condition
        case AnyOf() | CitizenTest() | IdTest():
            pass
        case _ if operator in _PREFIXES or (operator == "eq" and not value[:1].isalpha()):
            return condition
    raise Unsupported(f"The parameter _filter cannot compare {path[:60]} by {operator!r}.")


def _words(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"this is not closed: {text[at : at + 40]!r}")
        found.append(match["mark"] or match["text"] or match["word"])
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        raise _wrong(f"{text[:40]} is no JSON string") from None
    return str(value)


def _escaped(value: str) -> str:
    """A value as a search parameter reads it: one alternative, whatever it holds; parts of it stay parts."""
    return re.sub(r"[\\,]", r"\\\g<0>", value)


def _wrong(why: str) -> BadRequest:
    return BadRequest(f"The parameter _filter is not understood: {why}.")
