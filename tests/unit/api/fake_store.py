"""A store for tests of the door alone: it keeps versions in a dictionary and decides by a set of hidden ids."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.query import LeftOut
from helhed.fhir.splice import splice
from helhed.fhir.store.paging import PageLink
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, MethodNotAllowed, PreconditionFailed, Unknown

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class FakeStore:
    """Read, search and write without decisions beyond ``hidden``."""

    def __init__(self) -> None:
        self.versions: dict[UUID, Version] = {}
        self.hidden: set[UUID] = set()
        self.queries: list[Any] = []
        self.cursor: str | None = None
        self.failure: Exception | None = None

    async def read(self, ask: Ask, type_name: str, id: UUID | None) -> Version:
        if self.failure is not None:
            raise self.failure
        found = self.versions.get(id) if id is not None and id not in self.hidden else None
        if found is None or found.type_name != type_name:
            raise Unknown
        return found

    async def vread(self, ask: Ask, type_name: str, id: UUID | None, version: int) -> Version:
        found = await self.read(ask, type_name, id)
        if found.version != version:
            raise Unknown
        return found

    async def search(self, ask: Ask, query: Any) -> Page:
        self.queries.append(query)
        found = [
            one for one in self.versions.values() if one.type_name == query.type_name and one.id not in self.hidden
        ]
        return Page(found, [], len(found) if query.total else None, self.cursor)

    def page_link(self, ask: Ask, type_name: str, cursor: str) -> PageLink:
        if cursor != self.cursor:
            raise BadRequest
        return PageLink(["a"], [("name", "x"), ("_count", "1")], (LeftOut("nosuch", "No such parameter.", True),))

    async def commit(self, ask: Ask, changes: list[Change]) -> list[Written]:
        return [self._write(change) for change in changes]

    @asynccontextmanager
    async def session(self, ask: Ask):
        yield FakeSession(self, ask)

    async def log_refusal(self, ask: Ask, session: Any, changes: Any) -> None:
        """Nothing is logged here."""

    def _write(self, change: Change) -> Written:
        known = self.versions.get(change.id) if change.id is not None and change.id not in self.hidden else None
        if change.method != "POST" and known is None:
            raise Unknown if change.method == "DELETE" else MethodNotAllowed
        if known is not None and change.if_match not in (None, known.version):
            raise PreconditionFailed
        assert change.id is not None
        number = 1 if known is None else known.version + 1
        body = b""
        if change.method == "DELETE":
            del self.versions[change.id]
        else:
            assert change.resource is not None
            body = splice(change.raw or orjson.dumps(change.resource), str(change.id), number, AT, change.resource)
            self.versions[change.id] = Version(change.type_name, change.id, number, AT, body)
        return Written(
            change.type_name, change.id, number, AT, created=known is None, deleted=change.method == "DELETE", body=body
        )


class FakeSession:
    """One transaction on the fake."""

    def __init__(self, store: FakeStore, ask: Ask) -> None:
        self._store, self._ask = store, ask

    async def lock(self, keys: Any) -> None:
        list(keys)

    async def search(self, query: Any) -> Page:
        return await self._store.search(self._ask, query)

    async def write(self, changes: list[Change]) -> list[Written]:
        return await self._store.commit(self._ask, changes)
