"""What FHIR R4 says about each type, compiled from the published definitions (``tools/compile_definitions.py``)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from helhed.fhir.definitions import facts
from helhed.fhir.definitions.composites import Composite, composites
from helhed.fhir.definitions.custom import Custom, ParameterSet, parameters_in_use, replace_parameters
from helhed.fhir.definitions.expressions import Path, Step, path_key, paths_of
from helhed.foundation.ids import parse_id

__all__ = [
    "PARAMETER_NUMBERS",
    "TYPE_NAMES",
    "TYPE_NUMBERS",
    "Composite",
    "Custom",
    "Ownership",
    "ParameterSet",
    "Path",
    "SearchParameter",
    "TypeDefinition",
    "parameters_in_use",
    "type_definition",
    "use_parameters",
]

TYPE_NUMBERS: Mapping[str, int] = facts.document("type_numbers.json")["numbers"]
TYPE_NAMES: Mapping[int, str] = {number: name for name, number in TYPE_NUMBERS.items()}
PARAMETER_NUMBERS: Mapping[str, int] = facts.document("parameter_numbers.json")["numbers"]
SUPPORTED_KINDS = frozenset(
    {"string", "token", "reference", "date", "number", "quantity", "uri", "composite", "special"}
)
_PATIENT = "Patient/"


class Ownership(Enum):
    """Whose the resources of a type are."""

    CITIZEN = "citizen"
    ORGANISATION = "organisation"  #: but the citizen's whom ``TypeDefinition.home_patient`` finds in a row
    PUBLIC = "public"
    VIRTUAL = "virtual"  #: served by other rooms; never stored by clients


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One search parameter of one type. ``paths`` is empty when its expression is not supported."""

    code: str
    number: int
    kind: str  #: as in http://hl7.org/fhir/R4/valueset-search-param-type.html; the only ``special`` of a type is Location's ``near``
    expression: str
    targets: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    composite: Composite | None = None
    custom: Custom | None = None  #: beside R4's own: read by its expression rather than along paths

    @property
    def supported(self) -> bool:
        """Whether it is indexed and can be searched."""
        return self.custom is not None or (self.kind in SUPPORTED_KINDS and bool(self.paths))

    @property
    def asks_whether(self) -> bool:
        """Whether its value is true or false of every resource, so that what says nothing of it is false."""
        return self.custom is None and ".exists() and " in self.expression

    @property
    def jsonpaths(self) -> tuple[str, ...]:
        """PostgreSQL jsonpaths to its references."""
        return tuple(
            dict.fromkeys(path.jsonpath for path in self.paths if path.kind in {"Reference", "canonical", "uri"})
        )


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """One resource type."""

    name: str
    number: int
    ownership: Ownership
    parameters: Mapping[str, SearchParameter] = field(repr=False)
    patient_paths: tuple[Path, ...] = field(repr=False)  #: where the home citizen stands, best first
    own_patient_parameters: frozenset[str]  #: reference parameters that name the home citizen
    primary_code: SearchParameter | None
    primary_date: SearchParameter | None
    value_keys: Mapping[Path, int] = field(repr=False)  #: paths to numbers and quantities, and the key of their values
    plain_patient: str  #: the property that names the home citizen best, when it is a plain one

    def keys_of(self, parameter: SearchParameter) -> tuple[int, ...]:
        """The keys under which the values of a number or quantity parameter are indexed."""
        if parameter.custom is not None:
            return (parameter.number,)
        return tuple(dict.fromkeys(self.value_keys[path] for path in parameter.paths))

    def patient_references(self, resource: dict[str, Any]) -> Iterator[str]:
        """Literal references on the patient paths, best first."""
        for path in self.patient_paths:
            for reference in values_at(resource, path) if path.winding else (resource.get(path.steps[0].name),):
                if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
                    yield reference["reference"]

    def home_patient(self, resource: dict[str, Any]) -> UUID | None:
        """The Patient of this store that a resource belongs to."""
        usual = resource.get(self.plain_patient)
        if isinstance(usual, dict) and (found := _patient(usual.get("reference"))):
            return found
        for text in self.patient_references(resource):
            if found := _patient(text):
                return found
        return _patient_within(resource) if self.name == "Bundle" else None


def _patient_within(bundle: dict[str, Any]) -> UUID | None:
    """The home patient of the first resource in a Bundle that has one: of a document its Composition."""
    for entry in bundle.get("entry", ()):
        inner = entry.get("resource", {})
        known = inner.get("resourceType") in TYPE_NUMBERS
        if known and (found := type_definition(inner["resourceType"]).home_patient(inner)):
            return found
    return None


def _patient(text: Any) -> UUID | None:
    if not isinstance(text, str) or not text.startswith(_PATIENT):
        return None
    return parse_id(text[len(_PATIENT) :].partition("/")[0])


def values_at(resource: Any, path: Path) -> Iterator[Any]:
    """The values at ``path``, filters applied except on reference targets."""
    yield from _values(resource, path, 0)


def _values(value: Any, path: Path, depth: int) -> Iterator[Any]:
    if (
        path.where is not None
        and depth == path.where[2]
        and not (isinstance(value, dict) and value.get(path.where[0]) == path.where[1])
    ):
        return
    if depth == len(path.steps):
        yield value
        return
    inner = value.get(path.steps[depth].name) if isinstance(value, dict) else None
    for one in inner if isinstance(inner, list) else () if inner is None else (inner,):
        yield from _values(one, path, depth + 1)


