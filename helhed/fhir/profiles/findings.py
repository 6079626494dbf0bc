"""What validation finds, and where: places are built as the walk goes down and written out only when something is found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "information"]
#: the place above, the property, and the position in its list (-1: not a list)
Place = tuple[Any, str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a profile says about a resource.

    *information* is for what could not be checked here. It never means that something is right.
    """

    severity: Severity
    code: str  #: http://hl7.org/fhir/issue-type
    diagnostics: str  #: a plain sentence
    expression: str  #: FHIRPath to the place
    profile: str = ""  #: canonical address of the profile that asks for it
    rule: str = ""  #: key of the invariant, or the element of the profile


def root(name: str) -> Place:
    """Where a walk begins: a type name, or the FHIRPath of a nested resource."""
    return (None, name, -1)


def written(place: Place | None) -> str:
    """``Bundle.entry[2].resource.status``."""
    steps: list[str] = []
    while place is not None:
        above, name, position = place
        steps.append(name if position < 0 else f"{name}[{position}]")
        place = above
    return ".".join(reversed(steps))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that make a resource invalid."""
    return [one for one in findings if one.severity == "error"]


_ORDER = {"error": 0, "warning": 1, "information": 2}


def sorted_once(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the gravest first, else in the order they were found.

    A snapshot repeats the rules of what it is based on, so one fault is often found under several profiles.
    """
    seen: dict[tuple[str, str, str, str], Finding] = {}
    for one in findings:
        seen.setdefault((one.severity, one.code, one.expression, one.rule.partition(":")[0] or one.diagnostics), one)
    return sorted(seen.values(), key=lambda one: _ORDER[one.severity])
