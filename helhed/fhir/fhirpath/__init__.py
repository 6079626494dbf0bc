"""FHIRPath (http://hl7.org/fhirpath/N1/): expressions over parsed resources, compiled once and evaluated often."""

from functools import lru_cache
from typing import Any

from helhed.fhir.fhirpath.compiling import Frame, Part, compiled
from helhed.fhir.fhirpath.operators import NotOne
from helhed.fhir.fhirpath.syntax import NotFhirPath, parse
from helhed.fhir.fhirpath.values import Environment, Json, TooMuch, focus_of

__all__ = ["Environment", "Expression", "NotFhirPath", "NotOne", "TooMuch", "compile_expression"]


class Expression:
    """A compiled expression for foci of one type."""

    __slots__ = ("_part", "_type_name")

    def __init__(self, part: Part, type_name: str) -> None:
        self._part = part
        self._type_name = type_name

    def values(self, focus: Any, environment: Environment, extra: Json | None = None) -> list[Any]:
        """What the expression gives, as JSON. Raises NotOne and TooMuch."""
        return [one.value for one in self._evaluated(focus, environment, extra) if one.value is not None]

    def typed(self, focus: Any, environment: Environment) -> list[tuple[str, Any]]:
        """The same with the type of each value. Raises NotOne and TooMuch."""
        return [(one.kind, one.value) for one in self._evaluated(focus, environment, None) if one.value is not None]

    def holds(self, focus: Any, environment: Environment, extra: Json | None = None) -> bool | None:
        """Whether a rule holds: a single truth is itself, anything else there is true, nothing is None.

        Raises TooMuch, and NotOne where the expression itself wants one value.
        """
        found = self._evaluated(focus, environment, extra)
        if not found:
            return None
        if len(found) == 1 and isinstance(found[0].value, bool):
            return found[0].value
        return True

    def _evaluated(self, focus: Any, environment: Environment, extra: Json | None) -> Any:
        items = [focus_of(focus, self._type_name, extra)]
        return self._part(Frame(environment, items, items), items)


@lru_cache(maxsize=4096)
def compile_expression(text: str, type_name: str = "") -> Expression:
    """An expression whose focus will be of a type. Raises NotFhirPath."""
    return Expression(compiled(parse(text)), type_name)
