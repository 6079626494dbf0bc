"""The terminology operations at the door. They are public knowledge: they need somebody who asks, and are no look at anybody."""

from collections.abc import Awaitable, Callable

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.request import Request
from helhed.fhir.parsing import parse_json
from helhed.fhir.terminology.model import Json
from helhed.fhir.terminology.parameters import given
from helhed.foundation.aside import aside
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import parse_id

_PRESENTATION = frozenset({"_format", "_pretty"})
_TYPE = frozenset({"type"})
_BOTH = frozenset({"type", "instance"})
#: what an instance stands for, by type: the parameters it fills
_FILLED = {"CodeSystem": ("url", "version"), "ConceptMap": ("url", "conceptMapVersion"), "ValueSet": ("valueSet",)}
Work = Callable[[Door, Json, Request, str], Awaitable[Json]]


async def _lookup(door: Door, parameters: Json, _request: Request, language: str) -> Json:
    return await door.store.terminology.lookup(parameters, language)


async def _validate(door: Door, parameters: Json, _request: Request, language: str) -> Json:
    return await door.store.terminology.validate_code(parameters, language)


async def _subsumes(door: Door, parameters: Json, _request: Request, _language: str) -> Json:
    return await door.store.terminology.subsumes(parameters)


async def _expand(door: Door, parameters: Json, request: Request, language: str) -> Json:
    return await door.store.terminology.expand(parameters, request.ask.at, language)


async def _validate_in(door: Door, parameters: Json, _request: Request, language: str) -> Json:
    return await door.store.terminology.validate_in_value_set(parameters, language)


async def _translate(door: Door, parameters: Json, _request: Request, language: str) -> Json:
    return await door.store.terminology.translate(parameters, language)


def _operation(type_name: str, name: str, levels: frozenset[str], work: Work) -> Operation:
    async def answered(door: Door, request: Request, place: Place) -> Answer:
        parameters = await _parameters(door, request)
        if place.id is not None:
            parameters = await _with_instance(door, request, place, parameters)
        told = await work(door, parameters, request, _language(request))
        return Answer(200, orjson.dumps(told))

    definition = f"http://hl7.org/fhir/OperationDefinition/{type_name}-{name}"
    return Operation(name, levels, frozenset({type_name}), definition, answered, public=True, by_rows=True)


async def _parameters(door: Door, request: Request) -> Json:
    if request.method != "POST":
        values: dict[str, list[str]] = {}
        for name, value in request.pairs():
            if name not in _PRESENTATION:
                values.setdefault(name, []).append(value)
        return given(**values)
    raw = await request.json_body()
    found: Json = await aside(len(raw), lambda: parse_json(raw, limits=door.limits))
    return found


async def _with_instance(door: Door, request: Request, place: Place, parameters: Json) -> Json:
    """The resource of the URL takes the place of the parameters that would name it."""
    assert place.type_name is not None
    assert place.id is not None
    names = _FILLED[place.type_name] if place.type_name != "CodeSystem" else _names_of_system(request)
    listed = parameters.get("parameter", [])
    if isinstance(listed, list) and any(isinstance(one, dict) and one.get("name") in names for one in listed):
        raise BadRequest(f"The address names the {place.type_name} already: leave {' and '.join(names)} out.")
    version = await door.store.read(request.ask, place.type_name, parse_id(place.id))
    resource = orjson.loads(version.body)
    if place.type_name == "ValueSet":
        more = given(valueSet=resource)
    elif not resource.get("url"):
        raise BadRequest(f"This {place.type_name} has no url, so nothing is known under it.")
    else:
        url, number = names
        filled = {url: resource["url"]} | ({number: resource["version"]} if resource.get("version") else {})
        more = given(**filled)
    return {**parameters, "parameter": [*listed, *more["parameter"]]}


def _names_of_system(request: Request) -> tuple[str, str]:
    return ("system", "version") if request.parts[-1] == "$subsumes" else ("url", "version")


def _language(request: Request) -> str:
    """The language the reader likes best (RFC 9110, section 12.5.4); "" for any."""
    best, weight = "", 0.0
    for part in request.header(b"accept-language")[:200].split(","):
        name, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            quality = 0.0
        if quality > weight and name.replace("-", "").isalnum():
            best, weight = name, quality
    return best


TERMINOLOGY = (
    _operation("CodeSystem", "lookup", _TYPE, _lookup),
    _operation("CodeSystem", "validate-code", _BOTH, _validate),
    _operation("CodeSystem", "subsumes", _BOTH, _subsumes),
    _operation("ValueSet", "expand", _BOTH, _expand),
    _operation("ValueSet", "validate-code", _BOTH, _validate_in),
    _operation("ConceptMap", "translate", _BOTH, _translate),
)
