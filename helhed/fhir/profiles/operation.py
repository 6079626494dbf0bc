"""The work of ``$validate`` (FHIR R4 resource-operation-validate): findings as an OperationOutcome."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from helhed.fhir.profiles import Finding, Profiles
from helhed.fhir.validation import validate
from helhed.foundation.errors import BadRequest

_MODES = frozenset({"", "create", "update", "delete", "profile"})
_FINE = "Nothing is wrong with this, as far as it could be checked here."


def validate_operation(
    profiles: Profiles, resource: dict[str, Any], asked: Sequence[str] = (), mode: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """The outcome of validating a resource: its structure first, then the profiles asked for or else claimed.

    ``mode`` is create, update, delete, profile or "". ``at`` is what rules mean by now. Raises BadRequest for another mode.
    """
    if mode not in _MODES:
        raise BadRequest("mode is create, update, delete or profile.")
    if mode == "profile" and not asked:
        raise BadRequest("The mode profile needs the profile to validate against.")
    if mode == "delete":
        return outcome([])  # whether it may be deleted is decided when it is
    found = [Finding("error", one.code, one.diagnostics, one.expression) for one in validate(resource)]
    if mode == "update" and not isinstance(resource.get("id"), str):
        expression = f"{resource.get('resourceType', '')}.id".lstrip(".")
        found.append(Finding("error", "required", "An update names the resource by its id.", expression))
    if not found:
        found = profiles.validate(resource, asked, at=at)
    return outcome(found)


def outcome(findings: Sequence[Finding]) -> dict[str, Any]:
    """An OperationOutcome; one without errors says so."""
    issues = [_issue(one) for one in findings]
    if not any(one.severity in {"error", "warning"} for one in findings):
        issues.insert(0, {"severity": "information", "code": "informational", "diagnostics": _FINE})
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(finding: Finding) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": finding.severity, "code": finding.code, "diagnostics": finding.diagnostics}
    if finding.profile:
        issue["details"] = {"text": " ".join(filter(None, (finding.profile, finding.rule)))}
    if finding.expression:
        issue["expression"] = [finding.expression]
    return issue


__all__ = ["outcome", "validate_operation"]
