"""A SearchParameter resource as something that can be searched by, or why it cannot, at its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.indexing.custom import READS, fhir_kind
from helhed.fhir.search_parameters.expressions import NotAllowed, kinds_of
from helhed.fhir.validation import validate
from helhed.foundation.errors import InvalidResource, Issue

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_EVERY = frozenset({"Resource", "DomainResource"})
_LONGEST_URL = 500
_NOT_HERE = {
    "composite": "a composite is searched by its parts here: take each part into use as a parameter of its own",
    "special": "what a special parameter means is not said by its expression",
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A search parameter that can be taken into use."""

    url: str
    version: str
    code: str
    kind: str
    bases: tuple[str, ...]
    targets: tuple[str, ...]
    expression: str = field(repr=False)


def read_definition(resource: dict[str, Any]) -> Definition:
    """The search parameter of a resource. Raises InvalidResource with every place at which it cannot be used."""
    if resource.get("resourceType") != "SearchParameter":
        raise InvalidResource(issues=(Issue("structure", "This is no SearchParameter.", "resourceType"),))
    issues = tuple(validate(resource)) or tuple(_problems(resource)) or tuple(_expression_problems(resource))
    if issues:
        raise InvalidResource(issues=issues)
    return Definition(
        resource["url"],
        resource.get("version", ""),
        resource["code"],
        resource["type"],
        _bases(resource),
        tuple(resource.get("target", ())) if resource["type"] == "reference" else (),
        resource["expression"],
    )


def _bases(resource: dict[str, Any]) -> tuple[str, ...]:
    """The types that it is of; for the base of all resources every type that has rows."""
    if _EVERY & set(resource["base"]):
        return tuple(name for name in sorted(TYPE_NUMBERS) if _is_stored(name))
    return tuple(dict.fromkeys(resource["base"]))


def _is_stored(name: str) -> bool:
    return name in TYPE_NUMBERS and type_definition(name).ownership is not Ownership.VIRTUAL


def _problems(resource: dict[str, Any]) -> Iterator[Issue]:
    """What stands against it before its expression is looked at."""
    code, kind = resource["code"], resource["type"]
    if len(resource["url"]) > _LONGEST_URL:
        yield _issue("value", "url", f"The address is longer than {_LONGEST_URL} characters.")
    if resource["status"] != "active":
        yield _issue("business-rule", "status", "Only an active search parameter is taken into use.")
    if not _CODE.fullmatch(code):
        yield _issue("value", "code", "A code is a letter with letters, digits and hyphens behind it, 64 at most.")
    if kind not in READS:
        yield _issue("not-supported", "type", f"{kind} is not supported: {_NOT_HERE[kind]}.")
    if resource.get("xpathUsage", "normal") != "normal":
        yield _issue("not-supported", "xpathUsage", "Only what a normal parameter finds is found here.")
    for place, name in enumerate(resource["base"]):
        if name not in _EVERY and not _is_stored(name):
            yield _issue(
                "not-supported", f"base[{place}]", f"There are no rows of the type {name[:60]} to search here."
            )
    for place, name in enumerate(resource.get("target", ())):
        if name not in TYPE_NUMBERS:
            yield _issue("not-supported", f"target[{place}]", f"{name[:60]} is no resource type here.")
    if not resource.get("expression"):
        yield _issue("required", "expression", "Without an expression in FHIRPath it finds nothing.")
    clashes = [name for name in resource["base"] if name not in _EVERY and _is_stored(name) and _has_own(name, code)]
    if clashes:
        yield _issue("conflict", "code", f"{clashes[0]} has a search parameter {code} of FHIR R4's own.")


def _expression_problems(resource: dict[str, Any]) -> Iterator[Issue]:
    kind, bases = resource["type"], _bases(resource)
    of_all = bool(_EVERY & set(resource["base"]))
    for name in bases:
        try:
            found = {fhir_kind(one) for one in kinds_of(resource["expression"], name)}
        except NotAllowed as problem:
            yield _issue(problem.code, "expression", str(problem))
            return
        if of_all and _has_own(name, resource["code"]):
            yield _issue("conflict", "code", f"{name} has a search parameter {resource['code']} of FHIR R4's own.")
        if not found:
            yield _issue("value", "expression", f"The expression says nothing of {name}, which is one of its bases.")
        elif "" not in found and not found & READS[kind]:
            told = " or ".join(sorted(found))
            yield _issue(
                "value",
                "expression",
                f"For {name} the expression gives {told}, which a {kind} parameter does not read.",
            )


def _has_own(type_name: str, code: str) -> bool:
    own = type_definition(type_name).parameters.get(code)
    return own is not None and own.custom is None


def _issue(code: str, place: str, sentence: str) -> Issue:
    return Issue(code, sentence, f"SearchParameter.{place}")


__all__ = ["Definition", "read_definition"]
