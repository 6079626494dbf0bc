"""A Binary by its address: its content for whoever asks for no form of FHIR, as a file in a sandbox; else the resource."""

from base64 import b64encode
from typing import Any

import orjson
import pytest

from helhed.fhir.changes import Version
from helhed.foundation.ids import new_id
from tests.unit.api.fake_store import AT
from tests.unit.api.test_door import LIMIT, Client

CONTENT = b"\x89PNG\r\n\x1a\n\0\xff"
IN_JSON = b"application/fhir+json; charset=utf-8"


@pytest.fixture
def client() -> Client:
    return Client()


def keep(client: Client, content_type: str = "image/png", **more: Any) -> str:
    resource = {"resourceType": "Binary", "contentType": content_type, "data": b64encode(CONTENT).decode(), **more}
    identifier = new_id()
    client.store.versions[identifier] = Version("Binary", identifier, 3, AT, orjson.dumps(resource))
    return f"/fhir/Binary/{identifier}"


def accept(text: str) -> tuple[bytes, bytes]:
    return b"accept", text.encode()


@pytest.mark.parametrize(
    "accepted", [[], ["*/*"], ["image/png"], ["image/webp, image/*, */*;q=0.8"], ["text/html,*/*"]]
)
async def test_who_asks_for_no_form_of_fhir_is_given_the_content(client: Client, accepted: list[str]) -> None:
    status, headers, body = await client("GET", keep(client), *map(accept, accepted))
    assert (status, headers[b"content-type"], body) == (200, b"image/png", CONTENT)
    assert headers[b"content-length"] == str(len(CONTENT)).encode()
    assert (headers[b"etag"], headers[b"vary"]) == (b'W/"3"', b"accept")


@pytest.mark.parametrize(
    ("query", "accepted", "form"),
    [
        ("", "application/fhir+json", IN_JSON),
        ("", "application/fhir+json;q=0.1, */*", IN_JSON),
        ("", "application/json", IN_JSON),
        ("", "application/fhir+xml", b"application/fhir+xml; charset=utf-8"),
        ("?_format=json", "image/png", IN_JSON),
        ("?_format=xml", "*/*", b"application/fhir+xml; charset=utf-8"),
        ("?_summary=true", "*/*", IN_JSON),
    ],
)
async def test_who_asks_for_fhir_is_given_the_resource(client: Client, query: str, accepted: str, form: bytes) -> None:
    status, headers, body = await client("GET", keep(client) + query, accept(accepted))
    assert (status, headers[b"content-type"]) == (200, form)
    assert b"Binary" in body


async def test_a_general_type_means_the_content_where_that_is_of_the_type(client: Client) -> None:
    """http://hl7.org/fhir/R4/binary.html#rest"""
    _, headers, body = await client("GET", keep(client, "application/xml"), accept("application/xml"))
    assert (headers[b"content-type"], body) == (b"application/xml", CONTENT)
    _, headers, _ = await client("GET", keep(client, "application/xml"), accept("application/json"))
    assert headers[b"content-type"] == IN_JSON


async def test_content_is_handed_out_as_a_file_that_runs_nothing(client: Client) -> None:
    for content_type in ("text/html", "image/svg+xml", "application/javascript"):
        place = keep(client, content_type)
        _, headers, _ = await client("GET", place)
        assert headers[b"content-disposition"] == f'attachment; filename="Binary-{place.rpartition("/")[2]}"'.encode()
        assert headers[b"content-security-policy"].startswith(b"sandbox; default-src 'none'")
        assert (headers[b"x-content-type-options"], headers[b"cache-control"]) == (b"nosniff", b"no-store")
        assert headers[b"cross-origin-resource-policy"] == b"same-origin"


@pytest.mark.parametrize(
    "content_type", ["text/html\r\nset-cookie: a=b", "nothing", 'a/b; c="d"', "a/b\n", "", "æ/ø", "a/b" * 200]
)
async def test_a_type_that_is_none_becomes_octets_and_no_header(client: Client, content_type: str) -> None:
    status, headers, _ = await client("GET", keep(client, content_type))
    assert (status, headers[b"content-type"]) == (200, b"application/octet-stream")
    assert b"set-cookie" not in headers


