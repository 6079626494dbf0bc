"""What the expression of a search parameter may be, and what it gives: worked out from the tree, before anything is read.

The expression runs at every write of its types, for everybody. So it holds functions whose cost grows with the resource
and no faster, and nothing whose answer depends on more than the resource: no clock, no other resource, no pattern. A name
that the definitions do not have is a mistake, not an expression that never finds anything.
"""

from collections.abc import Sequence
from typing import NoReturn

from helhed.fhir.definitions import facts
from helhed.fhir.fhirpath.syntax import Node, NotFhirPath, parse
from helhed.fhir.fhirpath.values import properties
from helhed.foundation.errors import HelhedError

LONGEST, _MOST_PARTS = 5000, 500  # what the longest of R4 itself need
Kinds = frozenset[str]  #: types of the values; "" for one that cannot be told

_TRUTH, _TEXT, _WHOLE = frozenset({"System.Boolean"}), frozenset({"System.String"}), frozenset({"System.Integer"})
_NUMBER = frozenset({"System.Integer", "System.Decimal"})
_UNTOLD: Kinds = frozenset({""})
_TARGET: Kinds = frozenset({"(what a reference is to)"})
_ANY_RESOURCE = frozenset({"Resource", "DomainResource"})
#: functions that give some of what stands before them
_SOME = frozenset({"first", "last", "tail", "skip", "take", "single", "distinct", "intersect", "exclude", "where"})
_GIVES: dict[str, Kinds] = {
    **dict.fromkeys(
        ("exists", "all", "empty", "not", "hasValue", "allTrue", "anyTrue", "allFalse", "anyFalse", "isDistinct",
         "subsetOf", "supersetOf", "startsWith", "endsWith", "contains"), _TRUTH,
    ),
    **dict.fromkeys(("substring", "lower", "upper", "trim", "toString"), _TEXT),
    **dict.fromkeys(("count", "length", "indexOf", "toInteger", "floor", "ceiling", "truncate"), _WHOLE),
    **dict.fromkeys(("abs", "toDecimal"), _NUMBER),
}  # fmt: skip
_PLAIN = {
    "string": "System.String",
    "boolean": "System.Boolean",
    "integer": "System.Integer",
    "decimal": "System.Decimal",
}
_LOOKS_WIDER = frozenset({"%resource", "%rootResource", "%context"})


class NotAllowed(HelhedError):
    """A search parameter may not have this expression."""

    code = "not-supported"


def kinds_of(expression: str, base: str) -> Kinds:
    """The types of what an expression gives for resources of a type; none when it says nothing of them.

    Raises NotAllowed.
    """
    if len(expression) > LONGEST:
        raise NotAllowed(f"The expression is longer than {LONGEST} characters.")
    try:
        tree = parse(expression)
    except NotFhirPath as problem:
        raise NotAllowed(str(problem)) from None
    if _size(tree) > _MOST_PARTS:
        raise NotAllowed(f"The expression has more than {_MOST_PARTS} parts: it would cost too much at every write.")
    found = _Reader(base).kinds(tree, frozenset({base}), start=True)
    _not_what_is_referred_to(found)
    return found


def _not_what_is_referred_to(kinds: Kinds) -> None:
    if kinds & _TARGET:
        _refuse("resolve() stands only in tests of a type, as in resolve() is Patient: no other resource is read.")


def _size(tree: Node) -> int:
    return 1 + sum(_size(part) for part in tree.parts)


def _refuse(why: str) -> NoReturn:
    raise NotAllowed(why)


