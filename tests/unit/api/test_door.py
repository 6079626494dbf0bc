"""The door for machines: statuses, headers and hostile requests."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.api import FhirApi
from helhed.fhir.changes import Version
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import NotAuthenticated, Overloaded
from helhed.foundation.ids import new_id
from helhed.trust.virtual import SHAPES
from tests.unit.api.fake_store import AT, FakeStore

ORGANISATION = {"resourceType": "Organization", "name": "Test"}
JSON = (b"content-type", b"application/fhir+json")
XML = (b"content-type", b"application/fhir+xml")
TOKEN = (b"authorization", b"Bearer x")
BODY = orjson.dumps(ORGANISATION)
LIMIT = 2000


class Verifier:
    def ask(self, authorization: bytes | None) -> Ask:
        if authorization != TOKEN[1]:
            raise NotAuthenticated
        return Ask(ActorKind.PROFESSIONAL, 1, 2, "doctor", Purpose.TREATMENT, "t", None, None, AT, uuid4())


class Client:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.taken = 0
        self._api = FhirApi(self.store, Verifier(), base_url="https://here.example", max_body_bytes=LIMIT)  # type: ignore[arg-type]

    async def __call__(
        self, method: str, url: str, *headers: Any, chunks: tuple[bytes, ...] = (b"",), token: Any = TOKEN
    ):
        path, _, query = url.partition("?")
        sent: list[Any] = []
        waiting = list(chunks)

        async def receive():
            self.taken += 1
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

        async def send(message):
            sent.append(message)

        given = [*headers] if token is None else [token, *headers]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": given,
        }
        await self._api(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    def keep(self) -> UUID:
        identifier = new_id()
        self.store.versions[identifier] = Version("Organization", identifier, 2, AT, BODY)
        return identifier


@pytest.fixture
def client() -> Client:
    return Client()


async def test_a_read_gives_the_stored_bytes_with_their_version(client):
    status, headers, body = await client("GET", f"/fhir/Organization/{client.keep()}")
    assert (status, body, headers[b"etag"]) == (200, BODY, b'W/"2"')
    assert headers[b"last-modified"] == b"Mon, 23 Nov 2026 08:00:00 GMT"
    assert headers[b"content-type"] == b"application/fhir+json; charset=utf-8"
    assert (headers[b"cache-control"], headers[b"x-content-type-options"]) == (b"no-store", b"nosniff")


async def test_head_has_the_headers_of_get_and_no_body(client):
    identifier = client.keep()
    got, headed = (
        await client("GET", f"/fhir/Organization/{identifier}"),
        await client("HEAD", f"/fhir/Organization/{identifier}"),
    )
    own = {b"x-request-id"}
    assert (headed[0], headed[2]) == (got[0], b"")
    assert {n: v for n, v in headed[1].items() if n not in own} == {n: v for n, v in got[1].items() if n not in own}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_hidden_and_missing_are_the_same_answer(client, method):
    hidden, missing = client.keep(), new_id()
    client.store.hidden.add(hidden)
    answers = []
    for identifier in (hidden, missing):
        body = orjson.dumps({**ORGANISATION, "id": str(identifier)})
        status, headers, said = await client(method, f"/fhir/Organization/{identifier}", JSON, chunks=(body,))
        headers.pop(b"x-request-id")
        answers.append((status, headers, said))
    assert answers[0] == answers[1]
    assert answers[0][0] == (405 if method == "PUT" else 404)


async def test_the_client_that_has_the_version_gets_304(client):
    status, _, body = await client("GET", f"/fhir/Organization/{client.keep()}", (b"if-none-match", b'W/"2"'))
    assert (status, body) == (304, b"")


async def test_a_create_tells_where_the_resource_is(client):
    status, headers, body = await client("POST", "/fhir/Organization", JSON, chunks=(BODY,))
    assert status == 201
    identifier = orjson.loads(body)["id"]
    assert headers[b"location"] == f"https://here.example/fhir/Organization/{identifier}/_history/1".encode()


async def test_an_update_over_a_newer_version_is_refused(client):
    identifier = client.keep()
    body = orjson.dumps({**ORGANISATION, "id": str(identifier)})
    status, _, _ = await client(
        "PUT", f"/fhir/Organization/{identifier}", JSON, (b"if-match", b'W/"1"'), chunks=(body,)
    )
    assert status == 412


async def test_an_update_must_carry_the_id_of_its_address(client):
    body = orjson.dumps({**ORGANISATION, "id": str(new_id())})
    assert (await client("PUT", f"/fhir/Organization/{client.keep()}", JSON, chunks=(body,)))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/%2e%2e/metadata", 400),
        ("GET", "/fhir/../health", 400),
        ("GET", "/fhir//Organization", 400),
        ("GET", "/fhir/Organization;a=b", 400),
        ("GET", "/fhir/Organization\\x", 400),
        ("GET", "/fhir/Organization%2fx", 400),
        ("GET", "/fhir/Nosuch/x", 404),
        ("GET", "/fhirx", 404),
        ("PATCH", "/fhir/Organization", 400),
        ("PUT", "/fhir/Organization", 400),
        ("DELETE", "/fhir/Organization", 400),
        ("POST", "/fhir/Organization?identifier=x", 400),
        ("PATCH", "/fhir/Organization/x/_history", 405),
        ("TRACE", "/fhir/Organization/x", 405),
        ("GET", "/fhir/Organization/x/$everything", 501),
        ("GET", "/fhir", 400),
    ],
)
async def test_addresses_that_are_none_are_refused(client, method, path, status):
    found, _, body = await client(method, path)
    assert found == status
    assert orjson.loads(body)["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((), BODY, 415),
        (((b"content-type", b"application/fhir+turtle"),), b"<x/>", 415),
        ((XML,), b"<x/>", 400),
        ((XML,), b'<Organization xmlns="http://hl7.org/fhir"><nosuch value="x"/></Organization>', 400),
        ((XML,), b'<!DOCTYPE x [<!ENTITY y "z">]><Organization xmlns="http://hl7.org/fhir"/>', 400),
        ((XML,), BODY, 400),
        ((XML,), b"", 400),
        ((JSON,), b'<Organization xmlns="http://hl7.org/fhir"><name value="x"/></Organization>', 400),
        (((b"content-type", b"application/fhir+xml; charset=latin-1"),), b"<x/>", 415),
        ((XML, (b"content-encoding", b"gzip")), b"<x/>", 415),
        (((b"content-type", b"application/fhir+json; charset=utf-16"),), BODY, 415),
        ((JSON, (b"content-encoding", b"gzip")), BODY, 415),
        ((JSON,), b"\xef\xbb\xbf" + BODY, 400),
        ((JSON,), b'{"resourceType":"Organization","name":"a","name":"b"}', 400),
        ((JSON,), b'{"resourceType":"Organization","name":NaN}', 400),
        ((JSON,), b"[" * 1000, 400),
        ((JSON,), b'{"resourceType":"Organization","__proto__":{}}', 400),
        ((JSON,), b'{"resourceType":"Patient"}', 400),
        ((JSON,), b'{"resourceType":"Organization","alias":[]}', 400),
    ],
)
async def test_hostile_bodies_are_refused_and_nothing_is_stored(client, headers, body, status):
    found, _, _ = await client("POST", "/fhir/Organization", *headers, chunks=(body,))
    assert (found, client.store.versions) == (status, {})


async def test_a_body_that_says_it_is_too_large_is_not_read(client):
    status, _, _ = await client("POST", "/fhir/Organization", JSON, (b"content-length", b"2000000000"), chunks=(BODY,))
    assert (status, client.taken) == (413, 0)


async def test_a_body_that_grows_too_large_is_cut_off(client):
    status, _, _ = await client("POST", "/fhir/Organization", JSON, chunks=(b" " * 1500,) * 50)
    assert (status, client.taken) == (413, 2)


async def test_no_token_is_401_with_a_challenge(client):
    status, headers, _ = await client("GET", f"/fhir/Organization/{client.keep()}", token=None)
    assert status == 401
    assert headers[b"www-authenticate"].startswith(b"Bearer")


async def test_two_tokens_are_one_too_many(client):
    assert (await client("GET", f"/fhir/Organization/{client.keep()}", TOKEN))[0] == 400


async def test_a_method_override_header_changes_nothing(client):
    identifier = client.keep()
    status, _, _ = await client("GET", f"/fhir/Organization/{identifier}", (b"x-http-method-override", b"DELETE"))
    assert (status, identifier in client.store.versions) == (200, True)


async def test_overload_is_503_with_a_time_to_come_back(client):
    client.store.failure = Overloaded()
    status, headers, _ = await client("GET", f"/fhir/Organization/{new_id()}")
    assert (status, headers[b"retry-after"]) == (503, b"1")


async def test_what_breaks_says_nothing_but_its_number(client):
    client.store.failure = RuntimeError("select secret from 0101011234")
    status, headers, body = await client("GET", f"/fhir/Organization/{new_id()}")
    assert status == 500
    assert b"secret" not in body
    assert headers[b"x-request-id"] in body


async def test_an_unknown_search_parameter_never_reaches_the_store(client):
    status, _, _ = await client("GET", "/fhir/Organization?nosuch=1")
    assert (status, client.store.queries) == (400, [])


LENIENT = (b"prefer", b"handling=lenient")


@pytest.mark.parametrize(
    "prefer", [[LENIENT], [(b"prefer", b"return=minimal, Handling=lenient")], [LENIENT, (b"prefer", b"return=minimal")]]
)
async def test_lenient_handling_reports_what_it_left_out_and_why(client, prefer):
    _, headers, body = await client("GET", "/fhir/Organization?nosuch=1&name=x&_sort=nosuch", *prefer)
    bundle = orjson.loads(body)
    assert headers[b"preference-applied"] == b"handling=lenient"
    assert bundle["link"][0]["url"] == "https://here.example/fhir/Organization?name=x"
    told = bundle["entry"][-1]
    assert (told["search"]["mode"], told["resource"]["resourceType"]) == ("outcome", "OperationOutcome")
    assert [(one["severity"], one["expression"]) for one in told["resource"]["issue"]] == [
        ("warning", ["http.nosuch"]),
        ("warning", ["http._sort"]),
    ]
    filter_told, sort_told = (one["diagnostics"] for one in told["resource"]["issue"])
    assert "no search parameter called 'nosuch'" in filter_told
    assert "more than was asked for" in filter_told
    assert "more than was asked for" not in sort_told


async def test_lenient_handling_never_turns_a_search_into_one_for_everything(client):
    status, _, body = await client("GET", "/fhir/Organization?nosuch=1&_count=5", LENIENT)
    assert (status, client.store.queries) == (400, [])
    assert b"nosuch" in body


async def test_lenient_handling_leaves_out_an_order_it_does_not_know(client):
    status, _, _ = await client("GET", "/fhir/Organization?_sort=nosuch", LENIENT)
    assert (status, client.store.queries[0].sort) == (200, ())


async def test_a_page_links_to_the_next(client):
    client.keep()
    client.store.cursor = "abc"
    bundle = orjson.loads((await client("GET", "/fhir/Organization?name=x&_count=1"))[2])
    assert {one["relation"]: one["url"].partition("?")[2] for one in bundle["link"]} == {
        "self": "name=x&_count=1",
        "next": "_cursor=abc",
    }


async def test_a_page_link_alone_goes_on_with_its_search_and_says_again_what_was_left_out(client):
    client.store.cursor = "abc"
    bundle = orjson.loads((await client("GET", "/fhir/Organization?_cursor=abc"))[2])
    (query,) = client.store.queries
    assert (query.cursor, query.applied) == ("abc", (("name", "x"), ("_count", "1")))
    assert "nosuch" in bundle["entry"][-1]["resource"]["issue"][0]["diagnostics"]


async def test_a_page_link_may_change_how_much_is_asked_for(client):
    client.store.cursor = "abc"
    await client("GET", "/fhir/Organization?_cursor=abc&_count=7")
    assert (client.store.queries[0].count, client.store.queries[0].applied) == (7, (("name", "x"), ("_count", "7")))


async def test_the_capability_statement_is_public_and_says_of_a_type_that_another_room_serves_what_that_does(client):
    status, _, body = await client("GET", "/fhir/metadata", token=None)
    named = {one["type"]: one for one in orjson.loads(body)["rest"][0]["resource"]}
    assert status == 200
    assert "Patient" in named
    assert not named.keys() & ({"AuditEvent", "Consent", "MessageHeader", "Subscription"} - SHAPES.keys())
    for shape in SHAPES.values():
        told = named[shape.name]
        assert {one["name"] for one in told["searchParam"]} == {"_id", "_lastUpdated", *shape.parameters}
        assert ("create" in {one["code"] for one in told["interaction"]}) is ("POST" in shape.writes)
        assert "patch" not in {one["code"] for one in told["interaction"]}
