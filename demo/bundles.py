"""Transactions of the demo world: each belongs to one source organisation, and all addresses are the same in every run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demo.datatypes import Json


@dataclass(frozen=True, slots=True)
class SourceBundle:
    """What one organisation delivers about one citizen, about a crowd of synthetic ones, or about places and staff.

    Entries are POSTs with ``ifNoneExist`` on their first identifier. References are ``urn:uuid`` everywhere. Those that
    nothing in this bundle answers point into bundles that come earlier; the loader replaces them by the references given out then.
    """

    organisation: str  #: handle in ``demo.places.PLACES``
    organisation_url: str  #: fullUrl of that Organization
    citizen: str  #: handle of the citizen, "" for a crowd, for places and for staff
    bundle: Json
    changes: tuple[
        tuple[str, Json], ...
    ] = ()  #: said anew afterwards, in order: fullUrl, and the elements that are different

    @property
    def own(self) -> frozenset[str]:
        """fullUrls in this bundle."""
        return frozenset(entry["fullUrl"] for entry in self.bundle["entry"])

    @property
    def earlier(self) -> frozenset[str]:
        """fullUrls that must have been loaded before."""
        return frozenset(references(self.bundle)) - self.own


def references(value: object) -> Iterator[str]:
    """Every ``urn:uuid`` that a Reference anywhere in a value points at."""
    if isinstance(value, dict):
        target = value.get("reference")
        if isinstance(target, str) and target.startswith("urn:uuid:"):
            yield target
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def entry(url: str, resource: Json) -> Json:
    """A POST, conditional on the first identifier when there is one."""
    request = {"method": "POST", "url": resource["resourceType"]}
    if condition := _condition(resource.get("identifier")):
        request["ifNoneExist"] = condition
    return {"fullUrl": url, "resource": resource, "request": request}


def _condition(identifiers: object) -> str:
    first = identifiers[0] if isinstance(identifiers, list) else identifiers
    return f"identifier={first['system']}|{first['value']}" if isinstance(first, dict) else ""


def transaction(entries: Sequence[Json]) -> Json:
    """A transaction Bundle."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