class _Reader:
    """Goes through a tree for one resource type."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._within = 0  #: how many criteria stand around

    def kinds(self, node: Node, before: Kinds, *, start: bool = False) -> Kinds:
        match node.kind:
            case "literal":
                return frozenset({_LITERALS.get(node.text, "System.Decimal")})
            case "empty":
                return frozenset()
            case "name":
                return self._name(node.text, before, start=start)
            case "dot":
                return self.kinds(node.parts[1], self.kinds(node.parts[0], before, start=start))
            case "index":
                self.kinds(node.parts[1], before)
                return self.kinds(node.parts[0], before, start=start)
            case "special" if node.text != "$total":
                return before if node.text == "$this" else _WHOLE
            case "variable":
                return self._variable(node.text)
            case "type":
                return self._type(node.text, str(node.value), self.kinds(node.parts[0], before, start=start))
            case "binary":
                return self._binary(node, before, start=start)
            case "call":
                return self._call(node, before)
            case "unary":
                return self.kinds(node.parts[0], before, start=start)
        _refuse(f"{node.text or node.kind} has no place in the expression of a search parameter.")

    def _name(self, name: str, before: Kinds, *, start: bool) -> Kinds:
        if start and name[0].isupper() and facts.is_type(name):
            if name in _ANY_RESOURCE:
                return before
            return before & {name}  # a part that begins with another type says nothing of this one
        _not_what_is_referred_to(before)
        found: set[str] = set()
        for kind in before - _UNTOLD:
            found |= set((properties(kind, name) or {}).values())
        if before and not found and "" not in before:
            _refuse(f"{' or '.join(sorted(before))} has no element that is called {name[:60]}.")
        return frozenset(found) | (before & _UNTOLD)

    def _variable(self, name: str) -> Kinds:
        if f"%{name}" in _LOOKS_WIDER:
            if self._within:
                _refuse(f"%{name} within a criterion would read the whole resource again for each value.")
            return frozenset({self._base})
        return _TEXT

    def _type(self, operator: str, name: str, before: Kinds) -> Kinds:
        plain = name.removeprefix("FHIR.").removeprefix("System.")
        if not (facts.is_type(plain) or plain in facts.primitives() or f"System.{plain}" in _PLAIN.values()):
            _refuse(f"Nothing is called {name[:60]} in FHIR R4.")
        if operator == "is":
            return _TRUTH
        if before & _TARGET:
            return _TARGET
        found = {kind for kind in before if plain in {kind, kind.removeprefix("System.")}}
        if before and not found and "" not in before:
            _refuse(f"{' or '.join(sorted(before))} is never {name[:60]}.")
        return frozenset(found or ({plain} if "" in before else ()))

    def _binary(self, node: Node, before: Kinds, *, start: bool) -> Kinds:
        left, right = (self.kinds(part, before, start=start) for part in node.parts)
        if node.text == "|":
            return left | right
        _not_what_is_referred_to(left | right)
        if node.text in {"+", "-", "*", "/", "div", "mod", "&"}:
            return _TEXT if node.text == "&" else _NUMBER if (left | right) <= _NUMBER else _UNTOLD
        return _TRUTH

    def _call(self, node: Node, before: Kinds) -> Kinds:
        name, arguments = node.text, node.parts
        if name == "resolve":
            return _TARGET if before else before
        if name in {"is", "as", "ofType"}:
            return self._type("is" if name == "is" else "as", _type_named(arguments), before)
        _not_what_is_referred_to(before)
        inside = [self._argument(one, before) for one in arguments]
        if name == "extension":
            return frozenset({"Extension"}) if before else before
        if name == "getValue":
            return frozenset(_PLAIN.get(kind, kind) for kind in before)
        if name in _SOME:
            return before
        if name in {"union", "combine"}:
            return before.union(*inside)
        if name == "select":
            return inside[0] if inside else before
        if name == "iif":
            return frozenset().union(*inside[1:])
        if name in _GIVES:
            return _GIVES[name]
        _refuse(
            f"{name[:40]}() has no place in the expression of a search parameter: {_WHY.get(name, 'it is not known here')}."
        )

    def _argument(self, node: Node, before: Kinds) -> Kinds:
        self._within += 1
        found = self.kinds(node, before, start=True)
        self._within -= 1
        return found


def _type_named(arguments: Sequence[Node]) -> str:
    if len(arguments) == 1 and arguments[0].kind == "name":
        return arguments[0].text
    if len(arguments) == 1 and arguments[0].kind == "dot":
        return ".".join(part.text for part in arguments[0].parts)
    _refuse("A type should stand in the brackets of is(), as() and ofType().")


_LITERALS = {"text": "System.String", "boolean": "System.Boolean", "quantity": "System.Quantity", "date": "System.Date"}
_WHY: dict[str, str] = {
    **dict.fromkeys(("now", "today", "timeOfDay"), "what it gives changes while the resource does not"),
    **dict.fromkeys(("repeat", "descendants", "children", "aggregate"), "it would cost too much at every write"),
    **dict.fromkeys(("matches", "matchesFull", "replaceMatches", "replace", "split", "join", "toChars"), "patterns and texts made anew cost too much at every write"),
    **dict.fromkeys(("memberOf", "conformsTo", "subsumes"), "it depends on more than the resource"),
}  # fmt: skip

__all__ = ["LONGEST", "Kinds", "NotAllowed", "kinds_of"]
