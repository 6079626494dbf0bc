"""/openapi.json says what the door does: each line of it is asked for at the router."""

from collections.abc import Iterator

import orjson
import pytest

from helhed.api.capability import PATCH_FORMATS, capability_statement
from helhed.api.openapi import openapi
from tests.support.door import BASE, Door
from tests.support.world import World

NOT_FOUND, NOT_ALLOWED, NOT_SUPPORTED = 404, 405, 501
ID = "018f0000-0000-7000-8000-000000000000"
FILLED = {"{type}": "Observation", "{id}": ID, "{vid}": "1", "{compartment}": "Observation"}
ASKED = ("/metadata", "/_", "/Patient", "/{type}", "/Encounter/{id}/", "/CodeSystem/$", "/ValueSet/$")


def described() -> Iterator[tuple[str, str]]:
    for template, methods in orjson.loads(openapi(BASE))["paths"].items():
        if template == "/" or template.startswith(ASKED):
            path = template
            for name, value in FILLED.items():
                path = path.replace(name, value)
            yield from ((method.upper(), f"/fhir{path}".rstrip("/")) for method in methods)


@pytest.fixture
async def door(world: World) -> Door:
    hospital = await world.organisation("Hospital")
    return Door(world, world.system(hospital))


async def test_the_router_knows_every_address_and_method_that_is_described(door: Door) -> None:
    strange = []
    for method, path in described():
        media = PATCH_FORMATS[0] if method == "PATCH" else "application/fhir+json"
        body = b"" if method == "GET" else {"resourceType": "Nothing"}
        status, _, told = await door.do(method, path, body, content_type=media)
        if status in {NOT_ALLOWED, NOT_SUPPORTED} or (status == NOT_FOUND and ID not in path):
            strange.append((method, path, status, told))
        allowed = (await door.do("OPTIONS", path))[1]["allow"]
        assert method in allowed.split(", "), path
    assert strange == []


async def test_every_other_method_is_refused_with_the_ones_that_are_there(door: Door) -> None:
    asked = set(described())
    for path in {path for _, path in asked} - {"/fhir/metadata"}:
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {one for one, own in asked if own == path}:
            status, headers, _ = await door.do(method, path, {"resourceType": "Nothing"})
            assert status == NOT_ALLOWED, (method, path)
            assert headers["allow"] == (await door.do("OPTIONS", path))[1]["allow"]
            assert method not in headers["allow"].split(", ")


async def test_options_tells_nobody_what_is_there(door: Door) -> None:
    for path in ("/fhir/Patient/nobody", f"/fhir/Patient/{ID}"):
        status, headers, told = await door.do("OPTIONS", path)
        assert (status, told) == (204, None)
        assert headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT, OPTIONS"
    status, headers, told = await door.do("OPTIONS", "/fhir")
    assert (status, told["resourceType"]) == (200, "CapabilityStatement")
    assert "/openapi.json" in headers["link"]


def test_it_names_the_interactions_and_parameters_of_the_capability_statement() -> None:
    told, statement = orjson.loads(openapi(BASE)), orjson.loads(capability_statement(BASE))
    for resource in statement["rest"][0]["resource"]:
        name = resource["type"]
        codes = {
            method["operationId"].partition(f"-{name}")[0]
            for path, methods in told["paths"].items()
            for method in methods.values()
            if path.split("/")[1] == name and "$" not in path
        }
        assert codes - {"search-compartment"} == {one["code"] for one in resource["interaction"]}
        keys = [one["$ref"].rpartition("/")[2] for one in told["paths"][f"/{name}"]["get"]["parameters"]]
        named = [told["components"]["parameters"][key] for key in keys]
        searched = {(one["name"], one["description"].partition(" ")[0]) for one in named if one["in"] == "query"}
        assert {(one["name"], one["type"]) for one in resource["searchParam"]} <= searched


def test_every_reference_in_it_leads_somewhere() -> None:
    raw = openapi(BASE)
    told = orjson.loads(raw)
    wanted = {part.split(b'"')[0].decode() for part in raw.split(b'"#/components/')[1:]}
    assert {name for name in wanted if name.split("/")[1] not in told["components"][name.split("/")[0]]} == set()
