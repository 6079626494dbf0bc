"""Two networks that are equal in everything an asker may see: one holds what is hidden as well, the other never had it.

Whatever the asker does, at the real FHIR door, must be answered with the same bytes by both.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from helhed.api import FhirApi
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from helhed.trust.reference import Permit, decide, may_read
from tests.generative.agreement import saw_it_begin
from tests.generative.loading import Loaded, is_written_twice
from tests.generative.worlds import NOW, Kept
from tests.support.databases import copy_of
from tests.support.world import World as Opened

BASE = "http://network.example"
_TABLES = ("resource", "version", "resource_string", "resource_date")


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


_CHANCE: ContextVar[Random] = ContextVar("_CHANCE")
_BEFORE = Random(0)  #: for what is loaded before there are twins


class Chance:
    """Stands for ``os``, ``time`` and ``secrets`` where ids and numbers are made: both networks draw the same."""

    @staticmethod
    def choice(items: str) -> str:
        """One of several."""
        return _CHANCE.get(_BEFORE).choice(items)

    @staticmethod
    def urandom(length: int) -> bytes:
        """Bytes."""
        return _CHANCE.get().randbytes(length)

    @staticmethod
    def time_ns() -> int:
        """A moment."""
        return int(NOW.timestamp()) * 1_000_000_000 + _CHANCE.get().randrange(1_000_000_000)


class Twins:
    """Both doors."""

    def __init__(self, whole: Door, bare: Door) -> None:
        self._doors = (whole, bare)
        self._calls = 0

    async def answers(self, call: Call) -> list[Reply]:
        """What both say."""
        self._calls += 1
        return await asyncio.gather(*(self._by_chance(door, call) for door in self._doors))

    async def _by_chance(self, door: Door, call: Call) -> Reply:
        _CHANCE.set(Random(self._calls))
        return await door.call(call)


def is_there(loaded: Loaded, ask: Ask, kept: Kept) -> bool:
    """Whether the asker may know of a row: by reading it, or as the custodian that keeps it."""
    facts = loaded.world.facts
    keeps = isinstance(decide(ask, Action.UPDATE, kept.row, facts), Permit)
    return may_read(ask, kept.row, facts) or keeps


def is_shown_in_part(loaded: Loaded, ask: Ask, kept: Kept) -> bool:
    """Whether the asker sees what is left of a row, and not the row."""
    decision = decide(ask, Action.READ, kept.row, loaded.world.facts)
    return isinstance(decision, Permit) and bool(decision.without)


@asynccontextmanager
async def twins(loaded: Loaded, source: Target, ask: Ask, folder: Path) -> AsyncIterator[Twins]:
    """Both networks, copied from ``source``, to which nobody may be connected."""
    hidden = [UUID(one.resource["id"]) for one in loaded.world.kept if not is_there(loaded, ask, one)]
    begun = [
        UUID(one.resource["id"])
        for one in loaded.world.kept
        if is_written_twice(one) and not saw_it_begin(loaded, ask, one)
    ]
    parts = [UUID(one.resource["id"]) for one in loaded.world.kept if is_shown_in_part(loaded, ask, one)]
    settings = Settings(data_dir=folder, demo=True, write_connections=2)
    async with copy_of(source) as whole, copy_of(source) as bare:
        await _forget(bare, hidden, begun)
        await _blank(bare, parts)
        left, right = await Opened.open(whole, settings), await Opened.open(bare, settings)
        try:
            yield Twins(Door(left, ask), Door(right, ask))
        finally:
            await left.close()
            await right.close()


async def _forget(target: Target, ids: Iterable[UUID], begun: Iterable[UUID]) -> None:
    """As if they had never been stored; of those in ``begun``, the first version."""
    owner = await connect(target.owner)
    for table in _TABLES:
        await owner.execute(f"delete from fhir.{table} where id = any($1)", list(ids))
    await owner.execute("delete from fhir.version where version = 1 and id = any($1)", list(begun))
    await owner.close()


async def _blank(target: Target, ids: Iterable[UUID]) -> None:
    """As if rows that are shown in part had said something else, or nothing, wherever they are masked: in every version and index."""
    owner = await connect(target.owner)
    rows = list(ids)
    told = "convert_to(jsonb_build_object('resourceType', convert_from(body, 'UTF8')::jsonb ->> 'resourceType', 'id', id, 'note', 'x')::text, 'UTF8')"
    nothing = (
        "code = 7, date_lo = '1900-01-01', date_hi = '1900-01-01', tokens = '{}', numbers = '{}', digest = '\\x00'"
    )
    await owner.execute(
        f"update fhir.resource set {nothing}, body = {told} where id = any($1) and ownership <> 4 and not deleted", rows
    )
    await owner.execute(
        f"update fhir.version set body = {told}, digest = '\\x00' where id = any($1) and ownership <> 4 and not deleted",
        rows,
    )
    for table in ("resource_string", "resource_date"):
        await owner.execute(f"delete from fhir.{table} where id = any($1) and bucket < 1024", rows)
    await owner.close()
