"""Which types an element may have, and which profiles they must follow."""

from collections.abc import Mapping, Sequence
from typing import Any

from helhed.fhir.definitions.facts import Element
from helhed.fhir.profiles.discriminators import Item, conforms
from helhed.fhir.profiles.findings import Finding, Place, errors
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Json, Run
from helhed.fhir.profiles.structure import CORE, Node

_RESOURCES = frozenset({"Resource", "DomainResource"})


def type_check(
    node: Node, element: Element | None, kinds: Mapping[str, str], library: Library, url: str, known: Node | None
) -> Check | None:
    """The check of an item's type; None when FHIR's own definition says as much."""
    if known is not None and known.types == node.types:
        return None
    codes = {choice.code for choice in node.types}
    given = set(element.types) if element is not None else set()
    any_resource = bool(given) and given <= _RESOURCES
    narrower = not codes & _RESOURCES if any_resource else len(kinds) > 1 and codes < given
    profiles = {choice.code: _profiles(choice.code, choice.profiles) for choice in node.types}
    allowed = codes if narrower and codes else set()
    if not allowed and not any(profiles.values()):
        return None
    return _made(node, kinds, allowed, profiles, (library, url))


def _profiles(code: str, profiles: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in profiles if one.partition("|")[0] != CORE + code)


def _made(
    node: Node,
    kinds: Mapping[str, str],
    allowed: set[str],
    profiles: Mapping[str, tuple[str, ...]],
    about: tuple[Library, str],
) -> Check:
    library, url = about
    label, name = node.label, node.name
    single = next(iter(kinds.values())) if len(kinds) == 1 else ""
    words = " or ".join(sorted(allowed))

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        kind = single or kinds.get(place[1], "")
        if single in _RESOURCES and isinstance(value, dict):
            kind = str(value.get("resourceType", ""))
        if allowed and kind not in allowed:
            run.add("error", "structure", f"{name} must be {words} here, not {kind}.", place, url, label)
            return
        wanted = profiles.get(kind) or (profiles.get("Resource") if single in _RESOURCES else None)
        if wanted:
            follow(Item(value, extra, kind, place), wanted, library, run, (url, label))

    return check


def follow(item: Item, wanted: Sequence[str], library: Library, run: Run, asked_by: tuple[str, str]) -> None:
    """An item must follow one of these profiles."""
    url, label = asked_by
    verdicts = {profile: conforms(item, profile, library, run) for profile in wanted}
    if True in verdicts.values():
        best = next(profile for profile, verdict in verdicts.items() if verdict)
        run.findings.extend(found(item, best, library, run))
        return
    unknown = [profile for profile, verdict in verdicts.items() if verdict is None]
    if unknown:
        sentence = f"Not checked: {library.problem(unknown[0]) or 'what this points at is not here.'}"
        run.add("information", "not-supported", sentence, item.place, url, label)
        return
    likely = [one for one in wanted if library.type_of(one) == item.kind] or wanted
    closest = min((found(item, one, library, run) for one in likely), key=lambda some: len(errors(some)))
    if len(wanted) == 1 and closest:
        run.findings.extend(closest)
        return
    names = ", ".join(one.partition("|")[0].rpartition("/")[2] for one in wanted)
    run.add(
        "error", "structure", f"This follows none of the profiles that may stand here: {names}.", item.place, url, label
    )
    run.findings.extend(closest)


def found(item: Item, profile: str, library: Library, run: Run) -> list[Finding]:
    """What a profile finds in an item, when both are here."""
    checked = library.checked(profile)
    return [] if checked is None else run.trying(checked, item.value, item.extra, item.place)


__all__ = ["follow", "type_check"]
