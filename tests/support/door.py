"""The FHIR door over an open world, asked without a network in between."""

from typing import Any
from urllib.parse import urlencode

import orjson

from helhed.api import FhirApi
from helhed.foundation.ask import Ask
from helhed.foundation.seal import Seal
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.served import served_types
from helhed.trust.subscriptions.reading import Terms
from tests.support.world import World

BASE = "https://here.example"
TERMS = Terms(BASE, demo=True, loopback=True)
SEAL = Seal("subscription headers", [b"s" * 32])


class OneAsk:
    """A verifier that has let one asker in."""

    def __init__(self, asker: Ask) -> None:
        self._asker = asker

    def ask(self, authorization: bytes | None) -> Ask:
        """The asker, whatever the header says."""
        return self._asker


class Door:
    """One asker at the door."""

    def __init__(self, world: World, asker: Ask, **limits: Any) -> None:
        served = served_types(world.store.pool, Pseudonyms(b"p" * 32), TERMS, SEAL)
        self._api = FhirApi(
            world.store, OneAsk(asker), base_url=BASE, **{"max_body_bytes": 2**24, "virtual": served, **limits}
        )

    async def get(self, url: str, **headers: str) -> tuple[int, Any]:
        """Status and parsed answer of a path with its parameters, or of a link."""
        path, _, query = url.removeprefix(BASE).partition("?")
        return await self._ask("GET", path, query, b"", headers)

    async def search(self, type_name: str, pairs: dict[str, str], **headers: str) -> tuple[int, Any]:
        """A search by POST."""
        form = {"content-type": "application/x-www-form-urlencoded", **headers}
        return await self._ask("POST", f"/fhir/{type_name}/_search", "", urlencode(pairs).encode(), form)

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """A resource or Bundle, as JSON or as its bytes."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self._ask("POST", path, "", raw, {"content-type": "application/fhir+json", **headers})

    async def form(self, url: str, text: str) -> tuple[int, Any]:
        """A search by POST, with parameters in its address as well."""
        path, _, query = url.partition("?")
        return await self._ask(
            "POST", path, query, text.encode(), {"content-type": "application/x-www-form-urlencoded"}
        )

    async def whole(self, url: str) -> tuple[dict[str, str], bytes]:
        """The headers and the bytes of an answer."""
        path, _, query = url.partition("?")
        start, content = await self._sent("GET", path, query, b"", {})
        return {name.decode(): value.decode() for name, value in start["headers"]}, content["body"]

    async def do(self, method: str, url: str, body: Any = b"", **headers: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and parsed answer of any request; a header's name is written with underscores."""
        path, _, query = url.removeprefix(BASE).partition("?")
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = await self._sent(method, path, query, raw, {"content-type": "application/fhir+json", **named})
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, parsed(told.get("content-type", ""), sent[1]["body"])

    async def told(
        self, method: str, url: str, body: bytes = b"", content_type: str = "application/fhir+json"
    ) -> tuple[int, str]:
        """Status, and every word of the answer to any request: its headers and its body, of whatever kind."""
        path, _, query = url.partition("?")
        start, content = await self._sent(method, path, query, body, {"content-type": content_type})
        headers = b"\n".join(b": ".join(header) for header in start["headers"])
        return start["status"], b"\n\n".join((headers, content["body"])).decode(errors="replace")

    async def _ask(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        sent = await self._sent(method, path, query, body, headers)
        return sent[0]["status"], orjson.loads(sent[1]["body"] or b"null")

    async def _sent(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await self._api(scope, receive, send)
        return sent


def parsed(kind: str, body: bytes) -> Any:
    """A body as JSON; as a list of its lines when it is one a line."""
    return [orjson.loads(line) for line in body.splitlines()] if "ndjson" in kind else orjson.loads(body or b"null")


def link(bundle: Any, relation: str) -> str:
    """A link of a Bundle, "" when it has none."""
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), "")


def ids(bundle: Any) -> list[str]:
    """Ids of the matches, in order."""
    return [one["resource"]["id"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]
