"""What a source must conform to: rules with a date, and the refusal of what breaks them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from helhed.fhir.profiles import Finding, Profiles
from helhed.foundation.errors import Issue

_MOST_ISSUES = 20
#: instead of a profile: every installed profile that the resource says it follows
CLAIMED = ""


#: from a literal reference to the resource, where it is at hand
Elsewhere = Callable[[str], dict[str, Any] | None]
#: the first thing in a resource of a type that breaks what its source must conform to
Demands = Callable[[str, dict[str, Any], Elsewhere], Issue | None]


class Requirement(NamedTuple):
    """One rule: what an organisation writes of a type follows a profile."""

    organisation: int | None  #: None: every organisation
    type_name: str  #: "" is every type
    profile: str  #: canonical address, or CLAIMED
    severity: str  #: error refuses; warning lets it in, and counts
    valid_from: datetime
    valid_to: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether the rule holds at a moment."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


class Conformance:
    """The rules of all organisations, by organisation and type."""

    def __init__(self, requirements: Iterable[Requirement] = ()) -> None:
        self._by_organisation: dict[int | None, list[Requirement]] = {}
        for one in requirements:
            self._by_organisation.setdefault(one.organisation, []).append(one)

    def rules(self, organisation: int | None) -> bool:
        """Whether anything at all is asked of an organisation, now or ever."""
        return None in self._by_organisation or organisation in self._by_organisation

    def of(self, organisation: int | None, type_name: str, at: datetime) -> list[Requirement]:
        """The rules for what an organisation writes of a type."""
        if not self._by_organisation:
            return []
        some = self._by_organisation.get(None, [])
        if organisation is not None:
            some = some + self._by_organisation.get(organisation, [])
        return [one for one in some if one.type_name in {"", type_name} and one.holds(at)]


def broken(
    profiles: Profiles,
    requirements: Sequence[Requirement],
    resource: dict[str, Any],
    where: str = "",
    elsewhere: Elsewhere | None = None,
    at: datetime | None = None,
) -> tuple[list[Issue], list[Finding]]:
    """What breaks the rules: the issues that refuse it, and findings under rules that only warn.

    A profile that a rule names and that is not installed refuses everything: a rule nobody can check is not kept.
    """
    refusing: list[Issue] = []
    warning: list[Finding] = []
    for severity in ("error", "warning"):
        mine = [one for one in requirements if one.severity == severity]
        named = [one.profile for one in mine if one.profile != CLAIMED]
        found: list[Finding] = []
        if named:
            found += profiles.validate(resource, named, place=where, elsewhere=elsewhere, at=at)
        if len(named) < len(mine):
            found += profiles.validate(resource, place=where, elsewhere=elsewhere, at=at)
        wrong = [one for one in found if one.severity == "error"]
        if severity == "error":
            refusing = [Issue(one.code, one.diagnostics, one.expression) for one in wrong]
        else:
            warning = wrong
    return list(dict.fromkeys(refusing))[:_MOST_ISSUES], warning


__all__ = ["CLAIMED", "Conformance", "Demands", "Elsewhere", "Requirement", "broken"]
