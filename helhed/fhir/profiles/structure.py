"""A StructureDefinition's snapshot as a tree of nodes (FHIR R4 elementdefinition, section 2.28; profiling, 5.1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from helhed.fhir.definitions import facts
from helhed.foundation.errors import HelhedError

Json = Mapping[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = CORE + "structuredefinition-fhir-type"
_MAX_VALUE_SET = CORE + "elementdefinition-maxValueSet"
_MOST_ELEMENTS = 20_000
_DEEPEST = 40
_MISSING: Any = object()


class NotUsable(HelhedError):
    """This StructureDefinition cannot be checked against."""

    code = "not-supported"


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """One type an element may have."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()  #: profiles of what a reference points at
    aggregation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A value set and how strictly it holds."""

    strength: str
    value_set: str
    outermost: str = ""  #: value set that even an extensible binding may not leave


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule in FHIRPath."""

    key: str
    severity: str
    expression: str
    human: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the slices of an element are told apart."""

    discriminators: tuple[tuple[str, str], ...]  #: (type, path)
    rules: str
    ordered: bool


@dataclass(slots=True)
class Node:
    """One element of a profile, or one slice of it."""

    path: str
    name: str  #: last step of the path, with [x] for a choice
    slice_name: str = ""
    minimum: int = 0
    maximum: int | None = None  #: None: no limit
    types: tuple[TypeChoice, ...] = ()
    fixed: Any = _MISSING
    pattern: Any = _MISSING
    least: Any = None
    most: Any = None
    max_length: int | None = None
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()
    content_reference: str = ""
    slicing: Slicing | None = None
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: list["Node"] = field(default_factory=list)

    @property
    def has_fixed(self) -> bool:
        """Whether the value is given."""
        return self.fixed is not _MISSING

    @property
    def has_pattern(self) -> bool:
        """Whether part of the value is given."""
        return self.pattern is not _MISSING

    @property
    def label(self) -> str:
        """How a profile names the element: ``Patient.identifier:cpr``."""
        return f"{self.path}:{self.slice_name}" if self.slice_name else self.path


@dataclass(frozen=True, slots=True)
class Structure:
    """A profile, or the definition of an extension."""

    url: str
    version: str
    name: str
    type_name: str
    root: Node
    contexts: tuple[tuple[str, str], ...]  #: where an extension may stand: (kind, expression)
    is_modifier: bool

    @property
    def title(self) -> str:
        """The last part of its address, by which people know it."""
        return self.url.rpartition("/")[2]


def structure_of(content: Json) -> Structure:
    """The tree of a StructureDefinition. Raises NotUsable."""
    url, type_name = str(content.get("url", "")), str(content.get("type", ""))
    elements = (content.get("snapshot") or {}).get("element")
    if not url or not facts.is_type(type_name):
        raise NotUsable(f"{url[:200] or 'A StructureDefinition'} is not about a type of FHIR R4.")
    if not isinstance(elements, list) or not elements:
        raise NotUsable(f"{url[:200]} has no snapshot.")
    if len(elements) > _MOST_ELEMENTS:
        raise NotUsable(f"{url[:200]} has more than {_MOST_ELEMENTS} elements.")
    try:
        root = _tree(elements)
        contexts = tuple((one["type"], one["expression"]) for one in content.get("context", ()))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise NotUsable(f"The snapshot of {url[:200]} cannot be understood.") from None
    version, name = str(content.get("version", "")), str(content.get("name", ""))
    return Structure(url, version, name, type_name, root, contexts, elements[0].get("isModifier") is True)


def _tree(elements: list[Json]) -> Node:
    """Snapshots list elements depth first: the parent of an element is the last one above it."""
    line: list[Node] = []
    for element in elements:
        path = element["path"]
        depth = path.count(".")
        if depth > min(len(line), _DEEPEST):
            raise ValueError(path)
        node = _node(element)
        if depth:
            _attach(line[depth - 1], node)
        elif line:
            raise ValueError(path)
        line[depth:] = [node]
    return line[0]


def _attach(parent: Node, node: Node) -> None:
    name = node.name
    if name not in parent.children and node.slice_name and (choice := _choice(parent, name)):
        node.name = name = choice  # valueQuantity, written short for the Quantity slice of value[x]
    if not node.slice_name:
        parent.children[name] = node
        return
    whole = parent.children[name]
    above, _, _ = node.slice_name.rpartition("/")
    while above:
        found = next((one for one in _all_slices(whole) if one.slice_name == above), None)
        if found is not None:
            found.slices.append(node)
            return
        above, _, _ = above.rpartition("/")
    whole.slices.append(node)


def _choice(parent: Node, name: str) -> str:
    return next((known for known in parent.children if known.endswith("[x]") and name.startswith(known[:-3])), "")


def _all_slices(node: Node) -> Iterator[Node]:
    for one in node.slices:
        yield one
        yield from _all_slices(one)


def _node(element: Json) -> Node:
    path = element["path"]
    given = {name: value for name, value in element.items() if name.startswith(("fixed", "pattern", "minV", "maxV"))}
    fixed = [value for name, value in given.items() if name.startswith("fixed")]
    pattern = [value for name, value in given.items() if name.startswith("pattern")]
    maximum = element.get("max", "*")
    return Node(
        path=path,
        name=path.rpartition(".")[2],
        slice_name=element.get("sliceName", "") if "." in path else "",
        minimum=int(element.get("min", 0)),
        maximum=None if maximum == "*" else int(maximum),
        types=tuple(_type(one) for one in element.get("type", ())),
        fixed=fixed[0] if fixed else _MISSING,
        pattern=pattern[0] if pattern else _MISSING,
        least=next((value for name, value in given.items() if name.startswith("minValue")), None),
        most=next((value for name, value in given.items() if name.startswith("maxValue")), None),
        max_length=element.get("maxLength"),
        binding=_binding(element.get("binding")),
        invariants=tuple(
            Invariant(one["key"], one.get("severity", "error"), one["expression"], one.get("human", ""))
            for one in element.get("constraint", ())
            if one.get("expression")
        ),
        content_reference=element.get("contentReference", ""),
        slicing=_slicing(element.get("slicing")),
    )


def _type(one: Json) -> TypeChoice:
    code = one["code"]
    if code.startswith(_SYSTEM):
        code = next((e.get("valueUrl", "") for e in one.get("extension", ()) if e["url"] == _FHIR_TYPE), "") or "string"
    profiles, targets = tuple(one.get("profile", ())), tuple(one.get("targetProfile", ()))
    return TypeChoice(code, profiles, targets, tuple(one.get("aggregation", ())))


def _binding(one: Json | None) -> Binding | None:
    if one is None or not one.get("valueSet"):
        return None
    outermost = (e for e in one.get("extension", ()) if e["url"] == _MAX_VALUE_SET)
    limit = next((e.get("valueCanonical") or e.get("valueUri") or "" for e in outermost), "")
    return Binding(one["strength"], one["valueSet"], limit)


def _slicing(one: Json | None) -> Slicing | None:
    if one is None:
        return None
    tests = tuple((d["type"], d["path"]) for d in one.get("discriminator", ()))
    return Slicing(tests, one.get("rules", "open"), one.get("ordered") is True)


__all__ = [
    "CORE",
    "Binding",
    "Invariant",
    "Node",
    "NotUsable",
    "Slicing",
    "Structure",
    "TypeChoice",
    "structure_of",
]
