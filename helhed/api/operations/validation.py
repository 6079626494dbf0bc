"""``$validate``: what is wrong with a resource, by FHIR's own rules and by profiles, without storing anything.

http://hl7.org/fhir/R4/resource-operation-validate.html. Only when the address names an instance and no resource comes
is anybody's data looked at: then the stored resource is read, decided and logged like any read.
"""

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.fhir.profiles.operation import validate_operation
from helhed.foundation.aside import aside
from helhed.foundation.errors import BadRequest, InvalidResource, Issue
from helhed.foundation.ids import parse_id

_NAMES = ("resource", "mode", "profile")
_MOST_PROFILES = 10


async def _validate(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("validate", *_NAMES)
    profiles = [value for name, value in asked.pairs if name == "profile"]
    if len(profiles) > _MOST_PROFILES:
        raise BadRequest(f"At most {_MOST_PROFILES} profiles are asked for at once.")
    mode = asked.one("mode") or ""
    resource = asked.resources.get("resource")
    if resource is None:
        if place.id is None or place.type_name is None:
            raise BadRequest("Send the resource that is to be validated.")
        version = await door.store.read(request.ask, place.type_name, parse_id(place.id))
        resource = orjson.loads(version.body)
    elif place.type_name not in {None, resource.get("resourceType")}:
        where = Issue("value", "The resource is not of the type that the URL names.", "resourceType")
        raise InvalidResource(issues=[where])
    profiles_now = door.store.knowledge.profiles
    work = len(orjson.dumps(resource))
    told = await aside(work, lambda: validate_operation(profiles_now, resource, profiles, mode, request.ask.at))
    return Answer(200, orjson.dumps(told))


VALIDATE = Operation(
    "validate", frozenset({"type", "instance"}), None, "http://hl7.org/fhir/OperationDefinition/Resource-validate", _validate,
    public=True, by_rows=True,
)  # fmt: skip
