"""A FHIR server that stands in for a source, on a real socket of this machine, and misbehaves on purpose when it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from helhed.registries.identifiers import CPR

THERE = "there-1"  #: the id of the citizen at the source


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        """The fields of its body."""
        return parse_qs(self.body.decode())


@dataclass
class StandIn:
    """Knows one citizen by number. ``twist`` changes any answer: the request -> status, headers and body, or None for the usual."""

    number: str
    resources: list[dict[str, Any]] = field(default_factory=list)
    twist: Callable[[Asked], tuple[int, Mapping[str, str], bytes] | None] = lambda _: None
    hangs: Callable[[Asked], bool] = lambda _: False
    drips: bool = False
    patient: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)  #: somebody waits for an answer that does not come
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StandIn"]:
        """Serves for as long as the block lasts."""
        self.patient = self.patient or person(self.number)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
        try:
            yield self
        finally:
            self.let_go.set()
            server.close()
            await server.wait_closed()

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{one.method} {one.path}" for one in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            if self.hangs(asked):
                await self._wait()
            else:
                await self._write(writer, *(self.twist(asked) or self._usual(asked)))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _wait(self) -> None:
        self.reached.set()
        await self.let_go.wait()

    async def _write(self, writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> None:
        told = {"content-type": "application/fhir+json; fhirVersion=4.0", "content-length": str(len(body)), **headers}
        lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in told.items() if value), "", ""]
        writer.write("\r\n".join(lines).encode())
        if self.drips:
            writer.write(body[:1])
            await writer.drain()
            await self._wait()
            return
        writer.write(body)
        await writer.drain()

    def _usual(self, asked: Asked) -> tuple[int, Mapping[str, str], bytes]:
        parts = asked.path.removeprefix("/fhir/").split("/")
        if parts == ["Patient", "_search"]:
            known = asked.form["identifier"] == [f"{CPR}|{self.number}"]
            return ok(bundle([self.patient] if known else []))
        if parts == ["Patient", THERE, "$everything"]:
            return ok(bundle([self.patient, *self.resources]))
        if len(parts) == 2 and parts[1] == "_search":
            return ok(bundle([one for one in self.resources if one["resourceType"] == parts[0]]))
        return 404, {}, b"{}"


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, target, _ = first.split(" ")
    return Asked(method, urlsplit(target).path, urlsplit(target).query, headers, body)


def ok(resource: Any) -> tuple[int, Mapping[str, str], bytes]:
    """An answer."""
    return 200, {}, orjson.dumps(resource)


def bundle(resources: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A searchset."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


def person(number: str, identifier: str = THERE) -> dict[str, Any]:
    """A Patient as the source knows them."""
    return {"resourceType": "Patient", "id": identifier, "identifier": [{"system": CPR, "value": number}]}


def measured(identifier: str, whose: str = THERE, **more: Any) -> dict[str, Any]:
    """A measurement as the source has it."""
    return {
        "resourceType": "Observation", "id": identifier, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Puls"},
        "subject": {"reference": f"Patient/{whose}"}, "effectiveDateTime": "2026-11-20T08:00:00Z",
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}, **more,
    }  # fmt: skip