async def test_whose_it_is_is_told_in_a_header(client: Client) -> None:
    mine = keep(client, securityContext={"reference": "Patient/1"})
    odd = keep(client, securityContext={"reference": "Patient/1\r\nx: y"})
    assert (await client("GET", mine))[1][b"x-security-context"] == b"Patient/1"
    assert b"x-security-context" not in (await client("GET", odd))[1]


async def test_head_and_a_known_version_say_the_same_without_the_content(client: Client) -> None:
    place = keep(client)
    status, headers, body = await client("HEAD", place)
    assert (status, headers[b"content-length"], body) == (200, str(len(CONTENT)).encode(), b"")
    assert (await client("GET", place, (b"if-none-match", b'W/"3"')))[0] == 304


async def test_what_is_not_there_is_an_outcome_whatever_was_asked_for(client: Client) -> None:
    status, headers, _ = await client("GET", f"/fhir/Binary/{new_id()}", accept("image/png"))
    assert (status, headers[b"content-type"]) == (404, IN_JSON)
    assert (await client("GET", keep(client) + "?_format=image/png"))[0] == 406
    assert (await client("GET", "/fhir/Binary", accept("image/png")))[0] == 406


async def test_content_that_is_sent_becomes_a_binary_of_whose_it_is(client: Client) -> None:
    sent = ((b"content-type", b"image/png"), (b"x-security-context", b"Patient/1"))
    status, headers, body = await client("POST", "/fhir/Binary", *sent, chunks=(CONTENT[:3], CONTENT[3:]))
    assert (status, headers[b"content-type"]) == (201, IN_JSON)
    stored = orjson.loads(body)
    assert stored["securityContext"] == {"reference": "Patient/1"}
    assert (stored["contentType"], stored["data"]) == ("image/png", b64encode(CONTENT).decode())


async def test_content_is_put_over_the_version_that_was_seen(client: Client) -> None:
    place = keep(client)
    sent = ((b"content-type", b"text/plain; charset=utf-8"), (b"x-security-context", b"Patient/1"))
    stale = await client("PUT", place, *sent, (b"if-match", b'W/"2"'), chunks=(b"new",))
    assert stale[0] == 412
    status, _, body = await client("PUT", place, *sent, (b"if-match", b'W/"3"'), chunks=(b"new",))
    assert (status, orjson.loads(body)["data"]) == (200, b64encode(b"new").decode())
    assert orjson.loads(body)["contentType"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ([], b"x", 415),
        ([(b"content-type", b"nothing")], b"x", 415),
        ([(b"content-type", b"image/png\r\nx: y")], b"x", 415),
        ([(b"content-type", b"image/png"), (b"content-encoding", b"gzip")], b"x", 415),
        ([(b"content-type", b"image/png")], b"x" * (LIMIT + 1), 413),
        ([(b"content-type", b"image/png"), (b"x-security-context", b"Patient?name=a")], b"x", 400),
        ([(b"content-type", b"image/png"), (b"x-security-context", b"urn:uuid:1")], b"x", 400),
        ([(b"content-type", b"application/fhir+json")], b"\x89PNG", 400),
    ],
)
async def test_content_that_cannot_be_taken_is_refused(
    client: Client, headers: list[Any], content: bytes, status: int
) -> None:
    before = len(client.store.versions)
    assert (await client("POST", "/fhir/Binary", *headers, chunks=(content,)))[0] == status
    assert len(client.store.versions) == before


async def test_content_of_nobody_is_refused_with_the_header_that_says_whose_it_is(client: Client) -> None:
    status, _, body = await client("POST", "/fhir/Binary", (b"content-type", b"image/png"), chunks=(b"x",))
    assert (status, client.store.versions) == (422, {})
    assert b"X-Security-Context" in body


async def test_other_types_take_resources_only(client: Client) -> None:
    assert (await client("POST", "/fhir/Organization", (b"content-type", b"image/png"), chunks=(CONTENT,)))[0] == 415
