"""A snapshot from a differential: what a profile says, laid over what its base says (FHIR R4 profiling, section 5.1.0.14).

A published snapshot is taken as it is. This is for profiles that came without one: the base's elements are the tree, each element
of the differential is walked to, through types, type profiles, slices and content references, and what it says is put there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.profiles.core import core_elements
from helhed.fhir.profiles.structure import CORE, NotUsable

Json = dict[str, Any]
#: the elements of a profile or type by canonical address; None when it is not here
Elements = Callable[[str], Sequence[Mapping[str, Any]] | None]
_MOST_BRANCHES = 20_000
_DEEPEST = 40
_GENERAL = frozenset({"BackboneElement", "Element"})
_OWN = frozenset({"id", "path", "sliceName", "constraint", "binding", "slicing"})


class Branch:
    """One element of a tree that is being made."""

    __slots__ = ("children", "element", "slices")

    def __init__(self, element: Json) -> None:
        self.element = element
        self.children: dict[str, Branch] = {}
        self.slices: dict[str, Branch] = {}

    @property
    def path(self) -> str:
        """Where it stands."""
        return str(self.element["path"])


def snapshot_of(content: Mapping[str, Any], elements: Elements) -> list[Json]:
    """The elements of a profile that publishes a differential only. Raises NotUsable."""
    url, base = str(content.get("url", "")), str(content.get("baseDefinition", ""))
    under = elements(base) if base else None
    if under is None:
        raise NotUsable(f"{url[:200]} has no snapshot, and what it stands on is not installed here ({base[:200]}).")
    differential = (content.get("differential") or {}).get("element", [])
    if not isinstance(differential, list) or len(differential) > _MOST_BRANCHES:
        raise NotUsable(f"{url[:200]} has neither a snapshot nor a differential that can be read.")
    tree = _Tree(elements, url)
    root = tree.built(under)
    for one, steps in _named(differential):
        tree.merge(tree.reached(root, steps), one)
    return list(_flat(root))


def _narrowed(branch: Branch) -> None:
    """A choice that must be of one type, since that slice must be there and only one value may be."""
    musts = [one for one in branch.slices.values() if int(one.element.get("min", 0)) > 0]
    if branch.path.endswith("[x]") and branch.element.get("max") == "1" and len(musts) == 1:
        branch.element["type"] = musts[0].element["type"]


def _named(differential: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], list[tuple[str, str]]]]:
    """Each element with its steps (name, slice). Ids tell them; without, the slices that stand before it do."""
    within: dict[str, str] = {}  #: path -> slice that the elements behind it are in
    for one in differential:
        path = one["path"]
        within = {known: name for known, name in within.items() if path.startswith(f"{known}.")}
        if name := one.get("sliceName"):
            within[path] = name
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise ValueError(path)
        if "id" in one and one["id"].count(".") == path.count("."):
            pairs = [part.partition(":") for part in one["id"].split(".")]
            yield one, [(left, right) for left, _, right in pairs]
        else:
            yield one, [(part, within.get(".".join(parts[: at + 1]), "")) for at, part in enumerate(parts)]


class _Tree:
    """Making one snapshot."""

    def __init__(self, elements: Elements, url: str) -> None:
        self._elements = elements
        self._url = url
        self._made = 0
        self._referring: set[str] = set()

    def built(self, elements: Sequence[Mapping[str, Any]], path: str = "") -> Branch:
        """The tree of a list of elements; ``path`` stands in the place of their root's."""
        line: list[Branch] = []
        length = len(elements[0]["path"])
        for one in elements:
            branch = self._branch({**one, "path": path + one["path"][length:]} if path else dict(one))
            depth = one["path"].count(".") - elements[0]["path"].count(".")
            if depth:
                _attach(line[depth - 1], branch)
            line[depth:] = [branch]
        return line[0]

    def _branch(self, element: Json) -> Branch:
        self._made += 1
        if self._made > _MOST_BRANCHES:
            raise NotUsable(f"{self._url[:200]} has more than {_MOST_BRANCHES} elements.")
        return Branch(element)

    def reached(self, root: Branch, steps: Sequence[tuple[str, str]]) -> Branch:
        """The element that steps lead to, made on the way where the base tells how. Raises NotUsable."""
        branch = root
        for name, slice_name in steps[1:]:
            branch = self._child(branch, name, root)
            if slice_name and slice_name != branch.element.get("sliceName"):
                branch = self._slice(branch, slice_name)
        return branch

    def _child(self, branch: Branch, name: str, root: Branch) -> Branch:
        if not branch.children:
            self._expand(branch, root)
        found = branch.children.get(name)
        if found is not None:
            return found
        for known, child in branch.children.items():  # valueQuantity, written short for a slice of value[x]
            if known.endswith("[x]") and _type_named(child, name):
                return self._slice(child, name)
        raise NotUsable(f"{self._url[:200]} names {branch.path}.{name}, which its base does not have.")

    def _expand(self, branch: Branch, root: Branch) -> None:
        """Give an element the children that its type, its type's profile or what it refers to has."""
        reference = str(branch.element.get("contentReference", "")).rpartition("#")[2]
        if reference:
            like = self._like(reference, branch, root)
            branch.children = {name: self._copied(one, branch.path, like.path) for name, one in like.children.items()}
            # from here on it is another element than the one it was like
            del branch.element["contentReference"]
            branch.element["type"] = [{"code": "BackboneElement"}]
            return
        kinds = branch.element.get("type") or [{"code": branch.path}]
        if len(kinds) != 1:
            raise NotUsable(f"{self._url[:200]} says what is within {branch.path} before it says which type that is.")
        code = branch.path if kinds[0]["code"] in _GENERAL else str(kinds[0]["code"])
        profiles = kinds[0].get("profile", ())
        elements = self._elements(profiles[0]) if len(profiles) == 1 else None
        elements = elements or self._elements(CORE + code)
        if elements is None:
            raise NotUsable(f"{self._url[:200]} names what is within {branch.path}, of which nothing is known here.")
        branch.children = self.built(elements, branch.path).children

    def _like(self, reference: str, branch: Branch, root: Branch) -> Branch:
        """The element that another one is like, with its children. Raises NotUsable where that goes round in a circle."""
        if reference in self._referring:
            raise NotUsable(f"{self._url[:200]} has elements that are like each other ({branch.path}).")
        self._referring.add(reference)
        like = self.reached(root, [(step, "") for step in reference.split(".")])
        if not like.children:
            self._expand(like, root)
        self._referring.discard(reference)
        return like

    def _slice(self, branch: Branch, name: str) -> Branch:
        found = branch.slices.get(name)
        if found is not None:
            return found
        above = branch.slices.get(name.rpartition("/")[0], branch)
        fresh = self._copied(above, branch.path, branch.path)
        fresh.slices = {}
        fresh.element = {key: value for key, value in fresh.element.items() if key != "slicing"}
        fresh.element |= {"sliceName": name, "min": 0}
        if branch.path.endswith("[x]"):
            wanted = [kind for kind in branch.element.get("type", ()) if name.endswith(_upper(str(kind["code"])))]
            exact = [kind for kind in wanted if name == _stem(branch) + _upper(str(kind["code"]))]
            fresh.element |= {"type": exact} if exact else {}
        branch.slices[name] = fresh
        return fresh

    def _copied(self, branch: Branch, path: str, before: str) -> Branch:
        fresh = self._branch({**branch.element, "path": path + branch.path[len(before) :]})
        fresh.children = {name: self._copied(one, path, before) for name, one in branch.children.items()}
        fresh.slices = {name: self._copied(one, path, before) for name, one in branch.slices.items()}
        return fresh

    def merge(self, branch: Branch, said: Mapping[str, Any]) -> None:
        """Put what the differential says of an element over what stands there."""
        element = branch.element
        element.update({name: value for name, value in said.items() if name not in _OWN})
        if "constraint" in said:
            keys = {one.get("key") for one in said["constraint"]}
            kept = [one for one in element.get("constraint", ()) if one.get("key") not in keys]
            element["constraint"] = [*kept, *said["constraint"]]
        if "binding" in said:  # what it leaves out is the base's, but not an outermost value set
            before: Json = element.get("binding", {})
            inherited = {name: before[name] for name in ("strength", "valueSet") if name in before}
            element["binding"] = {**inherited, **said["binding"]}
        if "slicing" in said:
            element["slicing"] = {**element.get("slicing", {}), **said["slicing"]}


