"""Telling slices apart: what a discriminator asks of an item (FHIR R4 profiling, section 5.1.0.15)."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from helhed.fhir.definitions import facts
from helhed.fhir.profiles.findings import Place, errors
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Json, Run, type_of_reference
from helhed.fhir.profiles.structure import CORE, Node
from helhed.fhir.profiles.values import same, within

_STEP = re.compile(
    r"\s*(?:(?P<this>\$this)|(?P<resolve>resolve\(\))|extension\(\s*['\"](?P<url>[^'\"]+)['\"]\s*\)"
    r"|ofType\(\s*(?P<kind>\w+)\s*\)|(?P<name>[A-Za-z]\w*)(?:\[x\])?)\s*(?:\.|$)"
)


class Item(NamedTuple):
    """One value of the element that is sliced, or one that a discriminator's path leads to."""

    value: Any
    extra: Json | None
    kind: str  #: type, "" when unknown
    place: Place


#: whether an item is in the slice; None when that cannot be told
Test = Callable[[Item, Run], bool | None]
Step = tuple[str, str]


def test_of(kind: str, path: str, slice_: Node, library: Library) -> Test | None:
    """The test of one discriminator for one slice; None when the profile does not say what to look for."""
    steps = steps_of(path)
    if steps is None:
        return None
    makers = {"value": _value, "pattern": _value, "exists": _exists, "type": _type, "profile": _profile}
    maker = makers.get(kind)
    return maker(steps, slice_, library) if maker else None


def steps_of(path: str) -> tuple[Step, ...] | None:
    """The steps of a discriminator's path; None when it uses more of FHIRPath than discriminators may."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return None
        position = match.end()
        if match["resolve"]:
            steps.append(("resolve", ""))
        elif match["url"]:
            steps.append(("extension", match["url"]))
        elif match["kind"]:
            steps.append(("type", match["kind"]))
        elif match["name"]:
            steps.append(("name", match["name"]))
    return tuple(steps)


# --- what the item holds ----------------------------------------------------------------------------------------------


def reached(item: Item, steps: Sequence[Step], run: Run) -> list[Item]:
    """Where a path leads from an item."""
    some = [item]
    for kind, text in steps:
        if kind == "name":
            some = [found for one in some for found in _children(one, text)]
        elif kind == "extension":
            extensions = [found for one in some for found in _children(one, "extension")]
            some = [one for one in extensions if isinstance(one.value, dict) and one.value.get("url") == text]
        elif kind == "type":
            some = [one for one in some if one.kind == text]
        else:
            some = [found for one in some for found in _resolved(one, run)]
    return some


def _children(item: Item, name: str) -> Iterator[Item]:
    holder = item.value if isinstance(item.value, dict) else item.extra
    if not isinstance(holder, dict):
        return
    length = len(name)
    for key in holder:
        plain = key.removeprefix("_")
        if (plain == name or (plain[:length] == name and plain[length : length + 1].isupper())) and not (
            key != plain and plain in holder
        ):
            yield from items_of(holder, plain, plain[length:], item.place)


def items_of(holder: Json, name: str, kind: str, place: Place | None) -> Iterator[Item]:
    """Every value of a property, with what stands beside it."""
    value, beside = holder.get(name), holder.get("_" + name)
    if isinstance(value, list) or isinstance(beside, list):
        values = value if isinstance(value, list) else []
        besides = beside if isinstance(beside, list) else []
        for position in range(max(len(values), len(besides))):
            one = values[position] if position < len(values) else None
            extra = besides[position] if position < len(besides) else None
            yield Item(one, extra, _known(one, kind), (place, name, position))
    elif value is not None or beside is not None:
        yield Item(value, beside, _known(value, kind), (place, name, -1))


def _known(value: Any, kind: str) -> str:
    if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        return str(value["resourceType"])
    lowered = kind[:1].lower() + kind[1:]
    return lowered if lowered in facts.primitives() else kind


def _resolved(item: Item, run: Run) -> Iterator[Item]:
    if not isinstance(item.value, dict):
        return
    kind, target = type_of_reference(item.value, run)
    if target is not None or kind:
        yield Item(target, None, kind, run.place_of(target, item.place))


# --- what the slice asks for ------------------------------------------------------------------------------------------


def asking(node: Node, steps: Sequence[Step], library: Library) -> list[Node]:
    """The elements of the profile that a path leads to, through the profiles of types and of targets."""
    some = [node]
    for kind, text in steps:
        if kind == "name":
            some = [found for one in some for found in _elements(one, text, library)]
        elif kind == "extension":
            some = [
                found
                for one in some
                for found in _elements(one, "extension", library)
                if text in addresses(found) or _says_url(found, text)
            ]
        elif kind == "resolve":
            some = [root for one in some for root in _roots([t for c in one.types for t in c.targets], library)]
    return some


def addresses(node: Node) -> list[str]:
    """The profiles of a node's types, without their versions."""
    return [profile.partition("|")[0] for choice in node.types for profile in choice.profiles]


