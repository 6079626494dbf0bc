"""The CapabilityStatement: what works here, and nothing else."""

from functools import lru_cache

import orjson

from helhed.api.described import (
    OF_A_TYPE,
    OF_THE_SYSTEM,
    Interaction,
    interactions_of,
    parameters_of,
    served_types,
    stored_types,
)
from helhed.api.operations import OPERATIONS
from helhed.fhir.definitions import ParameterSet, SearchParameter, TypeDefinition, parameters_in_use
from helhed.fhir.transaction.patches import JSON_PATCH
from helhed.trust.subscriptions.shape import TOPICS_TOLD, topic_of
from helhed.trust.virtual import SHAPES

PATCH_FORMATS = (JSON_PATCH, "application/fhir+json", "application/fhir+xml")
_DATE = "2026-11-23"
COMMON = ({"name": "_id", "type": "token"}, {"name": "_lastUpdated", "type": "date"})


def capability_statement(base_url: str) -> bytes:
    """The statement as JSON, of what is here now."""
    return _statement(base_url, parameters_in_use())


@lru_cache(maxsize=4)
def _statement(base_url: str, beside: ParameterSet) -> bytes:
    """Made anew when other search parameters are in use beside R4's own."""
    stored = stored_types()
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Helhed"},
        "implementation": {"description": "Helhed: an open national health network", "url": f"{base_url}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml"],
        "patchFormat": list(PATCH_FORMATS),
        "rest": [
            {
                "mode": "server",
                "security": _security(base_url),
                "resource": [_served(one) if one.name in SHAPES else _resource(one, stored) for one in served_types()],
                "interaction": _codes(OF_THE_SYSTEM),
                **_operations(None),
            }
        ],
    }
    return orjson.dumps(statement)


_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH_PLACES = {
    "authorize": "authorize",
    "token": "token",
    "register": "register",
    "introspect": "introspect",
    "revoke": "revoke",
}


def _security(root: str) -> dict[str, object]:
    """How to come in (SMART App Launch 2.2, section 8.1); the whole of it stands in .well-known/smart-configuration."""
    places = [{"url": name, "valueUri": f"{root}/oauth/{path}"} for name, path in _OAUTH_PLACES.items()]
    return {
        "extension": [{"url": _OAUTH, "extension": places}],
        "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": "Access tokens. Each read is decided and logged; what you may not see does not exist.",
    }


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
        "interaction": _codes(OF_A_TYPE),
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "searchParam": [*COMMON, *(_parameter(one) for one in supported)],
    }
    told.update(_operations(definition.name))
    if references:
        told["searchInclude"] = [f"{definition.name}:{one.code}" for one in references]
    if reverse:
        told["searchRevInclude"] = reverse
    return told


def _served(definition: TypeDefinition) -> dict[str, object]:
    """A type that another room serves: found by no include, and what it refers to is brought by none."""
    return {
        **(_topics() if definition.name == "Subscription" else {}),
        "type": definition.name,
        "interaction": _codes(interactions_of(definition.name)),
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "searchParam": [*COMMON, *(_parameter(one) for one in parameters_of(definition))],
        **_operations(definition.name),
        "documentation": _SEEN_BY.get(definition.name, _SEEN_BY_CITIZENS),
    }


_SEEN_BY_CITIZENS = (
    "Seen by the citizen, by whoever acts for them and by whoever answers for it; there is none for others."
)
_SEEN_BY = {"Subscription": "Seen by whoever made it and by the operator; there is none for others."}


def _topics() -> dict[str, object]:
    """The topics that can be subscribed to (Subscriptions R5 Backport, *topic discovery*): one for each type that is stored here."""
    told = [{"url": TOPICS_TOLD, "valueCanonical": topic_of(one.name)} for one in stored_types()]
    return {"extension": told}


def _codes(interactions: tuple[Interaction, ...]) -> list[dict[str, str]]:
    return [{"code": code} for code in dict.fromkeys(one.code for one in interactions)]


def _operations(type_name: str | None) -> dict[str, list[dict[str, str]]]:
    """The operations of a type, or of the system; no element for none."""
    found = [
        {"name": one.name, "definition": one.definition}
        for one in OPERATIONS
        if ("system" in one.levels if type_name is None else one.levels - {"system"} and one.fits_type(type_name))
    ]
    return {"operation": found} if found else {}


def _parameter(parameter: SearchParameter) -> dict[str, str]:
    told = {"name": parameter.code, "type": parameter.kind}
    return told if parameter.custom is None else {**told, "definition": parameter.custom.url}
