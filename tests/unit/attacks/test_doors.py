"""Hostile requests at the doors themselves."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from helhed.api import FhirApi
from helhed.foundation.ask import Ask
from helhed.portals.context import Visit
from tests.support.world import NOW, World

BAD_REQUEST, NOT_ALLOWED = 400, 405


class OneAsk:
    def __init__(self, asker: Ask) -> None:
        self._asker = asker

    def ask(self, authorization: bytes | None) -> Ask:
        return self._asker


async def post(world: World, asker: Ask, path: str, body: Any) -> tuple[int, Any]:
    api = FhirApi(world.store, OneAsk(asker), base_url="https://here.example", max_body_bytes=2**20)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(body), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/fhir+json")]
    await api({"method": "POST", "path": path, "query_string": b"", "headers": headers}, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


@pytest.mark.parametrize("kind", [[1], {"a": 1}, None, 7, "searchset"])
async def test_a_bundle_of_no_kind_is_refused_in_words(world: World, kind: Any) -> None:
    asker = world.system(await world.organisation("Hospital"))
    status, told = await post(world, asker, "/fhir", {"resourceType": "Bundle", "type": kind})
    assert (status, told["issue"][0]["expression"]) == (BAD_REQUEST, ["Bundle.type"])


@pytest.mark.parametrize("virtual", ["AuditEvent", "Consent"])
async def test_nobody_writes_what_trust_alone_says(world: World, virtual: str) -> None:
    asker = world.system(await world.organisation("Hospital"))
    status, _ = await post(world, asker, f"/fhir/{virtual}", {"resourceType": virtual})
    assert status == NOT_ALLOWED


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "/\\evil.example", "/\\/evil.example"])
def test_the_link_to_the_other_language_stays_on_this_host(path: str) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"here.example")],
        "scheme": "https",
        "server": ("here.example", 443),
    }
    visitor = Visit(Request(scope), SimpleNamespace(ports=SimpleNamespace(clock=lambda: NOW)), None, None)  # type: ignore[arg-type]
    link = visitor._other_language()
    assert link.startswith("/")
    assert link[1:2] not in {"/", "\\"}