def _says_url(node: Node, url: str) -> bool:
    return "url" in node.children and node.children["url"].fixed == url


def _elements(node: Node, name: str, library: Library) -> Iterator[Node]:
    child = node.children.get(name) or node.children.get(f"{name}[x]")
    if child is not None:
        yield child
        yield from child.slices
    else:
        for root in _roots([profile for choice in node.types for profile in choice.profiles], library):
            yield from _elements(root, name, library)


def _roots(profiles: Sequence[str], library: Library) -> Iterator[Node]:
    for profile in profiles:
        structure = library.structure(profile)
        if structure is not None:
            yield structure.root


def _value(steps: Sequence[Step], slice_: Node, library: Library) -> Test | None:
    wanted = addresses(slice_)
    if tuple(steps) == (("name", "url"),) and any(choice.code == "Extension" for choice in slice_.types) and wanted:
        return lambda item, _: isinstance(item.value, dict) and item.value.get("url") in wanted
    asked = [one for one in asking(slice_, steps, library) if one.has_fixed or one.has_pattern]
    if not asked:
        bound = [one.binding.value_set for one in asking(slice_, steps, library) if _required(one) and one.binding]
        return _bound(steps, bound, library) if bound else None

    def test(item: Item, run: Run) -> bool:
        values = [one.value for one in reached(item, steps, run)]
        return any(_given(node, value) for node in asked for value in values)

    return test


def _given(node: Node, value: Any) -> bool:
    return same(node.fixed, value) if node.has_fixed else within(node.pattern, value)


def _required(node: Node) -> bool:
    return node.binding is not None and node.binding.strength == "required"


def _bound(steps: Sequence[Step], sets: Sequence[str], library: Library) -> Test:
    def test(item: Item, run: Run) -> bool | None:
        verdicts = [
            library.terminology.member(value_set, system, code)
            for one in reached(item, steps, run)
            for system, code in codes_of(one.value)
            for value_set in sets
        ]
        return True if True in verdicts else None if None in verdicts else False

    return test


def codes_of(value: Any) -> list[tuple[str | None, str]]:
    """(system, code) of a code, Coding, CodeableConcept or Quantity; the system is None where it is implied."""
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    codings = value["coding"] if isinstance(value.get("coding"), list) else [value]
    return [
        (one.get("system", ""), one["code"])
        for one in codings
        if isinstance(one, dict) and isinstance(one.get("code"), str)
    ]


def _exists(steps: Sequence[Step], slice_: Node, library: Library) -> Test | None:
    asked = asking(slice_, steps, library)
    if any(one.maximum == 0 for one in asked):
        return lambda item, run: not reached(item, steps, run)
    if any(one.minimum for one in asked):
        return lambda item, run: bool(reached(item, steps, run))
    return None


def _type(steps: Sequence[Step], slice_: Node, library: Library) -> Test | None:
    kinds = {kind for node in asking(slice_, steps, library) for kind in _kinds(node, library)}
    if steps and steps[-1][0] == "resolve":
        asked = asking(slice_, steps[:-1], library)
        targets = [target for node in asked for choice in node.types for target in choice.targets]
        kinds = {kind for target in targets for kind in [library.type_of(target)] if kind}
    if not kinds:
        return None

    def test(item: Item, run: Run) -> bool:
        return any(one.kind in kinds for one in reached(item, steps, run))

    return test


def _kinds(node: Node, library: Library) -> Iterator[str]:
    for choice in node.types:
        if choice.code in {"Resource", "DomainResource"} and choice.profiles:
            yield from (kind for one in choice.profiles if (kind := library.type_of(one)))
        else:
            yield choice.code


def _profile(steps: Sequence[Step], slice_: Node, library: Library) -> Test | None:
    resolving = bool(steps) and steps[-1][0] == "resolve"
    asked = asking(slice_, steps[:-1] if resolving else steps, library)
    profiles = [
        profile
        for node in asked
        for choice in node.types
        for profile in ((choice.targets or choice.profiles) if resolving else choice.profiles)
    ]
    if not profiles:
        return None

    def test(item: Item, run: Run) -> bool | None:
        verdicts = [conforms(one, profile, library, run) for one in reached(item, steps, run) for profile in profiles]
        return True if True in verdicts else None if None in verdicts else False

    return test


def conforms(item: Item, profile: str, library: Library, run: Run) -> bool | None:
    """Whether a value follows a profile; None when the profile or the value is not here."""
    kind = library.type_of(profile)
    if kind and item.kind and kind != item.kind and kind not in {"Resource", "DomainResource"}:
        return False
    if profile.partition("|")[0] == f"{CORE}{kind}":
        return True
    checked = library.checked(profile)
    if checked is None or (item.value is None and item.extra is None):
        return None
    return not errors(run.trying(checked, item.value, item.extra, item.place))


__all__ = ["Item", "Step", "Test", "asking", "codes_of", "conforms", "items_of", "reached", "steps_of", "test_of"]
