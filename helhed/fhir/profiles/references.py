"""What a reference may point at (FHIR R4 references, section 2.3; elementdefinition: targetProfile, aggregation)."""

from collections.abc import Sequence
from typing import Any

from helhed.fhir.profiles.discriminators import Item, conforms
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Json, Run, type_of_reference
from helhed.fhir.profiles.structure import Node
from helhed.fhir.profiles.typing import found

_ANYTHING = frozenset({"Resource", "DomainResource"})


def reference_check(node: Node, library: Library, url: str, known: Node | None) -> Check | None:
    """The check of where a reference leads; None when it may lead anywhere, or FHIR's own definition says as much."""
    references = [choice for choice in node.types if choice.code == "Reference"]
    if not references or (known is not None and known.types == node.types):
        return None
    targets = tuple(dict.fromkeys(target for choice in references for target in choice.targets))
    modes = {mode for choice in references for mode in choice.aggregation}
    checks = [_target_check(node, targets, library, url)] if targets else []
    checks += [_mode_check(node, modes, url)] if modes and modes <= {"bundled", "contained"} else []
    if not checks:
        return None

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        if isinstance(value, dict) and ("reference" in value or "type" in value):
            for one in checks:
                one(value, extra, place, run)

    return check


def _target_check(node: Node, targets: Sequence[str], library: Library, url: str) -> Check:
    label, name = node.label, node.name
    kinds = {target: library.type_of(target) for target in targets}
    anything = any(kind in _ANYTHING for kind in kinds.values())
    unknown = [target for target, kind in kinds.items() if not kind]
    words = " or ".join(sorted({kind for kind in kinds.values() if kind}))

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        kind, target = type_of_reference(value, run)
        if anything or not kind:
            return
        fitting = [one for one in targets if kinds[one] == kind]
        if not fitting and not unknown:
            run.add("error", "value", f"{name} must point at {words}, not at {kind}.", place, url, label)
        elif target is not None:
            item = Item(target, None, kind, run.place_of(target, place))
            _conform(item, place, (fitting, unknown), library, run, (url, label))

    return check


def _conform(
    item: Item,
    place: Place,
    targets: tuple[Sequence[str], Sequence[str]],
    library: Library,
    run: Run,
    about: tuple[str, str],
) -> None:
    """The resource a reference leads to follows one of the profiles; ``place`` is the reference's."""
    fitting, unknown = targets
    verdicts = {one: conforms(item, one, library, run) for one in fitting}
    if True in verdicts.values():
        return
    url, label = about
    open_ones = [one for one, verdict in verdicts.items() if verdict is None] + list(unknown)
    if open_ones:
        sentence = f"Not checked: {library.problem(open_ones[0]) or 'the profile of what this points at.'}"
        run.add("information", "not-supported", sentence, place, url, label)
        return
    names = ", ".join(one.partition("|")[0].rpartition("/")[2] for one in fitting)
    first = next((one for one in found(item, fitting[0], library, run) if one.severity == "error"), None)
    why = f" {first.diagnostics}" if first else ""
    run.add("error", "value", f"What this points at does not follow {names}.{why}", place, url, label)


def _mode_check(node: Node, modes: set[str], url: str) -> Check:
    label, name = node.label, node.name
    words = " or ".join({"bundled": "in the same Bundle", "contained": "contained"}[mode] for mode in sorted(modes))

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        text = value.get("reference")
        if not isinstance(text, str):
            return
        if text.startswith("#"):
            right = "contained" in modes
        elif run.bundle is None and "bundled" in modes:
            run.add(
                "information", "not-supported", "Not checked: this stands alone, not in its Bundle.", place, url, label
            )
            return
        else:
            right = "bundled" in modes and run.resolve(text) is not None
        if not right:
            run.add("error", "value", f"What {name} points at must be {words}.", place, url, label)

    return check