def _attach(parent: Branch, branch: Branch) -> None:
    name, slice_name = branch.path.rpartition(".")[2], branch.element.get("sliceName", "")
    if name not in parent.children and slice_name:
        name = next((known for known, one in parent.children.items() if _type_named(one, name)), name)
    if slice_name and name in parent.children:
        parent.children[name].slices[slice_name] = branch
    else:
        parent.children[name] = branch


def _type_named(branch: Branch, name: str) -> bool:
    """Whether a name is that of a choice with one of its types: valueQuantity of value[x]."""
    if not branch.path.endswith("[x]"):
        return False
    codes = [str(kind["code"]) for kind in branch.element.get("type", ())]
    return any(name == _stem(branch) + _upper(code) for code in codes)


def _stem(branch: Branch) -> str:
    return branch.path.rpartition(".")[2].removesuffix("[x]")


def _upper(code: str) -> str:
    return code[:1].upper() + code[1:]


def _flat(branch: Branch) -> Iterator[Json]:
    _narrowed(branch)
    yield branch.element
    for child in branch.children.values():
        yield from _flat(child)
    for one in branch.slices.values():
        yield from _flat(one)


def core_or(url: str) -> list[Json] | None:
    """The elements of a type of FHIR itself; None for any other address."""
    name = url.partition("|")[0].removeprefix(CORE)
    return core_elements(name) if name != url.partition("|")[0] and facts.is_type(name) else None


__all__ = ["Elements", "core_or", "snapshot_of"]
