"""``/openapi.json``: the FHIR door described for tools (https://spec.openapis.org/oas/v3.1.0).

Made from what the router, the CapabilityStatement and the search use. Resources are described by their type and their meta
alone: what belongs in them is said by FHIR's own definitions, and checked here by those.
"""

import gzip
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from helhed.api.answers import STATUS
from helhed.api.binaries import BINARY
from helhed.api.capability import COMMON, PATCH_FORMATS
from helhed.api.described import (
    COMPARTMENT,
    ID,
    OF_THE_SYSTEM,
    TYPE,
    Interaction,
    interactions_of,
    operation_methods,
    parameters_of,
    served_types,
    stored_types,
)
from helhed.api.openapi_parts import FORM, JSON, OCTETS, XML, components, placed, ref, search_parameter
from helhed.api.operations import OPERATIONS, Operation
from helhed.fhir.definitions import ParameterSet, SearchParameter, TypeDefinition, parameters_in_use

Json = dict[str, Any]
#: what any request may be answered: it is malformed, nobody asks, nothing is here for the asker, or there is no room
_ANY = (400, 401, 403, 404, 406, 413, 429, 503)
_WRITE = (405, 409, 410, 412, 415, 422)
_LOOK = (410,)
_MORE_OF_A_SEARCH = (
    "_count",
    "_sort",
    "_summary",
    "_elements",
    "_total",
    "_include",
    "_revinclude",
    "_cursor",
    "_filter",
)
_OF_A_HISTORY = ("_since", "_at", "_count", "_cursor")


def openapi(base_url: str, *, zipped: bool = False) -> bytes:
    """The description as JSON, or that in gzip: it says the same of many types."""
    return _openapi(base_url, zipped, parameters_in_use())


@lru_cache(maxsize=4)
def _openapi(base_url: str, zipped: bool, beside: ParameterSet) -> bytes:
    """Made anew when other search parameters are in use beside R4's own."""
    if zipped:
        return gzip.compress(_openapi(base_url, False, beside), mtime=0)
    paths: Json = {"/metadata": {"get": _metadata()}}
    for one in OF_THE_SYSTEM:
        _add(paths, one.path or "/", one, None)
    for definition in served_types():
        for one in interactions_of(definition.name):
            _add(paths, f"/{definition.name}{one.path}", one, definition)
    compartment = Interaction(
        "search-compartment", "GET", "", "Searches a compartment", gives="bundle", headers=("Prefer",)
    )
    for name in ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"):
        _add(paths, f"/{name}/{ID}/{COMPARTMENT}", compartment, None)
    for operation in OPERATIONS:
        for path in _addresses(operation):
            _add_operation(paths, path, operation)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Helhed, the FHIR door",
                "version": "4.0.1",
                "description": "FHIR R4. What you may not see does not exist: hidden and missing are the same answer.",
            },
            "externalDocs": {"url": "http://hl7.org/fhir/R4/http.html"},
            "servers": [{"url": f"{base_url}/fhir"}],
            "security": [{"bearer": []}],
            "paths": paths,
            "components": components(_sentences(), _search_parameters()),
        }
    )


def _sentences() -> dict[int, str]:
    """What each status says, by the docstring of the nearest error that has it."""
    found: dict[int, str] = {}
    for kind, status in STATUS.items():
        found.setdefault(status, (kind.__doc__ or "").strip().split("\n")[0])
    return found


def _metadata() -> Json:
    good = {"200": {"description": "The CapabilityStatement", "content": _forms("CapabilityStatement")}}
    return {
        "operationId": "capabilities",
        "summary": "What works here",
        "security": [],
        "parameters": [ref("parameters", "_format")],
        "responses": {**good, **_errors((400, 406, 503))},
    }


def _add(paths: Json, path: str, one: Interaction, definition: TypeDefinition | None) -> None:
    name = definition.name if definition else None
    told: Json = {
        "operationId": f"{one.code}{path.replace('/', '-')}-{one.method.lower()}",
        "summary": f"{one.told} ({name})" if name else one.told,
        "tags": [name or "system"],
        "parameters": [*placed(path), *_headers(one, name), *_query(one, definition)],
        "responses": {**_good(one, name), **_errors(_statuses(one))},
    }
    if one.takes:
        told["requestBody"] = _body(one, name)
    paths.setdefault(path, {}).setdefault(one.method.lower(), told)


def _headers(one: Interaction, type_name: str | None) -> list[Json]:
    context = ("X-Security-Context",) if type_name == BINARY and one.takes == "resource" else ()
    return [ref("parameters", name) for name in ("Accept", *one.headers, *context)]


def _query(one: Interaction, definition: TypeDefinition | None) -> Iterable[Json]:
    yield ref("parameters", "_format")
    if one.code.startswith("history"):
        yield from (ref("parameters", name) for name in _OF_A_HISTORY)
    if one.code == "read":
        yield from (ref("parameters", name) for name in ("_summary", "_elements"))
    if not one.searches:
        return
    if one.code.startswith("search"):
        yield from (ref("parameters", name) for name in _MORE_OF_A_SEARCH)
    if definition is None:
        yield ref("parameters", "_type")
    yield from (ref("parameters", common["name"]) for common in COMMON)
    if definition is not None:
        yield from (ref("parameters", _key(definition, found)) for found in _supported(definition))


