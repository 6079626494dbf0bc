"""The servers: enough of FHIR to be asked, one beneath the other at one address, and one of them that does not always answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from demo.datatypes import CPR, Json
from demo.sources import records
from demo.sources.pictures import chest, wound

PATH = "/demo-kilder"
Clock = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class DemoSource:
    """One source: whose it is, what it has, and how long it is waited for."""

    place: str  #: handle of its organisation
    name: str
    kind: str
    types: tuple[str, ...]
    records: Callable[[], records.Records]
    deadline_ms: int
    withholds: bool = False
    falters: bool = False  #: it does not answer in every third minute

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"{PATH}/{self.place}"


DEMO_SOURCES = (
    DemoSource("soebred", "Privathospitalet Søbred", "private-hospital", ("Encounter", "Condition", "DocumentReference"), records.soebred, 1500, withholds=True),
    DemoSource("laboratorieportal", "Laboratorieportalen", "laboratory", ("Observation",), records.laboratory, 600, falters=True),
    DemoSource("billedindeks", "Billedindekset", "images", ("ImagingStudy", "DiagnosticReport"), records.images, 1500),
    DemoSource("saarjournal", "Sårjournalen", "wounds", ("Media", "Observation"), records.wounds, 1500),
)  # fmt: skip


def build_demo_sources(clock: Clock) -> Callable[..., Awaitable[None]]:
    """The ASGI app of all of them, mounted at ``PATH``."""
    servers = {one.path: _Server(one, clock) for one in DEMO_SOURCES}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        parts = scope["path"].split("/")
        server = servers.get("/".join(parts[:3]))
        body = await _body(receive)
        status, kind, content = (
            (404, "", b"") if server is None else await server.answer(scope["method"], parts[3:], body)
        )
        head = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})

    return app


class _Server:
    def __init__(self, source: DemoSource, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._records = {number: _own(number, rows) for number, rows in source.records().items()}

    async def answer(self, method: str, parts: list[str], body: bytes) -> tuple[int, str, bytes]:
        if self._source.falters and self._clock().minute % 3 == 2:
            await asyncio.sleep(self._source.deadline_ms / 1000 * 4)  # whoever asked has given up
        match method, parts:
            case "POST", ["fhir", "Patient", "_search"]:
                number = parse_qs(body.decode()).get("identifier", [""])[0].removeprefix(f"{CPR}|")
                return _json(_bundle([_person(number)] if number in self._records else []))
            case "GET", ["fhir", "Patient", name, "$everything"] if (number := _number(name)) in self._records:
                return _json(_bundle([_person(number), *self._records[number]]))
            case "GET", ["fhir", "metadata"]:
                return _json(
                    {
                        "resourceType": "CapabilityStatement",
                        "fhirVersion": "4.0.1",
                        "software": {"name": self._source.name},
                    }
                )
            case "GET", ["fhir", "Binary", name] if name.startswith("saar-") and name[5:].isdecimal():
                return 200, "image/png", await asyncio.to_thread(wound, int(name[5:]) % 4)
            case "GET", ["wado", "studies", _, "series", _, "instances", _, "rendered"]:
                return 200, "image/png", await asyncio.to_thread(chest)
        return 404, "application/fhir+json", b'{"resourceType":"OperationOutcome"}'


def _own(number: str, rows: list[Json]) -> list[Json]:
    """With ids and a subject as this source has them."""
    subject = {"reference": f"Patient/{_name(number)}"}
    return [{**row, "id": f"{place}", "subject": subject} for place, row in enumerate(rows, 1)]


def _person(number: str) -> Json:
    return {"resourceType": "Patient", "id": _name(number), "identifier": [{"system": CPR, "value": number}]}


def _name(number: str) -> str:
    return "p" + number[::-1]


def _number(name: str) -> str:
    return name[:0:-1]


def _bundle(rows: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in rows]}


def _json(content: Json) -> tuple[int, str, bytes]:
    return 200, "application/fhir+json; fhirVersion=4.0", orjson.dumps(content)


async def _body(receive: Any) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
