"""Whoever asks in XML is answered in XML, errors too; whoever does not is answered in the stored bytes."""

from typing import Any

import orjson
import pytest

from helhed.fhir.changes import Version
from helhed.fhir.xml import json_of
from helhed.foundation.ids import new_id
from tests.unit.api.fake_store import AT
from tests.unit.api.test_door import BODY, JSON, LIMIT, Client

WANTS_XML = (b"accept", b"application/fhir+xml")
SENDS_XML = (b"content-type", b"application/fhir+xml; charset=utf-8")
IN_XML, IN_JSON = b"application/fhir+xml; charset=utf-8", b"application/fhir+json; charset=utf-8"
ORGANISATION = b'<Organization xmlns="http://hl7.org/fhir"><name value="Test"/></Organization>'


@pytest.fixture
def client() -> Client:
    return Client()


def accept(text: str) -> tuple[bytes, bytes]:
    return b"accept", text.encode()


@pytest.mark.parametrize(
    ("query", "accepted", "form"),
    [
        ("", "application/fhir+xml", IN_XML),
        ("", "application/xml", IN_XML),
        ("", "text/xml;q=0.8", IN_XML),
        ("", "text/*", IN_XML),
        ("", "application/fhir+xml; fhirVersion=4.0", IN_XML),
        ("", "application/fhir+json;q=0.5, application/fhir+xml", IN_XML),
        ("", "application/fhir+xml;q=0.5, application/fhir+json;q=0.9", IN_JSON),
        ("", "application/fhir+xml, application/fhir+json", IN_JSON),
        ("", "application/fhir+xml;q=0.2, */*;q=0.1", IN_XML),
        ("", "application/fhir+xml;q=0, */*", IN_JSON),
        ("", "*/*", IN_JSON),
        ("", "text/html, application/xhtml+xml, */*;q=0.1", IN_JSON),
        ("_format=xml", "application/fhir+json", IN_XML),
        ("_format=application/fhir%2Bxml", "*/*", IN_XML),
        ("_format=application/fhir+xml", "*/*", IN_XML),
        ("_format=text/xml", "*/*", IN_XML),
        ("_format=json", "application/fhir+xml", IN_JSON),
        ("_format=application/json", "application/fhir+xml", IN_JSON),
    ],
)
async def test_the_form_is_what_was_asked_for_most(client: Client, query: str, accepted: str, form: bytes) -> None:
    status, headers, body = await client("GET", f"/fhir/Organization/{client.keep()}?{query}", accept(accepted))
    assert (status, headers[b"content-type"]) == (200, form)
    assert (json_of(body) if form == IN_XML else body) == BODY
    assert headers[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize(
    ("query", "accepted"),
    [("", "text/turtle"), ("", "application/fhir+xml;q=0"), ("_format=ttl", "*/*"), ("_format=html", "text/html")],
)
async def test_what_is_not_spoken_here_is_406(client: Client, query: str, accepted: str) -> None:
    status, headers, body = await client("GET", f"/fhir/Organization/{client.keep()}?{query}", accept(accepted))
    assert (status, headers[b"content-type"]) == (406, IN_JSON)
    assert orjson.loads(body)["resourceType"] == "OperationOutcome"


async def test_two_accept_headers_are_one(client: Client) -> None:
    wanted = (accept("text/turtle"), accept("application/fhir+xml"))
    _, headers, _ = await client("GET", f"/fhir/Organization/{client.keep()}", *wanted)
    assert headers[b"content-type"] == IN_XML


async def test_what_is_created_in_xml_is_stored_and_told_in_the_form_that_was_asked(client: Client) -> None:
    status, headers, body = await client("POST", "/fhir/Organization", SENDS_XML, WANTS_XML, chunks=(ORGANISATION,))
    assert (status, headers[b"content-type"]) == (201, IN_XML)
    (kept,) = client.store.versions.values()
    assert orjson.loads(kept.body)["name"] == "Test"
    assert json_of(body) == kept.body
    status, headers, body = await client("POST", "/fhir/Organization", SENDS_XML, chunks=(ORGANISATION,))
    assert (status, headers[b"content-type"], orjson.loads(body)["name"]) == (201, IN_JSON, "Test")
    status, headers, body = await client("POST", "/fhir/Organization", JSON, WANTS_XML, chunks=(BODY,))
    assert (status, headers[b"content-type"]) == (201, IN_XML)


async def test_an_update_in_xml_is_held_to_the_address_like_any(client: Client) -> None:
    identifier = client.keep()
    for named, expected in ((identifier, 200), (new_id(), 400)):
        body = ORGANISATION.replace(b"<name", f'<id value="{named}"/><name'.encode())
        status, _, _ = await client("PUT", f"/fhir/Organization/{identifier}", SENDS_XML, chunks=(body,))
        assert status == expected


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/fhir/Nonsense/1", (), 404),
        ("GET", "/fhir/Organization?nosuch=1", (), 400),
        ("GET", "/fhir/Organization/../x", (), 400),
        ("TRACE", "/fhir/Organization", (), 405),
        ("POST", "/fhir/Organization", ((b"content-type", b"text/plain"),), 415),
        ("POST", "/fhir/Organization", (SENDS_XML,), 400),
    ],
)
async def test_what_went_wrong_is_told_in_xml(
    client: Client, method: str, path: str, headers: Any, status: int
) -> None:
    found, told, body = await client(method, path, WANTS_XML, *headers, chunks=(b"<x/>",))
    assert (found, told[b"content-type"]) == (status, IN_XML)
    assert orjson.loads(json_of(body))["resourceType"] == "OperationOutcome"


