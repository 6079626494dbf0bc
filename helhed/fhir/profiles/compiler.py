"""From a snapshot's tree to one function over parsed JSON.

What FHIR itself says of a type is checked elsewhere (``helhed.fhir.validation``, ``base``), so an element that only repeats
it costs nothing here: it compiles to no function at all.
"""

from collections.abc import Callable, Sequence
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.definitions.facts import Element
from helhed.fhir.profiles.base import base_keys
from helhed.fhir.profiles.bindings import binding_check
from helhed.fhir.profiles.discriminators import Item, items_of
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.invariants import invariant_check
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.references import reference_check
from helhed.fhir.profiles.run import Check, Json, Run
from helhed.fhir.profiles.slicing import Slices, slices_of
from helhed.fhir.profiles.structure import Node, Structure
from helhed.fhir.profiles.typing import type_check
from helhed.fhir.profiles.values import beyond, same, shown, within

#: what checks the items of one element in the object that holds them
Group = Callable[[Json, Place, Run], None]
_RESOURCES = frozenset({"Resource", "DomainResource"})
_GENERAL = frozenset({"BackboneElement", "Element"})


def compile_structure(structure: Structure, library: Library) -> Check:
    """The check of a whole profile."""
    url = f"{structure.url}|{structure.version}" if structure.version else structure.url
    root = structure.root
    work = _Work(structure, library, url)
    inner = _all([*work.own(root, structure.type_name, None), *work.inside(root, structure.type_name)])
    type_name, title = structure.type_name, structure.title
    is_resource = "contained" in facts.elements(type_name) or type_name in {"Bundle", "Binary", "Parameters"}

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        found = value.get("resourceType") if isinstance(value, dict) else None
        if is_resource and found != type_name:
            run.add("error", "structure", f"{title} is about {type_name}, not about {found}.", place, url)
        elif inner is not None and is_resource and value is not run.resource:
            with run.within(value, place):
                inner(value, extra, place, run)
        elif inner is not None:
            inner(value, extra, place, run)

    return check


