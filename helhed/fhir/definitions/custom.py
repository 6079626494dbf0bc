"""Search parameters beside R4's own: which ones this process holds. One process serves one network, so there is one set.

``helhed.fhir.search_parameters`` reads and checks them and keeps the set up to date; ``type_definition`` lays them beside R4's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

#: R4's own have smaller numbers
FIRST_NUMBER = 10_001


@dataclass(frozen=True, slots=True)
class Custom:
    """One search parameter that was taken into use."""

    number: int  #: stands in rows, and is never given to another
    url: str
    code: str
    kind: str  #: token, string, reference, date, number, quantity or uri
    bases: tuple[str, ...]
    targets: tuple[str, ...]
    expression: str = field(repr=False)  #: FHIRPath, checked

    @property
    def text_number(self) -> int:
        """The number under which the texts beside its codes stand: numbers go up by two."""
        return self.number + 1


class ParameterSet:
    """A set of them, compared by what it is and not by what it holds: caches are kept for one set."""

    def __init__(self, edition: int, parameters: Sequence[Custom]) -> None:
        self.edition = edition  #: goes up in the database whenever the set changes
        self.parameters = tuple(parameters)

    def of_type(self, type_name: str) -> tuple[Custom, ...]:
        """Those of one resource type."""
        return tuple(one for one in self.parameters if type_name in one.bases)


class _Here:
    parameters = ParameterSet(0, ())


def parameters_in_use() -> ParameterSet:
    """The set of this process."""
    return _Here.parameters


def replace_parameters(new: ParameterSet) -> None:
    """Let another set be in use. Whoever calls this sees to the caches of what is made from it (``definitions.use_parameters``)."""
    _Here.parameters = new


__all__ = ["FIRST_NUMBER", "Custom", "ParameterSet", "parameters_in_use", "replace_parameters"]
