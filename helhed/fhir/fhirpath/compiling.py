"""From the tree of an expression to one function."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from helhed.fhir.definitions import facts
from helhed.fhir.fhirpath.frames import ITEMS, LETTERS, Frame, Part
from helhed.fhir.fhirpath.functions import FUNCTIONS
from helhed.fhir.fhirpath.iterating import WITH_EXPRESSIONS
from helhed.fhir.fhirpath.operators import (
    NotOne,
    boolean,
    calculate,
    contains,
    distinct,
    equals,
    equivalent,
    ordered,
    single,
    truth,
)
from helhed.fhir.fhirpath.syntax import Node, NotFhirPath
from helhed.fhir.fhirpath.values import Collection, Value, child, focus_of, is_a

_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_SETS = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}
_LITERALS = {"text": "System.String", "boolean": "System.Boolean"}


def compiled(node: Node, *, start: bool = True) -> Part:
    """The function of a tree. ``start``: nothing stands before it. Raises NotFhirPath."""
    maker = _MAKERS.get(node.kind)
    if maker is None:
        raise NotFhirPath(f"{node.kind} cannot be evaluated.")
    if node.kind == "name":
        return _name(node.text, start=start)
    return maker(node)


def _literal(node: Node) -> Part:
    found = [_constant(node)]
    return lambda frame, items: found


def _constant(node: Node) -> Value:
    if node.text == "number":
        written = str(node.value)
        whole = "." not in written
        return Value(int(written) if whole else Decimal(written), "System.Integer" if whole else "System.Decimal")
    if node.text == "quantity":
        assert isinstance(node.value, tuple)
        amount, unit = node.value
        return Value({"value": Decimal(amount), "code": unit}, "System.Quantity")
    if node.text == "date":
        written = str(node.value)
        kind = "System.Time" if written[0] == "T" else "System.DateTime" if "T" in written else "System.Date"
        return Value(written, kind)
    return Value(node.value, _LITERALS[node.text])


def _empty(node: Node) -> Part:
    return lambda frame, items: []


def _name(name: str, *, start: bool) -> Part:
    """An element; at the start it may name the type of what stands there."""
    if start and name[0].isupper() and facts.is_type(name):
        return lambda frame, items: [one for one in items if is_a(one, name)]

    def part(frame: Frame, items: Collection) -> Collection:
        found = list(child(items[0], name)) if len(items) == 1 else [f for one in items for f in child(one, name)]
        frame.environment.step(len(found) + 1)
        return found

    return part


def _dot(node: Node) -> Part:
    left, right = compiled(node.parts[0]), compiled(node.parts[1], start=False)
    return lambda frame, items: right(frame, left(frame, items))


def _index(node: Node) -> Part:
    left, right = compiled(node.parts[0]), compiled(node.parts[1])

    def part(frame: Frame, items: Collection) -> Collection:
        place = single(right(frame, items))
        number = place.value if place is not None else None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return []
        return left(frame, items)[number : number + 1]

    return part


def _unary(node: Node) -> Part:
    inner = compiled(node.parts[0])
    nought = [Value(0, "System.Integer")]
    return lambda frame, items: calculate("-", nought, inner(frame, items))


def _special(node: Node) -> Part:
    if node.text == "$this":
        return lambda frame, items: frame.this
    if node.text == "$index":
        return lambda frame, items: [Value(frame.index, "System.Integer")]
    return lambda frame, items: frame.total


def _variable(node: Node) -> Part:
    name = node.text
    if name in _CONSTANTS:
        found = [Value(_CONSTANTS[name], "System.String")]
        return lambda frame, items: found
    for start, url in _SETS.items():
        if name.startswith(start):
            address = [Value(url + name.removeprefix(start), "System.String")]
            return lambda frame, items: address
    if name == "resource":
        return lambda frame, items: [focus_of(frame.environment.resource, "")]
    if name == "rootResource":
        return lambda frame, items: [focus_of(frame.environment.root, "")]
    if name == "context":
        return lambda frame, items: frame.focus
    raise NotFhirPath(f"Nothing here is called %{name[:40]}.")


def _type(node: Node) -> Part:
    inner, name = compiled(node.parts[0]), str(node.value)
    if node.text == "is":
        return lambda frame, items: _is(inner(frame, items), name)
    return lambda frame, items: [one for one in inner(frame, items) if is_a(one, name)]


def _is(items: Collection, name: str) -> Collection:
    one = single(items)
    return [] if one is None else boolean(is_a(one, name))


# --- operators --------------------------------------------------------------------------------------------------------


def _binary(node: Node) -> Part:
    left, right, operator = compiled(node.parts[0]), compiled(node.parts[1]), node.text
    if operator in {"and", "or", "xor", "implies"}:
        return _logic(operator, left, right)
    if operator in {"<", "<=", ">", ">="}:
        return _order(operator, left, right)
    if operator in {"=", "!=", "~", "!~"}:
        return _equality(operator, left, right)
    if operator == "|":
        return lambda frame, items: distinct([*left(frame, items), *right(frame, items)], frame.environment)
    if operator in {"in", "contains"}:
        return _membership(operator, left, right)
    return _arithmetic(operator, left, right)


def _arithmetic(operator: str, left: Part, right: Part) -> Part:
    def part(frame: Frame, items: Collection) -> Collection:
        found = calculate(operator, left(frame, items), right(frame, items))
        if found and isinstance(found[0].value, str):
            frame.environment.step(1 + len(found[0].value) // LETTERS)  # texts that are joined again and again grow
        return found

    return part


def _logic(operator: str, left: Part, right: Part) -> Part:
    """Three-valued: the second side is worked out only when the first leaves it open."""

    def both(frame: Frame, items: Collection) -> Collection:
        one = truth(left(frame, items))
        if one is False:
            return boolean(False)
        other = truth(right(frame, items))
        return boolean(False if other is False else True if one and other else None)

    def either(frame: Frame, items: Collection) -> Collection:
        one = truth(left(frame, items))
        if one is True:
            return boolean(True)
        other = truth(right(frame, items))
        return boolean(True if other is True else False if one is False and other is False else None)

    def one_of(frame: Frame, items: Collection) -> Collection:
        one, other = truth(left(frame, items)), truth(right(frame, items))
        return boolean(None if one is None or other is None else one != other)

    def follows(frame: Frame, items: Collection) -> Collection:
        one = truth(left(frame, items))
        if one is False:
            return boolean(True)
        other = truth(right(frame, items))
        return boolean(other if one else True if other is True else None)

    return {"and": both, "or": either, "xor": one_of, "implies": follows}[operator]


def _order(operator: str, left: Part, right: Part) -> Part:
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[operator]

    def part(frame: Frame, items: Collection) -> Collection:
        found = ordered(left(frame, items), right(frame, items))
        return boolean(None if found is None else found in wanted)

    return part


def _equality(operator: str, left: Part, right: Part) -> Part:
    exact, negated = operator in {"=", "!="}, operator.startswith("!")

    def part(frame: Frame, items: Collection) -> Collection:
        one, other = left(frame, items), right(frame, items)
        frame.environment.step(len(one) * len(other))
        verdict = equals(one, other) if exact else equivalent(one, other)
        return boolean(verdict if verdict is None else verdict != negated)

    return part


def _membership(operator: str, left: Part, right: Part) -> Part:
    def part(frame: Frame, items: Collection) -> Collection:
        one, other = left(frame, items), right(frame, items)
        item, some = (single(one), other) if operator == "in" else (single(other), one)
        return [] if item is None else boolean(contains(some, item, frame.environment))

    return part


# --- functions --------------------------------------------------------------------------------------------------------


def _call(node: Node) -> Part:
    name, arguments = node.text, node.parts
    maker = WITH_EXPRESSIONS.get(name)
    if maker is not None:
        return maker([compiled(one) for one in arguments])
    if name in {"is", "as", "ofType"}:
        return _typed(name, arguments)
    if name not in FUNCTIONS:
        raise NotFhirPath(f"Nothing here is called {name[:40]}().")
    least, most, function = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise NotFhirPath(f"{name}() does not take {len(arguments)} arguments.")
    parts = [compiled(one) for one in arguments]

    def part(frame: Frame, items: Collection) -> Collection:
        found = function(items, [one(frame, frame.this) for one in parts], frame.environment)
        frame.environment.step(1 + len(found) // ITEMS)
        return found

    return part


def _typed(name: str, arguments: Sequence[Node]) -> Part:
    if len(arguments) != 1:
        raise NotFhirPath(f"{name}() takes a type.")
    wanted = _type_of(arguments[0])
    if name == "is":
        return lambda frame, items: _is(items, wanted)
    return lambda frame, items: [one for one in items if is_a(one, wanted)]


def _type_of(node: Node) -> str:
    if node.kind == "name":
        return node.text
    if node.kind == "dot" and node.parts[0].kind == node.parts[1].kind == "name":
        return f"{node.parts[0].text}.{node.parts[1].text}"
    raise NotFhirPath("A type should stand in the brackets.")


_MAKERS: dict[str, Callable[[Node], Part]] = {
    "literal": _literal,
    "empty": _empty,
    "name": lambda node: _name(node.text, start=True),
    "dot": _dot,
    "index": _index,
    "unary": _unary,
    "special": _special,
    "variable": _variable,
    "type": _type,
    "binary": _binary,
    "call": _call,
}

__all__ = ["Frame", "NotOne", "Part", "compiled"]