class _Work:
    """Compiling one structure."""

    def __init__(self, structure: Structure, library: Library, url: str) -> None:
        self.library = library
        self.url = url
        self._title = structure.title
        self._root = structure.root
        self._referred: dict[str, list[Check]] = {}

    # --- one element's own value ----------------------------------------------------------------------------------

    def own(self, node: Node, type_name: str, known: Node | None) -> list[Check]:
        """What the profile says of the value itself. ``known`` is the element that a slice is a slice of."""
        checks: list[Check] = []
        if node.has_fixed and not (known and known.has_fixed and same(known.fixed, node.fixed)):
            checks.append(self._given(node, node.fixed, same, "must be exactly"))
        if node.has_pattern and not (known and known.has_pattern and same(known.pattern, node.pattern)):
            checks.append(self._given(node, node.pattern, within, "must be, or hold,"))
        if node.max_length is not None and (known is None or known.max_length != node.max_length):
            checks.append(self._longest(node, node.max_length))
        if node.least is not None or node.most is not None:
            checks.append(self._limits(node))
        if node.binding is not None and (known is None or known.binding != node.binding):
            checks += _present(binding_check(node, self.library, self.url))
        skip = base_keys() | ({one.key for one in known.invariants} if known else set())
        for invariant in node.invariants:
            if invariant.key not in skip:
                checks.append(invariant_check(invariant, type_name, self.url, self.library))
        return checks

    def _given(self, node: Node, wanted: Any, test: Callable[[Any, Any], bool], words: str) -> Check:
        label, url = node.label, self.url
        sentence = f"{node.name} {words} {shown(wanted)} ({self._title})."

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            if not test(wanted, value):
                run.add("error", "value", sentence, place, url, label)

        return check

    def _longest(self, node: Node, most: int) -> Check:
        label, url = node.label, self.url
        sentence = f"{node.name} may hold {most} characters at most ({self._title})."

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            if isinstance(value, str) and len(value) > most:
                run.add("error", "too-long", sentence, place, url, label)

        return check

    def _limits(self, node: Node) -> Check:
        label, url, least, most = node.label, self.url, node.least, node.most
        sentence = f"{node.name} must lie within the limits that {self._title} gives."

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            if beyond(value, least, most):
                run.add("error", "value", sentence, place, url, label)

        return check

    # --- what an element holds ------------------------------------------------------------------------------------

    def inside(self, node: Node, type_name: str) -> list[Check]:
        """The checks of the children."""
        groups = [group for child in node.children.values() if (group := self.group(child, node, type_name))]
        if not groups:
            return []

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            holder = value if isinstance(value, dict) else extra
            if isinstance(holder, dict):
                for group in groups:
                    group(holder, place, run)

        return [check]

    def group(self, node: Node, parent: Node, type_name: str) -> Group | None:
        """The check of an element in what holds it; None when the profile adds nothing."""
        element = _element(type_name, node.name)
        kinds = _kinds(node, element)
        each = self.each(node, element, kinds, None)
        slices = slices_of(node, self.library, self.url, lambda one: self.each(one, element, kinds, node))
        least, most = _counts(node, element)
        if each is None and slices is None and not least and most is None:
            return None
        return self._counted(node, kinds, each, slices, (least, most))

    def _counted(
        self,
        node: Node,
        kinds: dict[str, str],
        each: Check | None,
        slices: Slices | None,
        counts: tuple[int, int | None],
    ) -> Group:
        least, most = counts
        label, url, name, title = node.label, self.url, node.name, self._title
        names = list(kinds.items())
        few = f"{name} must stand here at least {_times(least)} ({title})."
        many = (
            f"{name} may not stand here ({title})."
            if most == 0
            else f"{name} stands more than {_times(most or 0)} ({title})."
        )

        def check(holder: Json, place: Place, run: Run) -> None:
            items: list[Item] = []
            for prop, kind in names:
                if prop in holder or "_" + prop in holder:
                    items += items_of(holder, prop, kind, place)
            if len(items) < least:
                run.add("error", "required", few, place, url, label)
            if most is not None and len(items) > most:
                run.add("error", "structure", many, items[most].place, url, label)
            if each is not None:
                for value, extra, _, at in items:
                    each(value, extra, at, run)
            if slices is not None:
                slices.check(items, place, run)

        return check

    # --- each item of an element ----------------------------------------------------------------------------------

    def each(self, node: Node, element: Element | None, kinds: dict[str, str], known: Node | None) -> Check | None:
        """The check of one item of an element or slice."""
        type_name = next(iter(kinds.values())) if len(kinds) == 1 else ""
        checks = _present(type_check(node, element, kinds, self.library, self.url, known))
        checks += self.own(node, type_name or "Element", known)
        checks += _present(reference_check(node, self.library, self.url, known))
        if node.content_reference:
            checks += self._referred_to(node.content_reference)
        elif node.children:
            checks += self.inside(node, self._inner_type(node, kinds))
        return _all(checks)

    def _inner_type(self, node: Node, kinds: dict[str, str]) -> str:
        """The type whose elements the children are: a nested element is known by its path."""
        codes = [choice.code for choice in node.types] or list(kinds.values())
        return codes[0] if len(codes) == 1 and codes[0] not in _GENERAL else next(iter(kinds.values()), "Element")

    def _referred_to(self, reference: str) -> list[Check]:
        """An element that is like another one of the same profile; made when it is first met, since it may be itself."""
        path = reference.rpartition("#")[2]
        made = self._referred.get(path)
        if made is not None:
            return made
        checks: list[Check] = []
        self._referred[path] = [lambda value, extra, place, run: _each(checks, value, extra, place, run)]
        node, kind = self._at(path)
        if node is not None:
            checks += [*self.own(node, kind, None), *self.inside(node, kind)]
        return self._referred[path] if checks else []

    def _at(self, path: str) -> tuple[Node | None, str]:
        node: Node | None = self._root
        steps = path.split(".")
        for step in steps[1:]:
            node = node.children.get(step) if node is not None else None
        return node, path if facts.is_type(path) else "Element"


def _each(checks: Sequence[Check], value: Any, extra: Json | None, place: Place, run: Run) -> None:
    for one in checks:
        one(value, extra, place, run)


def _all(checks: Sequence[Check]) -> Check | None:
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]
    some = tuple(checks)

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        for one in some:
            one(value, extra, place, run)

    return check


def _present(check: Check | None) -> list[Check]:
    return [] if check is None else [check]


def _element(type_name: str, name: str) -> Element | None:
    return facts.elements(type_name).get(name) if facts.is_type(type_name) else None


def _kinds(node: Node, element: Element | None) -> dict[str, str]:
    """Property -> type, of every alternative that FHIR gives the element."""
    if element is not None:
        return element.properties
    if not node.name.endswith("[x]"):
        return {node.name: node.types[0].code if node.types else "Element"}
    return {node.name[:-3] + one.code[0].upper() + one.code[1:]: one.code for one in node.types}


def _counts(node: Node, element: Element | None) -> tuple[int, int | None]:
    """Least and most where the profile is stricter than FHIR; 0 and None where it is not."""
    if element is None:
        return node.minimum, node.maximum
    least = node.minimum if node.minimum > element.minimum else 0
    usual = None if element.many else 1
    return least, node.maximum if node.maximum != usual else None


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


__all__ = ["compile_structure"]
