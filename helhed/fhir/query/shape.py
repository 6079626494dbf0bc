"""Parameters that shape an answer: how much of it, how much of each resource (FHIR R4 search, section 3.1.1.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from helhed.fhir.definitions import facts
from helhed.fhir.query.model import Shape
from helhed.fhir.query.refusals import Unsupported
from helhed.foundation.errors import BadRequest

DEFAULT_COUNT, MOST_COUNT = 20, 200
_MOST_DIGITS, _MOST_ELEMENTS = 20, 60
_TOTALS = ("none", "estimate", "accurate")
_SUMMARIES = ("true", "text", "data", "count", "false")
#: values with which a parameter asks for what is done here anyway
_AS_IT_IS = {"_contained": "false", "_containedType": "container", "_score": "false"}
SHAPES = frozenset({"_count", "_total", "_summary", "_elements", *_AS_IT_IS})


@dataclass(slots=True)
class Wanted:
    """How an answer is wanted."""

    count: int = DEFAULT_COUNT
    total: bool = False
    only_total: bool = False
    summary: str = ""
    elements: list[str] = field(default_factory=list)

    def take(self, types: Sequence[str], name: str, value: str) -> str:
        """Take a parameter in; what was applied of its value. Raises BadRequest or Unsupported."""
        if name == "_count":
            self.count = _count(value)
            self.only_total |= not self.count  # R4 search, section 3.1.1.5.3: as _summary=count
            return str(self.count)
        if name == "_total":
            if value not in _TOTALS:
                raise BadRequest("The parameter _total is none, estimate or accurate.")
            self.total = value != "none"
            return "accurate" if self.total else value  # nothing is estimated: an estimate could tell of what is hidden
        if name == "_summary":
            if value not in _SUMMARIES:
                raise BadRequest(f"The parameter _summary is one of {', '.join(_SUMMARIES)}.")
            self.only_total |= value == "count"
            self.summary = "" if value in {"count", "false"} else value
            return value
        if name == "_elements":
            self.elements += _elements(types, value)
            return value
        if value != _AS_IT_IS[name]:
            raise Unsupported(f"The parameter {name} is not supported here but as {_AS_IT_IS[name]}.")
        return value

    @property
    def shape(self) -> Shape:
        """What is left of each resource. Raises BadRequest for wishes that go against each other."""
        if self.summary and self.elements:
            raise BadRequest("Ask for _summary or for _elements, not for both.")
        return Shape(self.summary, tuple(self.elements))


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise BadRequest("The parameter _count is a whole number.")
    return min(max(int(value), 1), MOST_COUNT) if value != "0" else 0


def _elements(types: Sequence[str], value: str) -> list[str]:
    names = value.split(",")
    if len(names) > _MOST_ELEMENTS:
        raise BadRequest(f"The parameter _elements names at most {_MOST_ELEMENTS} elements.")
    for name in names:
        if not any(_is_element(one, name.split(".")) for one in types):
            raise Unsupported(f"The parameter _elements names {name[:60]!r}, which no type searched for has.")
    return names


def _is_element(type_name: str, steps: Sequence[str]) -> bool:
    if not facts.is_type(type_name):
        return False
    members, name = facts.elements(type_name), steps[0].removesuffix("[x]")
    element = members.get(name) or members.get(f"{name}[x]")
    kinds = element.types if element else tuple(kind for prop, (_, kind) in facts.properties(type_name).items() if prop == name)  # fmt: skip
    return bool(kinds) and (len(steps) == 1 or any(_is_element(kind, steps[1:]) for kind in kinds))