async def test_what_breaks_says_nothing_but_its_number_in_xml_too(client: Client) -> None:
    client.store.failure = RuntimeError("secret")
    status, _, body = await client("GET", f"/fhir/Organization/{client.keep()}", WANTS_XML)
    assert (status, b"secret" in body) == (500, False)
    assert body.startswith(b"<?xml")


async def test_hidden_and_missing_are_the_same_bytes_in_xml(client: Client) -> None:
    hidden, missing = client.keep(), new_id()
    client.store.hidden.add(hidden)
    answers = [await client("GET", f"/fhir/Organization/{one}", WANTS_XML) for one in (hidden, missing)]
    for _, headers, _ in answers:
        headers.pop(b"x-request-id")
    assert answers[0] == answers[1]


async def test_head_has_the_length_of_the_xml(client: Client) -> None:
    path = f"/fhir/Organization/{client.keep()}"
    got, headed = await client("GET", path, WANTS_XML), await client("HEAD", path, WANTS_XML)
    assert (headed[1][b"content-length"], headed[2]) == (str(len(got[2])).encode(), b"")


async def test_a_page_in_xml_leads_to_the_next_in_xml(client: Client) -> None:
    client.keep()
    client.store.cursor = "abc"
    _, _, body = await client("GET", "/fhir/Organization?name=x&_format=xml")
    bundle = orjson.loads(json_of(body))
    (following,) = (one["url"] for one in bundle["link"] if one["relation"] == "next")
    assert bundle["entry"][0]["resource"] == orjson.loads(BODY)
    status, headers, _ = await client("GET", following.removeprefix("https://here.example"))
    assert (status, headers[b"content-type"]) == (200, IN_XML)


async def test_the_capability_statement_speaks_xml_and_says_so(client: Client) -> None:
    status, headers, body = await client("GET", "/fhir/metadata?_format=xml", token=None)
    assert (status, headers[b"content-type"]) == (200, IN_XML)
    assert orjson.loads(json_of(body))["format"] == ["application/fhir+json", "application/fhir+xml"]


async def test_what_xml_cannot_say_is_given_as_json(client: Client) -> None:
    identifier = new_id()
    body = b'{"resourceType":"Organization","name":"a\\u0001"}'
    client.store.versions[identifier] = Version("Organization", identifier, 2, AT, body)
    status, headers, told = await client("GET", f"/fhir/Organization/{identifier}", WANTS_XML)
    assert (status, headers[b"content-type"], told) == (200, IN_JSON, body)


async def test_a_body_in_xml_that_grows_too_large_is_cut_off(client: Client) -> None:
    status, _, _ = await client("POST", "/fhir/Organization", SENDS_XML, chunks=(b"<" * LIMIT, b"x"))
    assert (status, client.store.versions) == (413, {})
