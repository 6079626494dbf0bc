"""Invariants: rules in FHIRPath that a profile or FHIR itself adds to an element."""

from typing import Any

from helhed.fhir.fhirpath import TooMuch
from helhed.fhir.profiles.engine import rule_of
from helhed.fhir.profiles.findings import Place, Severity
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Json, Run
from helhed.fhir.profiles.structure import Invariant

_LONGEST = 400


def invariant_check(invariant: Invariant, type_name: str, url: str, library: Library) -> Check:
    """The check of one invariant. One that cannot be evaluated is reported wherever it would hold."""
    key = invariant.key
    severity: Severity = "warning" if invariant.severity == "warning" else "error"
    told = (invariant.human or invariant.expression)[:_LONGEST]
    broken, open_ = f"The rule {key} is broken: {told}", f"Not checked: the rule {key}: {told}"
    rule = rule_of(invariant.expression, type_name, library)

    def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        try:
            verdict = rule(value, extra, run) if rule is not None else None
        except TooMuch:
            run.add("error", "too-costly", f"This is too large to be checked against the rule {key}.", place, url, key)
            return
        if verdict is None:
            run.add("information", "not-supported", open_, place, url, key)
        elif not verdict:
            run.add(severity, "invariant", broken, place, url, key)

    return check
