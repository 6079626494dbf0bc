"""The shared parts of ``/openapi.json``: parameters, headers, answers and the few shapes that every resource has."""

from collections.abc import Iterable
from typing import Any

from helhed.api.described import COMPARTMENT, ID, TYPE, VERSION, stored_types

Json = dict[str, Any]
JSON, XML = "application/fhir+json", "application/fhir+xml"
FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"
_TEXT: Json = {"type": "string"}
_ID_SHAPE: Json = {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}  # http://hl7.org/fhir/R4/datatypes.html#id
_TOTAL: Json = {"enum": ["none", "estimate", "accurate"]}
_SUMMARY: Json = {"enum": ["true", "false", "text", "data", "count"]}
_COUNT: Json = {"type": "integer", "minimum": 0}
_TAG: Json = {"type": "string", "pattern": '^W/"[0-9]{1,9}"$'}
_MANY = 20  #: more targets than this are any
_LIST: Json = {"type": "array", "items": _TEXT}

_QUERY: dict[str, tuple[Json, str]] = {
    "_format": ({"enum": ["json", "xml", JSON, XML]}, "The form of the answer; goes before Accept"),
    "_count": (_COUNT, "Rows of a page"),
    "_sort": (_TEXT, "Search parameters, each with a minus sign for descending"),
    "_summary": (_SUMMARY, "How much of each resource"),
    "_elements": (_TEXT, "Which elements of each resource"),
    "_total": (_TOTAL, "Whether the rows are counted"),
    "_include": (_LIST, "What the matches refer to"),
    "_revinclude": (_LIST, "What refers to the matches"),
    "_filter": (_TEXT, "http://hl7.org/fhir/R4/search_filter.html"),
    "_cursor": (_TEXT, "Where a page goes on: taken from the next link as it is"),
    "_since": (_TEXT, "Only versions from this instant on"),
    "_at": (_TEXT, "Only versions that were current at this time"),
    "_type": (_TEXT, "Types, separated by commas"),
}
_HEADERS: dict[str, tuple[Json, str]] = {
    "Prefer": (_TEXT, "return=minimal, representation or OperationOutcome; handling=strict or lenient"),
    "If-Match": (_TAG, "The version that the change is of"),
    "If-None-Match": (_TEXT, "The versions that the asker has"),
    "If-Modified-Since": (_TEXT, "When the asker read it"),
    "X-Security-Context": (_TEXT, "Of content that is sent as it is: the patient whose it is"),
    "If-None-Exist": (_TEXT, "A search: nothing is created when it finds something"),
}
#: OpenAPI leaves a parameter called Accept out of account; it is named for readers, with the forms there are
_ACCEPT = {"name": "Accept", "in": "header", "schema": {"enum": [JSON, XML, "application/json", "*/*"]}}
_OF_THE_PATH: dict[str, tuple[Json, str]] = {
    ID: (_ID_SHAPE, "The id that the server gave"),
    VERSION: ({"type": "string", "pattern": "^[0-9]{1,9}$"}, "The number of the version"),
    COMPARTMENT: (_TEXT, "The type to search, or * for all"),
}


def ref(part: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{part}/{name}"}


def placed(path: str) -> Iterable[Json]:
    """The parameters that stand in an address."""
    return [ref("parameters", name.strip("{}")) for name in (TYPE, *_OF_THE_PATH) if name in path]


def search_parameter(name: str, kind: str, targets: tuple[str, ...]) -> Json:
    """A search parameter; it may stand several times, which narrows the search."""
    told = f"{kind} to {', '.join(targets)}" if 0 < len(targets) < _MANY else kind
    schema = {"type": "array", "items": {"type": "string"}}
    return {"name": name, "in": "query", "description": told, "schema": schema}


def components(sentences: dict[int, str], searched: Json) -> Json:
    """All of them. ``sentences`` is what each status of an error says, ``searched`` the search parameters by key."""
    parameters: Json = {
        name: {"name": name, "in": "query", "schema": schema, "description": told}
        for name, (schema, told) in _QUERY.items()
    }
    parameters |= {
        name: {"name": name, "in": "header", "schema": schema, "description": told}
        for name, (schema, told) in _HEADERS.items()
    }
    parameters |= {
        name.strip("{}"): {
            "name": name.strip("{}"), "in": "path", "required": True, "schema": schema, "description": told,
        }
        for name, (schema, told) in _OF_THE_PATH.items()
    }  # fmt: skip
    types = {"enum": [one.name for one in stored_types()]}
    parameters["type"] = {"name": "type", "in": "path", "required": True, "schema": types}
    parameters |= {"Accept": _ACCEPT, **searched}
    responses = {f"Error{status}": _failure(status, told) for status, told in sorted(sentences.items())}
    nothing = {f"Nothing{status}": {"description": told} for status, told in ((204, "Done"), (304, "Not changed"))}
    return {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "parameters": parameters,
        "headers": {
            "ETag": {"schema": _TAG},
            "Last-Modified": {"schema": _TEXT},
            "Location": {"schema": {"type": "string", "format": "uri"}},
            "WWW-Authenticate": {"schema": _TEXT},
            "Retry-After": {"schema": _COUNT},
            "Allow": {"schema": _TEXT},
        },
        "responses": {**responses, **nothing},
        "schemas": _schemas(),
    }


def _failure(status: int, sentence: str) -> Json:
    content = {JSON: {"schema": ref("schemas", "OperationOutcome")}, XML: {"schema": _TEXT}}
    told: Json = {"description": sentence, "content": content}
    header = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}.get(status)
    if header:
        told["headers"] = {header: {**ref("headers", header)}}
    return told


def _schemas() -> Json:
    resource: Json = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string"}, "id": _ID_SHAPE, "meta": ref("schemas", "Meta")},
        "externalDocs": {"url": "http://hl7.org/fhir/R4/resourcelist.html"},
    }
    issue: Json = {
        "type": "object",
        "required": ["severity", "code"],
        "properties": {
            "severity": {"enum": ["fatal", "error", "warning", "information"]},
            "code": _TEXT,
            "diagnostics": _TEXT,
            "expression": _LIST,
        },
    }
    return {
        "Resource": resource,
        "Meta": {"type": "object", "properties": {"versionId": _TEXT, "lastUpdated": _TEXT, "profile": _LIST}},
        "OperationOutcome": _named(
            "OperationOutcome", {"issue": {"type": "array", "minItems": 1, "items": issue}}, ("issue",)
        ),
        "Bundle": _named(
            "Bundle",
            {
                "type": {"enum": ["searchset", "history", "transaction-response", "batch-response", "document"]},
                "total": _COUNT,
                "link": {"type": "array", "items": _object("relation", "url")},
                "entry": {"type": "array", "items": _entry()},
            },
            ("type",),
        ),
        "CapabilityStatement": _named("CapabilityStatement", {"fhirVersion": {"const": "4.0.1"}}, ("fhirVersion",)),
        "Patch": {"type": "array", "items": {**_object("op", "path")}, "minItems": 1},
    }


def _entry() -> Json:
    parts: Json = {"fullUrl": _TEXT, "resource": ref("schemas", "Resource")}
    parts |= {name: {"type": "object"} for name in ("search", "request", "response")}
    return {"type": "object", "properties": parts, "additionalProperties": False}


def _named(name: str, properties: Json, required: tuple[str, ...]) -> Json:
    shape = {"required": ["resourceType", *required], "properties": {"resourceType": {"const": name}, **properties}}
    return {"type": "object", **shape}


def _object(*names: str) -> Json:
    return {"type": "object", "required": list(names), "properties": dict.fromkeys(names, _TEXT)}
