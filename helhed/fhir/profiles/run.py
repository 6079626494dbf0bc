"""One validation: what was found so far, what was checked already, and what references lead to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.fhirpath import TooMuch
from helhed.fhir.profiles.findings import Finding, Place, Severity, written
from helhed.foundation.clock import DANISH_TIME

Json = dict[str, Any]
#: value, its sibling object (``_name``) when it is a primitive, place, run
Check = Callable[[Any, Json | None, Place, "Run"], None]

_MOST_FINDINGS = 500
#: of all rules together: a second or two, and many times what the largest published message costs
_MOST_STEPS = 1_000_000


class Checked(Protocol):
    """A compiled profile."""

    url: str
    check: Check


class Run:
    """What one call of ``Profiles.validate`` keeps while it walks."""

    def __init__(self, elsewhere: Callable[[str], Json | None] | None = None, at: datetime | None = None) -> None:
        #: the moment rules may ask for, in Danish time; "" when whoever validates names none
        self.now = "" if at is None else at.astimezone(DANISH_TIME).isoformat(timespec="milliseconds")
        self.findings: list[Finding] = []
        self.resource: Json = {}  #: the resource that is being checked now
        self.outer: Json = {}  #: the one that contains it, or itself
        self.bundle: Json | None = None
        self.environment: Any = None  #: of the resource now, for invariants
        self.undecided = False  #: an invariant asked for something that is not here
        self._spent = 0
        self._entries: Mapping[str, Json] = {}
        self._places: dict[int, Place] = {}
        self._checked: dict[tuple[int, str], list[Finding]] = {}
        self._elsewhere = elsewhere

    def spend(self, steps: int) -> None:
        """Count what a rule cost. Raises TooMuch."""
        self._spent += steps
        if self._spent > _MOST_STEPS:
            raise TooMuch

    def add(
        self, severity: Severity, code: str, sentence: str, place: Place, profile: str = "", rule: str = ""
    ) -> None:
        """Keep a finding; when there are many, an error has its place still."""
        if len(self.findings) < _MOST_FINDINGS or (severity == "error" and len(self.findings) < 2 * _MOST_FINDINGS):
            self.findings.append(Finding(severity, code, sentence, written(place), profile, rule))

    def trying(self, checked: Checked, value: Any, extra: Json | None, place: Place) -> list[Finding]:
        """What a profile finds in a value; worked out once for each value and profile."""
        key = (id(value if value is not None else extra), checked.url)
        known = self._checked.get(key)
        if known is None:
            self._checked[key] = []  # a profile that comes back to itself is as right as the rest of it
            mine, self.findings = self.findings, []
            try:
                checked.check(value, extra, place, self)
                known = self._checked[key] = self.findings
            finally:
                self.findings = mine
        return known

    @contextmanager
    def within(self, resource: Json, place: Place) -> Iterator[None]:
        """While a resource inside another one is checked."""
        before = (self.resource, self.outer, self.environment)
        self._places.setdefault(id(resource), place)
        for position, one in parts(resource, "contained"):
            self._places.setdefault(id(one), (place, "contained", position))
        contained = any(one is resource for _, one in parts(self.outer, "contained"))
        self.outer = self.outer if contained else resource
        self.resource, self.environment = resource, None
        try:
            yield
        finally:
            self.resource, self.outer, self.environment = before

    @contextmanager
    def inside(self, bundle: Json, place: Place) -> Iterator[None]:
        """While the entries of a Bundle are checked: references lead to entries."""
        before = (self.bundle, self._entries)
        self.bundle, self._entries = bundle, entries_by_address(bundle)
        for position, entry in parts(bundle, "entry"):
            self._places.setdefault(id(entry.get("resource")), ((place, "entry", position), "resource", -1))
        try:
            yield
        finally:
            self.bundle, self._entries = before

    def place_of(self, resource: Json | None, otherwise: Place) -> Place:
        """Where a resource that a reference leads to stands, when it stands in what is checked."""
        return otherwise if resource is None else self._places.get(id(resource), otherwise)

    def resolve(self, reference: str) -> Json | None:
        """What a reference leads to: contained, an entry of the Bundle, or what whoever asked has at hand."""
        if reference.startswith("#"):
            return contained_in(self.outer, reference[1:])
        found = self._entries.get(reference.partition("#")[0])
        if found is None and self._elsewhere is not None:
            found = self._elsewhere(reference)
        return found


def parts(holder: Json, name: str) -> Iterator[tuple[int, Json]]:
    """The objects in a list, each with its position."""
    some = holder.get(name)
    for position, one in enumerate(some if isinstance(some, list) else ()):
        if isinstance(one, dict):
            yield position, one


def contained_in(resource: Json, name: str) -> Json | None:
    """The contained resource of that id; "" is the resource itself."""
    if not name:
        return resource
    return next((one for _, one in parts(resource, "contained") if one.get("id") == name), None)


def entries_by_address(bundle: Json) -> dict[str, Json]:
    """The entries of a Bundle by fullUrl, and by Type/id where the fullUrl ends so (FHIR R4 bundle, 2.36.4.1)."""
    found: dict[str, Json] = {}
    for _, entry in parts(bundle, "entry"):
        address, resource = entry.get("fullUrl"), entry.get("resource")
        if isinstance(address, str) and isinstance(resource, dict):
            found.setdefault(address, resource)
            if not address.startswith("urn:") and address.count("/") > 1:
                tail = "/".join(address.rsplit("/", 2)[1:])
                if tail.partition("/")[0] in TYPE_NUMBERS:
                    found.setdefault(tail, resource)
    return found


def type_of_reference(reference: Json, run: Run) -> tuple[str, Json | None]:
    """Type of what a Reference points at ("" when it does not say), and the resource itself when it is here."""
    text = reference.get("reference")
    if isinstance(text, str) and text:
        target = run.resolve(text)
        if target is not None:
            return str(target.get("resourceType", "")), target
        steps = text.partition("?")[0].partition("/_history/")[0].rsplit("/", 2)
        kind = steps[-2] if len(steps) > 1 else steps[0]
        if kind in TYPE_NUMBERS and not text.startswith("urn:"):
            return kind, None
    kind = reference.get("type", "")
    return (kind.rpartition("/")[2] if isinstance(kind, str) else ""), None


__all__ = ["Check", "Checked", "Json", "Run", "contained_in", "entries_by_address", "parts", "type_of_reference"]
