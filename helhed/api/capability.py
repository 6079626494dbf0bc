"""The CapabilityStatement: what works here, and nothing else."""

import orjson

from helhed.api.operations import OPERATIONS
from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, SearchParameter, TypeDefinition, type_definition
from helhed.fhir.transaction.patches import JSON_PATCH

_DATE = "2026-11-23"
_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_OF_THE_SYSTEM = ("transaction", "batch", "search-system", "history-system")
_COMMON = ({"name": "_id", "type": "token"}, {"name": "_lastUpdated", "type": "date"})


def capability_statement(base_url: str) -> bytes:
    """The statement as JSON."""
    definitions = [type_definition(name) for name in sorted(TYPE_NUMBERS)]
    stored = [one for one in definitions if one.ownership is not Ownership.VIRTUAL]
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Helhed"},
        "implementation": {"description": "Helhed: an open national health network", "url": f"{base_url}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml"],
        "patchFormat": [JSON_PATCH],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "Bearer tokens. Each read is decided and logged; what you may not see does not exist."
                },
                "resource": [_resource(one, stored) for one in stored],
                "interaction": [{"code": code} for code in _OF_THE_SYSTEM],
                **_operations(None),
            }
        ],
    }
    return orjson.dumps(statement)


def _resource(definition: TypeDefinition, stored: list[TypeDefinition]) -> dict[str, object]:
    supported = [one for one in definition.parameters.values() if one.supported]
    references = [one for one in supported if one.kind == "reference"]
    reverse = [
        f"{other.name}:{one.code}"
        for other in stored
        for one in other.parameters.values()
        if one.supported and one.kind == "reference" and definition.name in one.targets
    ]
    told: dict[str, object] = {
        "type": definition.name,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "searchParam": [*_COMMON, *(_parameter(one) for one in supported)],
    }
    told.update(_operations(definition.name))
    if references:
        told["searchInclude"] = [f"{definition.name}:{one.code}" for one in references]
    if reverse:
        told["searchRevInclude"] = reverse
    return told


def _operations(type_name: str | None) -> dict[str, list[dict[str, str]]]:
    """The operations of a type, or of the system; no element for none."""
    found = [
        {"name": one.name, "definition": one.definition}
        for one in OPERATIONS
        if ("system" in one.levels if type_name is None else one.levels - {"system"} and one.fits_type(type_name))
    ]
    return {"operation": found} if found else {}


def _parameter(parameter: SearchParameter) -> dict[str, str]:
    return {"name": parameter.code, "type": parameter.kind}
