"""Extensions, wherever they stand: their own definition, and the places it allows (FHIR R4 defining-extensions, 5.2)."""

from collections.abc import Iterator

from helhed.fhir.definitions import facts
from helhed.fhir.profiles.discriminators import Item
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Json, Run
from helhed.fhir.profiles.structure import Structure
from helhed.fhir.profiles.typing import found

_NAMES = ("extension", "modifierExtension")
_DOMAIN = "DomainResource"


def check_extensions(resource: Json, place: Place, library: Library, run: Run) -> None:
    """Every extension of a resource, those of resources inside it not counted."""
    for extension, at, modifier, holder in _found(resource, place, ""):
        _check(extension, at, library, run, modifier=modifier, resource=place, holder=holder)


def _found(value: Json, place: Place, url: str) -> Iterator[tuple[Json, Place, bool, str]]:
    """Extension, its place, whether it modifies, and the url of the extension that holds it."""
    for name, inner in value.items():
        if name in _NAMES:
            for position, one in enumerate(inner if isinstance(inner, list) else ()):
                if isinstance(one, dict):
                    at = (place, name, position)
                    yield one, at, name == _NAMES[1], url
                    yield from _found(one, at, str(one.get("url", "")))
        elif isinstance(inner, dict):
            if "resourceType" not in inner:
                yield from _found(inner, (place, name.removeprefix("_"), -1), "")
        elif isinstance(inner, list) and name != "contained":
            for position, one in enumerate(inner):
                if isinstance(one, dict):
                    yield from _found(one, (place, name.removeprefix("_"), position), "")


def _check(
    extension: Json, at: Place, library: Library, run: Run, *, modifier: bool, resource: Place, holder: str
) -> None:
    url = extension.get("url")
    if not isinstance(url, str) or ":" not in url:
        return  # part of an extension that defines its parts itself
    structure = library.structure(url)
    if structure is None or structure.type_name != "Extension":
        _unknown(url, at, library, run, modifier=modifier)
        return
    if structure.is_modifier != modifier:
        wanted = "modifierExtension" if structure.is_modifier else "extension"
        run.add("error", "extension", f"{structure.title} stands in {wanted} only.", at, structure.url, "isModifier")
    if structure.contexts and not _stands_rightly(
        structure, at, resource, run.resource.get("resourceType", ""), holder
    ):
        places = ", ".join(expression for _, expression in structure.contexts)
        run.add("error", "extension", f"{structure.title} may stand on {places} only.", at, structure.url, "context")
    run.findings.extend(found(Item(extension, None, "Extension", at), url, library, run))


def _unknown(url: str, at: Place, library: Library, run: Run, *, modifier: bool) -> None:
    if modifier:
        sentence = f"Nobody here knows what this modifier extension changes: {library.problem(url)}"
        run.add("warning", "not-supported", sentence, at)
    else:
        run.add("information", "not-supported", f"Not checked: {library.problem(url) or 'this extension.'}", at)


def _stands_rightly(structure: Structure, at: Place, resource: Place, type_name: str, holder: str) -> bool:
    names: set[str] | None = None
    for kind, expression in structure.contexts:
        if kind == "extension":
            if holder == expression:
                return True
        elif kind == "element":
            if expression == "Element":
                return True  # anywhere
            names = names or names_of(at[0], resource, str(type_name))
            if expression.rpartition("#")[2] in names:
                return True
        else:
            return True  # a context in FHIRPath is not worked out
    return False


def names_of(place: Place, resource: Place, type_name: str) -> set[str]:
    """What an element is called in contexts: by its path, by the type it is in, and by its own type."""
    steps: list[str] = []
    while place is not resource:
        above, name, _ = place
        steps.append(name)
        place = above
    kind = type_name
    starts, names = [kind], {kind, "Resource", _DOMAIN} if not steps else set()
    for name in reversed(steps):
        element, inner = facts.properties(kind).get(name, (None, "")) if facts.is_type(kind) else (None, "")
        if element is None:
            return names | {"Element"}
        starts = [f"{start}.{element.name}" for start in starts]
        names = {*starts, inner, "Element"} | ({"BackboneElement"} if "." in inner else set())
        kind = inner
        starts = [*starts, *([inner] if inner not in starts else [])]
    return names


__all__ = ["check_extensions", "names_of"]
