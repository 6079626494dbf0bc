"""Bindings to value sets (FHIR R4 terminologies, section 4.1.5).

A required binding that is broken is an error. An extensible one allows a code from elsewhere when none of the set fits,
which nobody can prove wrong here: a warning, unless the profile names an outermost value set and the code is outside that.
What cannot be told is reported as not checked.
"""

from typing import Any, NamedTuple

from helhed.fhir.profiles.discriminators import codes_of
from helhed.fhir.profiles.findings import Place, Severity
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Json, Run
from helhed.fhir.profiles.structure import Binding, Node
from helhed.fhir.profiles.terminology import Terminology

_BOUND = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"})
_MOST_SHOWN = 3


class _About(NamedTuple):
    value_set: str
    url: str
    label: str


def binding_check(node: Node, library: Library, url: str) -> Check | None:
    """The check of a binding; None for one that does not bind."""
    binding = node.binding
    if binding is None or (node.types and not any(choice.code in _BOUND for choice in node.types)):
        return None
    if binding.strength == "required":
        return _check(_About(binding.value_set, url, node.label), "error", library.terminology)
    if binding.strength == "extensible":
        return _extensible(binding, node, library, url)
    return _outermost(binding, node, library, url)


def _extensible(binding: Binding, node: Node, library: Library, url: str) -> Check:
    softly = _check(_About(binding.value_set, url, node.label), "warning", library.terminology)
    strictly = _outermost(binding, node, library, url)
    if strictly is None:
        return softly

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        before = len(run.findings)
        strictly(value, extra, place, run)
        if len(run.findings) == before:
            softly(value, extra, place, run)

    return check


def _outermost(binding: Binding, node: Node, library: Library, url: str) -> Check | None:
    if not binding.outermost:
        return None
    return _check(_About(binding.outermost, url, node.label), "error", library.terminology)


def _check(about: _About, severity: Severity, terminology: Terminology) -> Check:
    value_set, url, label = about
    short = value_set.partition("|")[0].rpartition("/")[2]

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        codes = codes_of(value)
        if not codes:
            if severity == "error" and isinstance(value, dict) and "value" not in value:
                run.add("error", "code-invalid", f"A code of the value set {short} must stand here.", place, url, label)
            return
        verdicts = [terminology.member(value_set, system, code) for system, code in codes]
        if True in verdicts:
            return
        told = ", ".join(f"{system}|{code}" if system else code for system, code in codes[:_MOST_SHOWN])[:200]
        if None in verdicts:
            sentence = f"Not checked: the codes of {value_set[:200]} are not all known here ({told})."
            run.add("information", "not-supported", sentence, place, url, label)
        else:
            run.add(severity, "code-invalid", f"The value set {short} does not hold {told}.", place, url, label)

    return check
