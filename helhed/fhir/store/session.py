"""A write session: one database transaction in which conditions are looked up and changes made."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.definitions import TYPE_NUMBERS, type_definition
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.query import Query
from helhed.fhir.splice import splice
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.looks import Looks
from helhed.fhir.store.paging import PageLink, open_link
from helhed.fhir.store.past import Past, history_of
from helhed.fhir.store.readiness import Readiness
from helhed.fhir.store.reading import version_from
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.searching import search_any
from helhed.fhir.store.writing import (
    NO_DATE,
    Prepared,
    Preparer,
    Projection,
    Stored,
    add_row,
    copy_rows,
    home_citizen,
)
from helhed.foundation.aside import aside
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import (
    Conflict,
    Forbidden,
    Gone,
    HelhedError,
    MethodNotAllowed,
    PreconditionFailed,
    TooCostly,
    Unknown,
    Unprocessable,
)
from helhed.foundation.lend import lend
from helhed.foundation.settings import ANSWER_BYTES

_NOTHING, _SEEN, _DELETED = 0, 2, 3  # outcomes of fhir.claim; 1 is yours to change
NOBODY = UUID(int=0)  #: the id of nothing
_TURN = 64  #: changes written before others have a turn
_ADMIT = "select n, present, basis from fhir.admit($1::fhir.ask, $2, $3::bigint[], $4::smallint[], $5::smallint[])"
_READ = "select * from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
_VREAD = "select * from fhir.read_version($1::fhir.ask, $2::smallint, $3, $4)"
_NEWEST = 2**31 - 1
_MOST_ANNOUNCED = 1000
_FOUND = "select version, updated, body from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
_CLAIM = "select * from fhir.claim($1::fhir.ask, $2::smallint, $3)"
_REPLACE = "select fhir.put_version($1::smallint, $2, $3, $4, $5, $6, $7, $8::bigint[], $9, $10, $11::float8[])"
_EVENT = "insert into foundation.outbox (topic, payload) values ('resources-stored', $1::jsonb)"


class WriteSession:
    """Changes and lookups inside one transaction of one ask. Made by ``Sessions.begin``."""

    def __init__(
        self,
        connection: Connection,
        ask: Ask,
        hooks: "Hooks",
        signer: CursorSigner,
        readiness: Readiness,
        knowledge: Knowledge | None = None,
    ) -> None:
        self._connection = connection
        self._knowledge = knowledge
        self._ask = ask
        self._row = ask_row(ask)
        self._hooks = hooks
        self._signer = signer
        self._prepared = Prepared()
        self._removed: dict[str, list[UUID]] = defaultdict(list)
        self._looks = Looks(ask, signer)
        self._readiness = readiness

    @property
    def at(self) -> datetime:
        """The moment of the ask."""
        return self._ask.at

    async def lock(self, keys: Iterable[int]) -> None:
        """Hold these advisory locks until the transaction ends (conditional creates of the same thing take turns)."""
        for key in sorted(set(keys)):
            await self._connection.execute("select pg_advisory_xact_lock($1)", key)

    async def read(self, type_name: str, identifier: UUID | None) -> Version:
        """A decided read inside the transaction. Raises Unknown or Gone."""
        self._looks.read(type_name, identifier)
        row = await self._connection.fetchrow(_READ, self._row, [TYPE_NUMBERS[type_name]], [identifier])
        return version_from(type_name, identifier or NOBODY, row)

    async def held(self, type_name: str, identifier: UUID | None, if_match: int | None) -> Version:
        """What a patch goes on: a version that the asker may read and change, held until the transaction ends.

        Raises what an update would, and Unknown for what the asker may not read, whatever it may write (decision 0013).
        """
        try:
            version = await self.read(type_name, identifier)
        except Unknown:
            if self._ask.kind is ActorKind.SYSTEM:
                raise Forbidden("A system patches only what it may read: send the whole resource.") from None
            raise
        claimed = await self._claim(Change("PUT", type_name, None, None, identifier, if_match))
        return version if claimed["version"] == version.version else await self.read(type_name, identifier)

    async def vread(self, type_name: str, identifier: UUID | None, version: int) -> Version:
        """One version, as ``read``."""
        if identifier is None or version > _NEWEST:
            return await self.read(type_name, None)
        self._looks.read(type_name, identifier, version)
        row = await self._connection.fetchrow(_VREAD, self._row, TYPE_NUMBERS[type_name], identifier, version)
        return version_from(type_name, identifier, row)

    async def past(self, past: Past) -> Page:
        """A decided, logged page of a history. Raises Unknown when nothing of the resource that is named is visible."""
        self._looks.past(past)
        return await history_of(self._connection, self._ask, self._signer, past, ANSWER_BYTES)

    async def search(self, query: Query) -> Page:
        """A decided, logged search that sees what this transaction wrote."""
        return await self._searched(query, match=False)

    def page_link(self, type_name: str, cursor: str) -> PageLink:
        """The search that a page link of this actor goes on with. Raises BadRequest."""
        return open_link(self._signer, self._ask, type_name, cursor)

    async def matching(self, query: Query) -> Page:
        """What a condition finds: decided, logged, and seeing what this transaction wrote. Not for answers.

        A custodian's conditions find what it keeps; everybody else's find what they may read, whatever they may write.
        """
        return await self._searched(query, match=self._ask.kind is ActorKind.SYSTEM)

    async def _searched(self, query: Query, *, match: bool) -> Page:
        query = await self._readiness.ready(query)
        try:
            page = await search_any(self._connection, self._ask, query, self._signer, match=match)
        except TooCostly:
            self._looks.searched(query, match=match)
            raise
        self._looks.searched(query, match=match)
        return page

    async def as_found(self, type_name: str, identifier: UUID) -> Written:
        """What an If-None-Exist condition found, as the answer to the create that was not needed."""
        row = await self._connection.fetchrow(_FOUND, self._row, [TYPE_NUMBERS[type_name]], [identifier])
        version, updated, body = (row["version"], row["updated"], row["body"]) if row else (None, None, None)
        return Written(
            type_name, identifier, version or 1, updated or self._ask.at, created=False, deleted=False, body=body or b""
        )

    async def write(self, changes: Sequence[Change]) -> list[Written]:
        """Make the changes in order. Raises what a single change would, naming it; InvalidResource for those that break
        what their source must conform to.
        """
        if self._knowledge is not None:
            await self._knowledge.check(self._ask.organisation, self._ask.at, changes)
        written = []
        for place, change in enumerate(changes, 1):
            written.append(await self._one(change))
            if place % _TURN == 0:
                await asyncio.sleep(0)  # small requests come in between
        await self._admit()
        await copy_rows(self._connection, self._prepared)
        await self._project()
        await self._looks.write(self._connection)
        await self._announce()
        return written

    @property
    def connection(self) -> Connection:
        """The connection, for rows that an upper room keeps in the same transaction."""
        return self._connection

    # --- one change -----------------------------------------------------------------------------------------------

    async def _one(self, change: Change) -> Written:
        if change.method == "POST":
            for preparer in self._hooks.preparers:
                if change.type_name in preparer.types:
                    change = await preparer.prepare(self._connection, change)
            return await aside(len(change.raw or b""), lambda: self._create(change))
        if change.method == "PUT":
            return await self._update(change)
        return await self._delete(change)

    def _create(self, change: Change) -> Written:
        organisation = self._organisation()
        identifier, resource, raw = change.id, change.resource, change.raw
        assert identifier is not None
        assert resource is not None
        assert raw is not None
        at = self._ask.at
        body = splice(raw, str(identifier), 1, at, resource)
        add_row(self._prepared, resource, body, change.digest or sha256(raw).digest(), (identifier, organisation, at))
        return Written(change.type_name, identifier, 1, at, created=True, deleted=False, body=body)

    async def _update(self, change: Change) -> Written:
        identifier, resource, raw = change.id, change.resource, change.raw
        assert resource is not None
        assert raw is not None
        claimed = await self._claim(change)
        definition = type_definition(change.type_name)
        version = claimed["version"] + 1
        self._looks.changed(
            claimed["citizen"], Action.UPDATE, claimed["basis"], definition.number, [_present(identifier)], version
        )
        if home_citizen(definition, resource, _present(identifier)) != claimed["citizen"]:
            raise Unprocessable("A resource stays with the citizen it was written for.")
        prepared = Prepared()
        row, body = await aside(len(raw), lambda: self._add_version(prepared, change, version))
        await self._replace(change.type_name, _present(identifier), claimed["version"], prepared.resources[0])
        self._prepared.strings += prepared.strings
        self._prepared.dates += prepared.dates
        self._prepared.stored.append(
            Stored(
                row.type_name,
                row.id,
                row.citizen,
                self._organisation(),
                resource,
                created=False,
                by_custodian=self._ask.kind is ActorKind.SYSTEM,
            )
        )
        return Written(change.type_name, row.id, version, self._ask.at, created=False, deleted=False, body=body)

    def _add_version(self, prepared: Prepared, change: Change, version: int) -> tuple[Stored, bytes]:
        resource, raw = change.resource, change.raw
        assert resource is not None
        assert raw is not None
        body = splice(raw, str(change.id), version, self._ask.at, resource)
        where = (_present(change.id), 0, self._ask.at)
        return add_row(prepared, resource, body, change.digest or sha256(raw).digest(), where), body

    async def _delete(self, change: Change) -> Written:
        claimed = await self._claim(change)
        identifier = _present(change.id)
        number = TYPE_NUMBERS[change.type_name]
        here = claimed["outcome"] != _DELETED
        version = claimed["version"] + here
        self._looks.changed(claimed["citizen"], Action.DELETE, claimed["basis"], number, [identifier], version)
        if not here:  # deleting again changes nothing
            return Written(change.type_name, identifier, 0, self._ask.at, created=False, deleted=True)
        await self._connection.execute(
            _REPLACE, number, identifier, claimed["version"], self._ask.at, 0, NO_DATE, NO_DATE, [], b"", None, []
        )
        self._removed[change.type_name].append(identifier)
        return Written(change.type_name, identifier, version, self._ask.at, created=False, deleted=True)

    async def _claim(self, change: Change) -> Any:
        if change.id is None:
            raise Unknown if change.method == "DELETE" else MethodNotAllowed
        claimed = await self._connection.fetchrow(_CLAIM, self._row, TYPE_NUMBERS[change.type_name], change.id)
        assert claimed is not None  # the function always answers with a row
        problem = self._problem(change, claimed)
        if problem is not None:
            action = Action.DELETE if change.method == "DELETE" else Action.UPDATE
            self._looks.changed(claimed["citizen"], action, None, TYPE_NUMBERS[change.type_name], [change.id], 0)
            raise problem
        return claimed

    def _problem(self, change: Change, claimed: Any) -> HelhedError | None:
        """Why a row may not be changed, if it may not."""
        outcome, deletes = claimed["outcome"], change.method == "DELETE"
        if outcome == _NOTHING:
            return Unknown() if deletes else MethodNotAllowed()
        if outcome == _SEEN:
            return Forbidden("Only the organisation that wrote this may change it.")
        if outcome == _DELETED:
            return None if deletes else Gone()
        if change.if_match is None and not deletes and self._ask.kind is not ActorKind.SYSTEM:
            return PreconditionFailed('Say which version you have read: If-Match: W/"3".')
        if change.if_match is not None and change.if_match != claimed["version"]:
            return PreconditionFailed("Somebody else changed this first: read it again.")
        return None

    async def _replace(self, type_name: str, identifier: UUID, version: int, row: tuple[Any, ...]) -> None:
        _, number, _, _, _, _, _, code, lo, hi, at, tokens, digest, body, numbers = row
        await self._connection.execute(
            _REPLACE, number, identifier, version, at, code, lo, hi, tokens, digest, body, numbers
        )

    # --- the whole transaction --------------------------------------------------------------------------------------

    def _organisation(self) -> int:
        if self._ask.organisation is None:
            raise Forbidden("Citizens do not write resources here.")
        return self._ask.organisation

    async def _admit(self) -> None:
        """One verdict for each (citizen, type, ownership) that is created."""
        pairs: dict[tuple[int | None, int, int], list[UUID]] = defaultdict(list)
        for row in self._prepared.resources:
            pairs[(row[5], row[1], row[2])].append(row[4])
        if not pairs:
            return
        citizens, types, owned = zip(*pairs, strict=True)
        rows = await self._connection.fetch(
            _ADMIT, self._row, TYPE_NUMBERS["Patient"], list(citizens), list(types), list(owned)
        )
        fresh = {row[5] for row in self._prepared.resources if row[1] == TYPE_NUMBERS["Patient"]}
        refused: list[int | None] = []
        for (citizen, number, _), ids, verdict in zip(pairs, pairs.values(), rows, strict=True):
            self._looks.changed(citizen, Action.CREATE, verdict["basis"], number, ids, 1)
            if verdict["basis"] is None or not (verdict["present"] or citizen in fresh):
                refused.append(citizen)
        if refused:
            raise _refusal(refused[0])

    async def _project(self) -> None:
        by_type: dict[str, list[Stored]] = defaultdict(list)
        for one in self._prepared.stored:
            by_type[one.type_name].append(one)
        for projection in self._hooks.projections:
            stored = [one for name, some in by_type.items() if name in projection.types for one in some]
            if stored:
                await projection.project(self._connection, stored)
            removed = [gone for name in projection.types for gone in self._removed.get(name, ())]
            if removed:
                await projection.forget(self._connection, removed)

    async def log_refusal(self, connection: Connection, changes: Sequence[Change]) -> None:
        """After the transaction was undone: what it tried, and what it looked at, stands in the logs all the same."""
        await self._looks.stand_again(connection, changes)

    async def _announce(self) -> None:
        if self._prepared.stored or self._removed:
            stored = self._prepared.stored
            event = {
                "origin": str(self._ask.organisation),
                "at": self._ask.at.isoformat(),
                "ids": [str(one.id) for one in stored[:_MOST_ANNOUNCED]],
                "count": len(stored),
            }
            await self._connection.execute(_EVENT, orjson.dumps(event).decode())


def _refusal(citizen: int | None) -> Exception:
    if citizen is None:
        return Forbidden("You may not write this type of resource.")
    return Unprocessable("There is no such patient here that you can write for.")


def _present(identifier: UUID | None) -> UUID:
    if identifier is None:
        raise MethodNotAllowed
    return identifier


@dataclass(frozen=True, slots=True)
class Hooks:
    """What upper rooms do inside a transaction."""

    projections: tuple[Projection, ...] = ()
    preparers: tuple[Preparer, ...] = ()


class Sessions:
    """Opens write sessions on a pool."""

    def __init__(self, pool: Pool, hooks: Hooks, signer: CursorSigner, knowledge: Knowledge | None = None) -> None:
        self._pool = pool
        self._knowledge = knowledge
        self._hooks = hooks
        self._signer = signer
        self.readiness = Readiness(pool)

    @asynccontextmanager
    async def begin(self, ask: Ask) -> AsyncIterator[WriteSession]:
        """A session that commits when the block ends and is undone when it raises."""
        try:
            async with lend(self._pool) as connection, connection.transaction():
                yield WriteSession(connection, ask, self._hooks, self._signer, self.readiness, self._knowledge)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
            raise Conflict from error
        except asyncpg.UniqueViolationError as error:
            raise Conflict("Somebody with this identifier is already here.") from error