@cache
def _parameters() -> dict[str, dict[str, tuple[str, str, tuple[str, ...]]]]:
    found: dict[str, dict[str, tuple[str, str, tuple[str, ...]]]] = {}
    for type_name, code, kind, expression, targets in facts.lines("search_parameters.jsonl"):
        found.setdefault(type_name, {})[code] = (kind, expression, tuple(targets))
    everywhere = found.pop("Resource")
    del everywhere["_lastUpdated"]  # a column of its own
    return {name: {**everywhere, **found.get(name, {})} for name in TYPE_NUMBERS}


@cache
def _compartment() -> dict[str, list[str]]:
    found = dict(facts.lines("patient_compartment.jsonl"))
    for type_name, codes in _ownership()["more_patient_parameters"].items():
        found[type_name] = codes
    return found


@cache
def _ownership() -> Any:
    return facts.document("ownership.json")


@cache
def _primary() -> Any:
    return facts.document("primary.json")["types"]


@cache
def type_definition(name: str) -> TypeDefinition:
    """The definition of a resource type. Raises KeyError for names that are none."""
    number = TYPE_NUMBERS[name]
    parameters = {code: _parameter(name, code, *about) for code, about in _parameters().get(name, {}).items()}
    ownership = _ownership_of(name)
    patient, own = _patient_paths(name, parameters) if ownership is Ownership.CITIZEN else ((), frozenset())
    patient += tuple(Path((Step(element, False),), "Reference") for element in _patient_elements().get(name, ()))
    patient += tuple(_path_to(element) for element in _ownership()["about_a_citizen"].get(name, ()))
    code, date = _primary().get(name, (None, None))
    plain = patient[0].steps[0].name if patient and not patient[0].winding else ""
    parameters |= {one.code: _beside(one) for one in parameters_in_use().of_type(name)}
    return TypeDefinition(
        name, number, ownership, parameters, patient, own, parameters.get(code), parameters.get(date),
        _value_keys(parameters), plain,
    )  # fmt: skip


def use_parameters(new: ParameterSet) -> None:
    """Lay another set of custom search parameters beside R4's own, in this process."""
    replace_parameters(new)
    type_definition.cache_clear()


def _beside(custom: Custom) -> SearchParameter:
    return SearchParameter(custom.code, custom.number, custom.kind, custom.expression, custom.targets, custom=custom)


def _value_keys(parameters: Mapping[str, SearchParameter]) -> dict[Path, int]:
    """A key for each path, shared by the parameters that look there. It never changes: rows hold it."""
    return {
        path: path_key(path)
        for parameter in parameters.values()
        if parameter.kind in {"number", "quantity"}
        for path in parameter.paths
    }


def _parameter(type_name: str, code: str, kind: str, expression: str, targets: tuple[str, ...]) -> SearchParameter:
    paths = paths_of(type_name, expression) if kind in SUPPORTED_KINDS else None
    if kind == "reference" and paths and any(path.kind == "Resource" for path in paths):
        paths = None  # a Bundle's composition and message stand within it: there is no reference to look for
    composite = composites().get((type_name, code))
    return SearchParameter(code, PARAMETER_NUMBERS[code], kind, expression, targets, paths or (), composite)


def _ownership_of(name: str) -> Ownership:
    for kind in (Ownership.PUBLIC, Ownership.ORGANISATION, Ownership.VIRTUAL):
        if name in _ownership()[kind.value]:
            return kind
    about_a_citizen = name == "Patient" or name in _compartment() or name in _patient_elements()
    return Ownership.CITIZEN if about_a_citizen else Ownership.ORGANISATION


def _path_to(element: str) -> Path:
    """To the citizen whom a row of an organisation is about. Steps that have one value are read like those with several."""
    return Path(tuple(Step(one, True) for one in element.split(".")), "Reference")


def _patient_elements() -> dict[str, list[str]]:
    found: dict[str, list[str]] = _ownership()["patient_elements"]
    return found


def _patient_paths(name: str, parameters: Mapping[str, SearchParameter]) -> tuple[tuple[Path, ...], frozenset[str]]:
    """``patient`` and ``subject`` first, then the other parameters of the patient compartment."""
    wanted = _compartment().get(name, [])
    ordered = sorted(wanted, key=lambda code: ({"patient": 0, "subject": 1}.get(code, 2), wanted.index(code)))
    paths: list[Path] = []
    for code in ordered:
        for path in parameters[code].paths if code in parameters else ():
            plain = path._replace(only_target="")
            if plain not in paths and path.kind == "Reference":
                paths.append(plain)
    first = paths[0] if paths else None
    own = {
        code
        for code, parameter in parameters.items()
        if first is not None
        and not first_is_many(first)
        and parameter.kind == "reference"
        and [path._replace(only_target="") for path in parameter.paths] == [first]
        and first.where is None
    }
    return tuple(paths), frozenset(own)


def first_is_many(path: Path) -> bool:
    """Whether a path may give several values."""
    return any(step.many for step in path.steps)