def _supported(definition: TypeDefinition) -> list[SearchParameter]:
    return parameters_of(definition)


def _key(definition: TypeDefinition, one: SearchParameter) -> str:
    """Parameters of every type stand among the components once."""
    return one.code if one.code.startswith("_") else f"{definition.name}.{one.code}"


def _search_parameters() -> Json:
    found = {one["name"]: search_parameter(one["name"], one["type"], ()) for one in COMMON}
    for definition in served_types():
        for one in _supported(definition):
            found[_key(definition, one)] = search_parameter(one.code, one.kind, one.targets)
    return found


def _statuses(one: Interaction) -> tuple[int, ...]:
    changes = one.takes not in {"", "form"} or one.method == "DELETE"
    posted = (415,) if one.takes == "form" else ()
    return (*_ANY, *(_WRITE if changes else _LOOK), *posted, *((501,) if changes or one.searches else ()))


def _errors(statuses: Iterable[int]) -> Json:
    return {str(status): ref("responses", f"Error{status}") for status in sorted(set(statuses))}


def _good(one: Interaction, name: str | None) -> Json:
    told: Json = {}
    for status in one.good:
        if status in {204, 304}:
            told[str(status)] = ref("responses", f"Nothing{status}")
            continue
        answer: Json = {
            "description": "Done",
            "content": _forms("Bundle" if one.gives == "bundle" else name or "Resource"),
        }
        if one.gives == "resource":
            named = ("ETag", "Last-Modified", *(("Location",) if one.takes else ()))
            answer["headers"] = {header: ref("headers", header) for header in named}
            if name == BINARY and not one.takes:  # its content, in whatever type that is
                answer["content"]["*/*"] = {"schema": {"type": "string", "format": "binary"}}
        told[str(status)] = answer
    return told


#: JSON, a line each (https://github.com/ndjson/ndjson-spec)
_LINES: Json = {"application/x-ndjson": {"schema": {"type": "string"}}}


def _forms(name: str) -> Json:
    """JSON or XML; an answer to a change may be an OperationOutcome instead, or empty, as Prefer asks."""
    return {JSON: {"schema": _resource(name)}, XML: {"schema": {"type": "string"}}}


def _resource(name: str) -> Json:
    if name in {"Resource", "Bundle", "CapabilityStatement", "OperationOutcome"}:
        return ref("schemas", name)
    named = {"properties": {"resourceType": {"enum": [name, "OperationOutcome"]}}}
    return {"allOf": [ref("schemas", "Resource"), named]}


def _body(one: Interaction, name: str | None) -> Json:
    if one.takes == "form":
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        return {"content": {FORM: {"schema": form}}}
    if one.takes == "patch":
        shapes = {
            form: {"schema": ref("schemas", "Patch" if "patch" in form else "Resource")} for form in PATCH_FORMATS
        }
        return {"required": True, "content": shapes}
    wanted = "Bundle" if one.takes == "bundle" else name or "Resource"
    sent: Json = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": wanted}, "meta": ref("schemas", "Meta")},
    }
    if one.takes == "bundle":
        sent["required"].append("type")
        sent["properties"]["type"] = {"enum": ["transaction", "batch"]}
    content: Json = {JSON: {"schema": sent}, XML: {"schema": {"type": "string"}}}
    if wanted == BINARY:
        content[OCTETS] = {"schema": {"type": "string", "format": "binary"}}
    return {"required": True, "content": content}


# --- operations -------------------------------------------------------------------------------------------------------


def _addresses(operation: Operation) -> Iterable[str]:
    """An operation of every type has one address with the type left open."""
    names = [one.name for one in stored_types() if operation.fits_type(one.name)] if operation.types else [TYPE]
    for level in sorted(operation.levels):
        if level == "system":
            yield f"/${operation.name}"
        else:
            behind = f"/{ID}/${operation.name}" if level == "instance" else f"/${operation.name}"
            yield from (f"/{name}{behind}" for name in names)


def _add_operation(paths: Json, path: str, operation: Operation) -> None:
    for method in operation_methods(changes=operation.changes, post_only=operation.post_only):
        told: Json = {
            "operationId": f"operation{path.replace('/', '-')}-{method.lower()}",
            "summary": f"${operation.name}",
            "tags": ["operations"],
            "externalDocs": {"url": operation.definition},
            "parameters": [*placed(path), ref("parameters", "Accept"), ref("parameters", "_format")],
            "responses": {
                "200": {"description": "Done", "content": _LINES if operation.lines else _forms("Resource")},
                **_errors((*_ANY, *_LOOK, 405, 415, 422, 501)),
            },
        }
        if method == "POST":
            sent = {"schema": ref("schemas", "Resource")}
            told["requestBody"] = {"content": {JSON: sent, XML: {"schema": {"type": "string"}}}}
        paths.setdefault(path, {})[method.lower()] = told
