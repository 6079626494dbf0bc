"""Made-up requests to the running server, as several people: never a breakdown, never an answer that is not described."""

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.clients.schemathesis_runs import Described, run
from tests.support.live import LiveServer

CITIZEN, CLINICIAN, OUTSIDER, SYSTEM = "jens", "anders-emergency", "outsider", "epj-system"
SOME = ("/Patient", "/Observation/{id}", "/Organization", "/_history", "/_search", "/metadata", "/ValueSet/$expand")
Send = Callable[..., list[int]]
EVERYBODY = [CITIZEN, CLINICIAN, OUTSIDER, SYSTEM]


@pytest.fixture(scope="module")
def described(live_server: LiveServer) -> Described:
    return Described.of(live_server)


@pytest.fixture(params=EVERYBODY)
def sends(live_server: LiveServer, request: pytest.FixtureRequest) -> Iterator[Send]:
    """What one persona sends to an operation."""
    ids = [live_server.reference(CITIZEN).partition("/")[2]]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {live_server.token(request.param)}"
        stranger = request.param in {OUTSIDER, SYSTEM}
        yield lambda operation, examples: run(operation, live_server, session, ids, examples, hidden=stranger)


def some(path: str) -> bool:
    return path == "/" or path.startswith(SOME)


def test_no_made_up_request_breaks_the_door(described: Described, sends: Send) -> None:
    statuses = [status for operation in described.operations(some) for status in sends(operation, 3)]
    assert {status // 100 for status in statuses} >= {2, 4}


@pytest.mark.long
def test_no_made_up_request_to_any_type_breaks_the_door(described: Described, sends: Send) -> None:
    statuses = [status for operation in described.operations(bool) for status in sends(operation, 10)]
    assert {status // 100 for status in statuses} >= {2, 4}


def test_who_does_not_log_in_is_told_to_at_every_address(live_server: LiveServer, described: Described) -> None:
    asked = {"{type}": "Patient", "{id}": "x", "{vid}": "1", "{compartment}": "Observation"}
    with requests.Session() as nobody:
        for template in filter(some, described.raw["paths"]):
            path = template
            for name, value in asked.items():
                path = path.replace(name, value)
            answer = nobody.get(f"{live_server.url}/fhir{path}".rstrip("/"), timeout=30)
            assert answer.status_code == (200 if path == "/metadata" else 401), path


def test_the_description_is_for_anybody_and_small_on_the_wire(live_server: LiveServer) -> None:
    url = f"{live_server.url}/openapi.json"
    answer = requests.get(url, timeout=30, stream=True)
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert int(answer.headers["content-length"]) < 150_000
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert plain.json() == answer.json()
    head = requests.head(url, timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    refused = requests.post(url, timeout=30)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
