"""Profiles by canonical address: parsed and compiled when they are first asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.packages.versions import chosen
from helhed.fhir.profiles.run import Check
from helhed.fhir.profiles.snapshots import core_or, snapshot_of
from helhed.fhir.profiles.structure import CORE, Node, NotUsable, Structure, structure_of
from helhed.fhir.profiles.terminology import Terminology

Json = dict[str, Any]


class Source(NamedTuple):
    """A StructureDefinition as it is kept."""

    url: str
    version: str
    body: bytes


class Compiled:
    """A profile as a function. Its check is set once the function is made, since profiles refer to each other."""

    __slots__ = ("check", "structure", "url")

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.url = f"{structure.url}|{structure.version}"
        self.check: Check = lambda value, extra, place, run: None


Compiler = Callable[[Structure, "Library"], Check]


class Library:
    """Everything installed at one moment. A change of what is installed makes another library."""

    def __init__(self, sources: Iterable[Source], terminology: Terminology, compiler: Compiler) -> None:
        self.terminology = terminology
        self._sources: dict[str, dict[str, bytes]] = {}
        for one in sources:
            self._sources.setdefault(one.url, {})[one.version] = one.body
        self._compiler = compiler
        self._structures: dict[tuple[str, str], Structure | NotUsable] = {}
        self._compiled: dict[tuple[str, str], Compiled] = {}
        self._versions: dict[str, tuple[str, str] | None] = {}
        self._making: set[tuple[str, str]] = set()  #: whose snapshots are being made

    def urls(self) -> Iterator[str]:
        """Addresses of what is installed."""
        return iter(self._sources)

    def value_sets(self) -> set[str]:
        """Addresses of the value sets that profiles bind to strictly enough to be checked."""
        found: set[str] = set()
        for url, versions in self._sources.items():
            for version in versions:
                structure = self.structure(f"{url}|{version}")
                found |= set(_bound(structure.root)) if structure is not None else set()
        return found

    def structure(self, canonical: str) -> Structure | None:
        """The structure of that address; None when it is not installed or cannot be used."""
        found = self._found(canonical)
        return None if found is None or isinstance(found, NotUsable) else found

    def problem(self, canonical: str) -> str:
        """Why nothing can be checked against that address, as a sentence; "" when it can."""
        found = self._found(canonical)
        if found is None:
            return f"The profile {canonical[:200]} is not installed here."
        return str(found) if isinstance(found, NotUsable) else ""

    def stand_in(self, canonical: str) -> str:
        """The version that is used instead of the one that was asked for; "" when it is that one or none is here."""
        url, _, version = canonical.partition("|")
        key = self._key(canonical)
        return key[1] if key is not None and version and key != (url, version) else ""

    def type_of(self, canonical: str) -> str:
        """The type a profile is about, "" when it is not known."""
        url = canonical.partition("|")[0]
        name = url.removeprefix(CORE)
        if name != url and facts.is_type(name):
            return name
        structure = self.structure(canonical)
        return structure.type_name if structure else ""

    def checked(self, canonical: str) -> Compiled | None:
        """The compiled profile; None when it is not installed or cannot be used."""
        key = self._key(canonical)
        structure = self.structure(canonical)
        if key is None or structure is None:
            return None
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = Compiled(structure)
            compiled.check = self._compiler(structure, self)
        return compiled

    def _key(self, canonical: str) -> tuple[str, str] | None:
        if canonical not in self._versions:
            url, _, version = canonical.partition("|")
            best = chosen(version, self._sources.get(url, {}))
            self._versions[canonical] = None if best is None else (url, best)
        return self._versions[canonical]

    def _found(self, canonical: str) -> Structure | NotUsable | None:
        key = self._key(canonical)
        if key is None:
            return None
        if key not in self._structures:
            try:
                self._structures[key] = structure_of(self._content(key))
            except NotUsable as problem:
                self._structures[key] = problem
        return self._structures[key]

    def _content(self, key: tuple[str, str]) -> Json:
        """A StructureDefinition with its snapshot, which is made when none was published. Raises NotUsable."""
        content: Json = orjson.loads(self._sources[key[0]][key[1]])
        if "snapshot" in content or not facts.is_type(str(content.get("type", ""))):
            return content
        if key in self._making:
            raise NotUsable(f"{key[0][:200]} stands on itself.")
        self._making.add(key)
        try:
            return {**content, "snapshot": {"element": snapshot_of(content, self._elements)}}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise NotUsable(f"The differential of {key[0][:200]} cannot be understood.") from None
        finally:
            self._making.discard(key)

    def _elements(self, canonical: str) -> Sequence[Mapping[str, Any]] | None:
        """The elements of a profile or of a type of FHIR itself, for what stands on it. Raises NotUsable."""
        core = core_or(canonical)
        key = None if core is not None else self._key(canonical)
        if key is None:
            return core
        elements: Sequence[Mapping[str, Any]] = self._content(key)["snapshot"]["element"]
        return elements


def _bound(root: Node) -> Iterator[str]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += [*node.children.values(), *node.slices]
        if node.binding is not None and node.binding.strength in {"required", "extensible"}:
            yield node.binding.value_set
        if node.binding is not None and node.binding.outermost:
            yield node.binding.outermost


__all__ = ["Compiled", "Compiler", "Library", "Source"]
