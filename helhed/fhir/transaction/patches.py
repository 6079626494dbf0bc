"""Patches of stored resources (http://hl7.org/fhir/R4/http.html#patch).

A patch tells its sender what is there: a test that holds, a place that is found. So nobody patches what they may not
read, custodians neither (decision 0013): they send the whole resource, which they have.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

import orjson

from helhed.fhir import exact
from helhed.fhir.changes import Version
from helhed.fhir.parsing import DEFAULT_LIMITS, Limits, check_shape, parse_list
from helhed.fhir.patching import Patch, fhirpath_patch, json_patch
from helhed.fhir.transaction.entries import Item, check_storable
from helhed.fhir.weight import check_weight
from helhed.foundation.errors import InvalidResource, Issue, TooLarge, UnsupportedMediaType

JSON_PATCH = "application/json-patch+json"


def json_patch_of(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Patch:
    """The JSON Patch in ``raw``. Raises BadRequest or TooLarge."""
    check_shape(raw, limits)
    parse_list(raw, limits)
    return Patch(json_patch.apply, exact.loads(raw))


def fhirpath_patch_of(raw: bytes) -> Patch:
    """The FHIRPath Patch in ``raw``, a Parameters resource as JSON that was parsed strictly before."""
    return Patch(fhirpath_patch.apply, exact.loads(raw))


def patch_in(item: Item, limits: Limits = DEFAULT_LIMITS) -> Patch:
    """The patch that an entry carries: JSON Patch in a Binary, or Parameters. Raises InvalidResource or UnsupportedMediaType."""
    resource = item.resource or {}
    kind = resource.get("resourceType")
    if kind == "Parameters":
        return fhirpath_patch_of(item.raw or orjson.dumps(resource))
    data = resource.get("data")
    if kind != "Binary" or not isinstance(data, str):
        issue = Issue("value", "A patch comes as a Binary with its contentType and data.", f"{item.where}.resource")
        raise InvalidResource(issues=[issue])
    if resource.get("contentType") != JSON_PATCH:
        raise UnsupportedMediaType(f"A patch in a Binary has the contentType {JSON_PATCH}.")
    try:
        raw = b64decode(data, validate=True)
    except (NotBase64, ValueError):
        issue = Issue("value", "The data of a Binary are base64.", f"{item.where}.resource.data")
        raise InvalidResource(issues=[issue]) from None
    return json_patch_of(raw, limits)


def patched(version: Version, patch: Patch, most_elements: int, where: str = "") -> tuple[bytes, dict[str, Any]]:
    """What ``version`` becomes: bytes and parsed, valid, and still the same resource."""
    changed = patch.apply(exact.loads(version.body), patch.operations)
    raw = exact.dumps(changed)
    if len(raw) > DEFAULT_LIMITS.bytes:
        raise TooLarge("The patch makes more than a resource may hold.")
    check_shape(raw, DEFAULT_LIMITS)
    check_weight(raw, most_elements, where)
    resource: dict[str, Any] = orjson.loads(raw)
    if (resource.get("resourceType"), resource.get("id")) != (version.type_name, str(version.id)):
        raise InvalidResource(issues=[Issue("value", "A patch leaves the type and the id as they are.", where)])
    check_storable(version.type_name, resource, where)
    return raw, resource
