"""Values with their types, and the way from one to what it holds."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from helhed.fhir.definitions import facts
from helhed.foundation.errors import HelhedError

Json = dict[str, Any]
_MOST_STEPS = 250_000
_VISIT = 4  #: to visit a value and look into it costs several times what a plain step does
_PARENTS = {
    "code": "string", "id": "string", "markdown": "string", "url": "uri", "canonical": "uri", "uuid": "uri", "oid": "uri",
    "positiveInt": "integer", "unsignedInt": "integer", "Age": "Quantity", "Count": "Quantity", "Distance": "Quantity",
    "Duration": "Quantity", "SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity",
}  # fmt: skip


class TooMuch(HelhedError):
    """The expression costs more than one may."""

    code = "too-costly"


class Environment:
    """What an expression can see besides its focus, and what it asked for in vain."""

    __slots__ = (
        "conforms_to", "member_of", "most", "now", "resolve", "resource", "root", "steps", "subsumes", "undecided",
    )  # fmt: skip

    def __init__(
        self,
        resource: Json | None = None,
        root: Json | None = None,
        resolve: Callable[[str], Json | None] | None = None,
        member_of: Callable[[str, str | None, str], bool | None] | None = None,
        now: str = "",
        conforms_to: Callable[[Json, str], bool | None] | None = None,
        subsumes: Callable[[str, str, str], bool | None] | None = None,
        most: int = _MOST_STEPS,
    ) -> None:
        self.resource = resource
        self.root = root if root is not None else resource
        self.resolve = resolve
        self.member_of = member_of
        self.now = now  #: the moment as a FHIR instant; "" when it may not be asked
        self.conforms_to = conforms_to
        self.subsumes = subsumes  #: whether, in a system, a code stands above another
        self.most = most  #: steps that an expression may take
        self.undecided = False  #: something was asked for that is not here
        self.steps = 0  #: work done since the last ``again``

    def again(self) -> None:
        """Forget what the last expression cost and asked for in vain."""
        self.steps, self.undecided = 0, False

    def step(self, count: int = 1) -> None:
        """Count work. Raises TooMuch."""
        self.steps += count
        if self.steps > self.most:
            raise TooMuch


class Value:
    """One item of a collection: JSON or a primitive of FHIRPath, its type, and what stands beside a FHIR primitive."""

    __slots__ = ("extra", "kind", "value")

    def __init__(self, value: Any, kind: str, extra: Json | None = None) -> None:
        self.value = value
        self.kind = kind  #: FHIR type, or System.Boolean and its like; "" when unknown
        self.extra = extra


Collection = list[Value]


def focus_of(value: Any, kind: str, extra: Json | None = None) -> Value:
    """A value to start from. A resource knows its type itself."""
    if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        return Value(value, value["resourceType"])
    return Value(value, kind, extra)


@cache
def properties(kind: str, name: str) -> dict[str, str] | None:
    """JSON property -> type for an element of a type; None when the type has no such element, or is not known."""
    if not facts.is_type(kind):
        return None
    elements = facts.elements(kind)
    element = elements.get(name) or elements.get(f"{name}[x]")
    return None if element is None else element.properties


def child(item: Value, name: str) -> Iterator[Value]:
    """The values of one element."""
    holder = item.value if isinstance(item.value, dict) else item.extra
    if not isinstance(holder, dict):
        return
    known = properties(item.kind, name)
    if known is None:
        yield from _guessed(holder, name)
    elif len(known) == 1:
        (prop, kind), = known.items()  # fmt: skip
        yield from held(holder, prop, kind)
    else:
        for prop in holder:
            plain = prop[1:] if prop[:1] == "_" and prop[1:] not in holder else prop
            if plain in known:
                yield from held(holder, plain, known[plain])


def _guessed(holder: Json, name: str) -> Iterator[Value]:
    """An element of a type that is not known: extensions of primitives have some."""
    if name in holder or f"_{name}" in holder:
        yield from held(holder, name, {"extension": "Extension", "id": "string"}.get(name, ""))


def held(holder: Json, prop: str, kind: str) -> Iterator[Value]:
    """The values of one JSON property, with what stands beside them."""
    value, beside = holder.get(prop), holder.get("_" + prop)
    if isinstance(value, list) or isinstance(beside, list):
        values = value if isinstance(value, list) else []
        besides = beside if isinstance(beside, list) else []
        for position in range(max(len(values), len(besides))):
            one = values[position] if position < len(values) else None
            extra = besides[position] if position < len(besides) else None
            if one is not None or extra is not None:
                yield focus_of(one, kind, extra)
    elif value is not None or isinstance(beside, dict):
        yield focus_of(value, kind, beside if isinstance(beside, dict) else None)


def children(item: Value) -> Iterator[Value]:
    """Everything directly within a value."""
    holder = item.value if isinstance(item.value, dict) else item.extra
    if not isinstance(holder, dict):
        return
    kinds = facts.properties(item.kind) if facts.is_type(item.kind) else {}
    for prop in holder:
        if prop == "resourceType":
            continue
        plain = prop[1:] if prop[:1] == "_" else prop
        if plain != prop and plain in holder:
            continue
        kind = kinds[plain][1] if plain in kinds else {"extension": "Extension"}.get(plain, "")
        yield from held(holder, plain, kind)


def descendants(item: Value, environment: Environment) -> Iterator[Value]:
    """Everything within a value, at any depth."""
    waiting = deque(children(item))
    while waiting:
        environment.step(_VISIT)
        one = waiting.popleft()
        yield one
        waiting.extend(children(one))


def is_a(item: Value, name: str) -> bool:
    """Whether a value is of a type or of one derived from it; names may carry FHIR. or System. in front."""
    plain = name.removeprefix("FHIR.")
    kind = item.kind
    if kind in {plain, f"System.{plain}"}:
        return True
    if plain == "Resource":
        return isinstance(item.value, dict) and "resourceType" in item.value
    if plain == "DomainResource":
        return properties(kind, "contained") is not None
    if plain == "BackboneElement":
        return "." in kind and not kind.startswith("System.")
    if plain == "Element":
        return bool(kind) and not kind.startswith("System.") and not is_a(item, "Resource")
    return _PARENTS.get(kind) == plain


__all__ = [
    "Collection",
    "Environment",
    "Json",
    "TooMuch",
    "Value",
    "child",
    "children",
    "descendants",
    "focus_of",
    "held",
    "is_a",
]
