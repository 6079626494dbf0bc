"""Two networks that are equal in everything an asker may see: one holds what is hidden as well, the other never had it.

Whatever the asker does, at the real FHIR door, must be answered with the same bytes by both.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from helhed.api import FhirApi
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from helhed.trust.reference import Permit, decide, may_read
from tests.generative.loading import Loaded
from tests.generative.worlds import Kept
from tests.support.world import World as Opened

BASE = "http://network.example"
_TABLES = ("resource", "version", "resource_string", "resource_date")
_ISSUED = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Call:
    """A request at the FHIR door. ``path`` begins with ``/fhir``; ``query`` is percent-encoded."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Door:
    """The FHIR door of one network, opened by one ask."""

    def __init__(self, opened: Opened, ask: Ask) -> None:
        self._ask = ask
        self._api = FhirApi(opened.store, self, base_url=BASE, max_body_bytes=1 << 20)

    def ask(self, authorization: bytes | None) -> Ask:
        """As a verifier of tokens would say. The trace, which is the request id, is always the same."""
        return self._ask

    async def call(self, call: Call) -> Reply:
        """One request, through ASGI."""
        sent: list[Any] = []
        headers = {"accept": "application/fhir+json", "content-type": "application/fhir+json", **call.headers}
        scope = {
            "type": "http",
            "method": call.method,
            "path": call.path,
            "raw_path": call.path.encode(),
            "query_string": call.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._api(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Reply(sent[0]["status"], tuple(sent[0]["headers"]), body)


@dataclass(frozen=True)
class Twins:
    """Both doors, and the ids that are no accident of one of them."""

    whole: Door
    bare: Door
    known: frozenset[str]

    async def answers(self, call: Call) -> tuple[Reply, Reply]:
        """What both say; ids given out by this very request are numbered."""
        whole, bare = await self.whole.call(call), await self.bare.call(call)
        return self._told_apart_by_nothing_else(whole), self._told_apart_by_nothing_else(bare)

    def _told_apart_by_nothing_else(self, reply: Reply) -> Reply:
        fresh: dict[str, str] = {}

        def name(found: re.Match[str]) -> str:
            issued = found[0]
            return issued if issued in self.known else fresh.setdefault(issued, f"new-{len(fresh)}")

        def text(raw: bytes) -> bytes:
            return _ISSUED.sub(name, raw.decode()).encode()

        headers = tuple((header, text(value)) for header, value in reply.headers)
        return Reply(reply.status, headers, text(reply.body))


def is_there(loaded: Loaded, ask: Ask, kept: Kept) -> bool:
    """Whether the asker may know of a row: by reading it, or as the custodian that keeps it."""
    facts = loaded.world.facts
    keeps = isinstance(decide(ask, Action.UPDATE, kept.row, facts), Permit)
    return may_read(ask, kept.row, facts) or keeps


@asynccontextmanager
async def twins(loaded: Loaded, source: Target, ask: Ask, folder: Path) -> AsyncIterator[Twins]:
    """Both networks, copied from ``source``, to which nobody may be connected."""
    hidden = [UUID(one.resource["id"]) for one in loaded.world.kept if not is_there(loaded, ask, one)]
    known = frozenset(one.resource["id"] for one in loaded.world.kept)
    settings = Settings(data_dir=folder, demo=True, write_connections=2)
    async with _copy(source) as whole, _copy(source) as bare:
        await _forget(bare, hidden)
        left, right = await Opened.open(whole, settings), await Opened.open(bare, settings)
        try:
            yield Twins(Door(left, ask), Door(right, ask), known)
        finally:
            await left.close()
            await right.close()


@asynccontextmanager
async def _copy(source: Target) -> AsyncIterator[Target]:
    copy = source.named(f"t_{uuid4().hex}")
    admin = await connect({**source.owner, "database": "postgres"})
    name = copy.owner["database"]
    try:
        await admin.execute(f'create database "{name}" template "{source.owner["database"]}"')
        yield copy
        await admin.execute(f'drop database "{name}" with (force)')
    finally:
        await admin.close()


async def _forget(target: Target, ids: Iterable[UUID]) -> None:
    """As if they had never been stored."""
    owner = await connect(target.owner)
    for table in _TABLES:
        await owner.execute(f"delete from fhir.{table} where id = any($1)", list(ids))
    await owner.close()
