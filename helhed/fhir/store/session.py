"""A write session: one database transaction in which conditions are looked up and changes made."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.definitions import TYPE_NUMBERS, parameters_in_use, type_definition
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.query import Query
from helhed.fhir.splice import splice
from helhed.fhir.store.admitting import admit, admit_to_citizen
from helhed.fhir.store.announcing import announce
from helhed.fhir.store.claims import as_written_by
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.hooks import Hooks, project
from helhed.fhir.store.inserting import put_rows
from helhed.fhir.store.looks import Looks
from helhed.fhir.store.paging import PageLink, open_link
from helhed.fhir.store.parts import renew_parts
from helhed.fhir.store.past import Past, history_of
from helhed.fhir.store.readiness import Readiness
from helhed.fhir.store.reading import version_from
from helhed.fhir.store.refusals import DELETED, change_refused
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.searching import search_any
from helhed.fhir.store.versions import put_deletion, put_version
from helhed.fhir.store.writing import (
    Prepared,
    Stored,
    add_created,
    add_row,
    home_citizen,
    organisation_of,
)
from helhed.foundation.aside import LARGE, aside
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import (
    Forbidden,
    MethodNotAllowed,
    TooCostly,
    Unknown,
    Unprocessable,
)
from helhed.foundation.proving import Duty, prove
from helhed.foundation.settings import ANSWER_BYTES

NOBODY = UUID(int=0)  #: the id of nothing
_TURN = 64  #: changes written before others have a turn
_READ = "select * from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
_VREAD = "select * from fhir.read_version($1::fhir.ask, $2::smallint, $3, $4)"
_NEWEST = 2**31 - 1
_FOUND = "select version, updated, body from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
_CLAIM = "select * from fhir.claim($1::fhir.ask, $2::smallint, $3)"


class WriteSession:
    """Changes and lookups inside one transaction of one ask. Made by ``sessions.Sessions.begin``."""

    def __init__(
        self,
        connection: Connection,
        ask: Ask,
        hooks: Hooks,
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
        self._changed: list[Version] = []  #: rows that took their next version
        self._looks = Looks(ask, signer)
        self._readiness = readiness
        self._edition = parameters_in_use().edition  #: of the search parameters that rows are indexed by
        self._completed = frozenset[str]().union(*(preparer.types for preparer in hooks.preparers))

    @property
    def at(self) -> datetime:
        """The moment of the ask."""
        return self._ask.at

    def is_alias(self, system: str | None, value: str) -> bool:
        """Whether a number (of a system, when it is said) may be several people's, so that it names nobody."""
        return self._hooks.is_alias(system, value)

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
        query = await self._readiness.ready(query, self._connection)
        try:
            page = await search_any(self._connection, self._ask, query, self._signer, match=match)
        except TooCostly:
            self._looks.searched(query, match=match)
            raise
        except asyncpg.QueryCanceledError:
            self._looks.gave_up(query)
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
        await prove(self._connection, Duty.STORE)
        written = []
        for place, change in enumerate(changes, 1):
            written.append(self._create(change) if self._is_plain(change) else await self._one(change))
            if place % _TURN == 0:
                await asyncio.sleep(0)  # small requests come in between
        await admit(self._connection, self._row, self._prepared, self._looks)
        self._prepared.resources = await as_written_by(self._connection, self._ask, self._row, self._prepared.resources)
        await put_rows(self._connection, self._prepared)
        await renew_parts(self._connection, self._changed, self._ask.at)
        await project(self._connection, self._hooks, self._prepared.stored, self._removed)
        await self._tell()
        return written

    async def _tell(self) -> None:
        looks = self._looks.rows()
        changed = bool(self._prepared.stored or self._removed)
        if not changed or len(looks) != 1:
            await self._looks.write(self._connection)
        if changed:
            look = looks[0] if len(looks) == 1 else None
            await announce(self._connection, self._ask, self._prepared.stored, self._edition, look)

    @property
    def connection(self) -> Connection:
        """The connection, for rows that an upper room keeps in the same transaction."""
        return self._connection

    def as_another(self, ask: Ask) -> "WriteSession":
        """What somebody else writes in the same transaction."""
        return WriteSession(self._connection, ask, self._hooks, self._signer, self._readiness, self._knowledge)

    # --- one change -----------------------------------------------------------------------------------------------

    def _is_plain(self, change: Change) -> bool:
        """Whether all it takes is a row: nearly every change of an import."""
        return change.method == "POST" and change.type_name not in self._completed and len(change.raw or b"") < LARGE

    async def _one(self, change: Change) -> Written:
        if change.method == "POST":
            change = await self._prepare(change)
            size = len(change.raw or b"")
            return self._create(change) if size < LARGE else await aside(size, lambda: self._create(change))
        if change.method == "PUT":
            return await self._update(change)
        return await self._delete(change)

    async def _prepare(self, change: Change) -> Change:
        for preparer in self._hooks.preparers:
            if change.type_name in preparer.types:
                change = await preparer.prepare(self._connection, self._ask, change)
        return change

    def _create(self, change: Change) -> Written:
        return add_created(self._prepared, self._ask, change)

    async def _update(self, change: Change) -> Written:
        claimed = await self._claim(change)
        change = await self._prepare(change)
        identifier, resource, raw = change.id, change.resource, change.raw
        assert resource is not None
        assert raw is not None
        definition = type_definition(change.type_name)
        version = claimed["version"] + 1
        self._looks.changed(
            claimed["citizen"], Action.UPDATE, claimed["basis"], definition.number, [_present(identifier)], version
        )
        citizen = home_citizen(definition, resource, _present(identifier))
        if citizen is not None and claimed["citizen"] is None:
            about = (citizen, definition.number, _present(identifier))
            await admit_to_citizen(self._connection, self._row, about, version, self._looks)
        elif citizen != claimed["citizen"]:
            raise Unprocessable("A resource stays with the citizen it was written for.")
        prepared = Prepared()
        row, body = await aside(len(raw), lambda: self._add_version(prepared, change, version))
        beside = [one[4] for one in self._prepared.resources]
        (columns,) = await as_written_by(self._connection, self._ask, self._row, prepared.resources, beside)
        await put_version(self._connection, _present(identifier), claimed["version"], columns)
        self._changed.append(Version(row.type_name, row.id, version, self._ask.at, body))
        self._prepared.strings += prepared.strings
        self._prepared.dates += prepared.dates
        self._prepared.stored.append(
            Stored(
                row.type_name,
                row.id,
                row.citizen,
                organisation_of(self._ask),
                resource,
                self._ask.at,
                created=False,
                by_custodian=self._ask.kind is ActorKind.SYSTEM,
                basis=claimed["basis"],
            )
        )
        return Written(change.type_name, row.id, version, self._ask.at, created=False, deleted=False, body=body)

    def _add_version(self, prepared: Prepared, change: Change, version: int) -> tuple[Stored, bytes]:
        resource, raw = change.resource, change.raw
        assert resource is not None
        assert raw is not None
        body = splice(raw, str(change.id), version, self._ask.at, resource)
        where = (_present(change.id), 0, self._ask.at)
        return add_row(prepared, resource, body, change.digest or sha256(raw).digest(), where, None), body

    async def _delete(self, change: Change) -> Written:
        claimed = await self._claim(change)
        identifier = _present(change.id)
        number = TYPE_NUMBERS[change.type_name]
        here = claimed["outcome"] != DELETED
        version = claimed["version"] + here
        self._looks.changed(claimed["citizen"], Action.DELETE, claimed["basis"], number, [identifier], version)
        if not here:  # deleting again changes nothing
            return Written(change.type_name, identifier, 0, self._ask.at, created=False, deleted=True)
        await put_deletion(self._connection, number, identifier, claimed["version"], self._ask.at)
        self._removed[change.type_name].append(identifier)
        return Written(change.type_name, identifier, version, self._ask.at, created=False, deleted=True)

    async def _claim(self, change: Change) -> Any:
        if change.id is None:
            raise Unknown if change.method == "DELETE" else MethodNotAllowed
        claimed = await self._connection.fetchrow(_CLAIM, self._row, TYPE_NUMBERS[change.type_name], change.id)
        assert claimed is not None  # the function always answers with a row
        problem = change_refused(self._ask, change, claimed)
        if problem is not None:
            action = Action.DELETE if change.method == "DELETE" else Action.UPDATE
            self._looks.changed(claimed["citizen"], action, None, TYPE_NUMBERS[change.type_name], [change.id], 0)
            raise problem
        return claimed

    # --- the whole transaction --------------------------------------------------------------------------------------

    async def log_refusal(self, connection: Connection, changes: Sequence[Change]) -> None:
        """After the transaction was undone: what it tried, and what it looked at, stands in the logs all the same."""
        await self._looks.stand_again(connection, changes)
        for witness in self._hooks.witnesses:
            if named := [change for change in changes if change.type_name in witness.types]:
                await witness.refused(connection, self._ask, named)


def _present(identifier: UUID | None) -> UUID:
    if identifier is None:
        raise MethodNotAllowed
    return identifier
