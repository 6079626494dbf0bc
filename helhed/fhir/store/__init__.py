"""The store: decided reads, searches and writes of FHIR resources in PostgreSQL.

It knows the shape of an ask and asks the database for the verdict; what the verdict is, the trust package says.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple
from uuid import UUID

from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.query import Query
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.everything import Whole, everything, referred_to
from helhed.fhir.store.hooks import Hooks
from helhed.fhir.store.paging import PageLink, keys_after, open_link, page_link
from helhed.fhir.store.past import Past, history_of
from helhed.fhir.store.plan import as_wish
from helhed.fhir.store.purging import Purging
from helhed.fhir.store.reading import ReadMany, Wanted, version_from
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.searching import RecordMany, log_given_up, search_any, search_record, was_stopped
from helhed.fhir.store.session import WriteSession
from helhed.fhir.store.sessions import Sessions
from helhed.fhir.store.together import Together
from helhed.fhir.store.writing import Projection, Stored
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool, Target, create_pool
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.lanes import Lanes
from helhed.foundation.lend import lend
from helhed.foundation.settings import Settings

__all__ = ["CitizenRow", "Hooks", "Past", "Projection", "Store", "Stored", "Together", "Whole", "WriteSession"]

_VERSION = "select * from fhir.read_version($1::fhir.ask, $2::smallint, $3, $4)"
_CITIZEN_ROWS = "select * from fhir.citizen_rows($1::fhir.ask, $2, $3::smallint[], $4)"
_NEWEST = 2**31 - 1


class CitizenRow(NamedTuple):
    """A resource of one citizen, with the organisation it came from."""

    version: Version
    origin: int


class Store:
    """Everything a room may do with resources. Each method takes the ask; none answers before its log row is durable."""

    def __init__(
        self,
        lanes: Lanes,
        pool: Pool,
        sessions: Sessions,
        signer: CursorSigner,
        settings: Settings,
        knowledge: Knowledge,
    ) -> None:
        limits = {"batch_size": settings.batch_size, "queue_limit": settings.queue_limit}
        self.reads = ReadMany(lanes, **limits)
        self.record_searches = RecordMany(lanes, **limits, most_bytes=settings.max_answer_bytes)
        self._lanes = lanes
        self._pool = pool
        self._sessions = sessions
        self._signer = signer
        self.knowledge = knowledge  #: installed profiles, and what sources must conform to
        self.most_bytes = settings.max_answer_bytes  #: of an answer
        self.terminology = sessions.readiness.terminology
        self.purging = Purging(pool, sessions)

    @classmethod
    async def open(cls, target: Target, settings: Settings, signer: CursorSigner, hooks: Hooks) -> "Store":
        """A store on its own connections."""
        timeout = settings.statement_timeout_ms
        lanes = Lanes(target, settings.batch_connections, statement_timeout_ms=timeout)
        pool = await create_pool(target, size=settings.write_connections, statement_timeout_ms=timeout)
        knowledge = Knowledge(pool)
        await knowledge.refresh()
        sessions = Sessions(pool, hooks, signer, knowledge)
        await sessions.parameters.refresh()
        return cls(lanes, pool, sessions, signer, settings, knowledge)

    @property
    def pool(self) -> Pool:
        """Connections of the application role, for rooms with statements of their own."""
        return self._pool

    async def note_index_work(self) -> None:
        """Look how far indexing of what an earlier release wrote has come, and which search parameters are in use."""
        async with self._pool.acquire() as connection:
            await self._sessions.readiness.note_index_work(connection)  # type: ignore[arg-type]
            await self._sessions.parameters.refresh_by(connection)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Answer what waits, then close the connections."""
        await self.reads.batcher.drain()
        await self.record_searches.batcher.drain()
        await self._lanes.close()
        await self._pool.close()

    async def read(self, ask: Ask, type_name: str, id: UUID | None) -> Version:
        """The current version. Raises Unknown, Gone or Overloaded; a malformed id (None) is Unknown."""
        return await self.reads.batcher.submit(Wanted(ask, type_name, id))

    async def vread(self, ask: Ask, type_name: str, id: UUID | None, version: int) -> Version:
        """One version. Raises Unknown or Gone."""
        if id is None or version > _NEWEST:
            return await self.read(ask, type_name, None)
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_VERSION, ask_row(ask), TYPE_NUMBERS[type_name], id, version)
        return version_from(type_name, id, row)

    async def history(
        self, ask: Ask, type_name: str, id: UUID | None, *, count: int, cursor: str | None = None, **moments: Any
    ) -> Page:
        """Versions of one resource, newest first, deleted ones too. Raises Unknown when none is visible."""
        if id is None:
            await self.read(ask, type_name, None)
            raise Unknown
        return await self.past(ask, Past(type_name, id, count, cursor=cursor, **moments))

    async def past(self, ask: Ask, past: Past) -> Page:
        """The same of a type or of the system, or of one resource between two moments."""
        async with self._naming(ask, past.type_name, past.id), lend(self._pool) as connection:
            return await history_of(connection, ask, self._signer, past, self.most_bytes)

    async def search(self, ask: Ask, query: Query) -> Page:
        """A page of what the ask may see of what the query describes. Raises Overloaded while it is being indexed."""
        query = await self._sessions.readiness.ready(query)
        wish = as_wish(query)
        try:
            if wish is not None:
                return await search_record(self.record_searches, ask, query, wish, self._signer)
            async with lend(self._pool) as connection:
                return await search_any(connection, ask, query, self._signer, most_bytes=self.most_bytes)
        except HelhedError as error:
            if was_stopped(error):
                async with lend(self._pool) as connection:
                    await log_given_up(connection, ask, query)
            raise

    @asynccontextmanager
    async def _naming(self, ask: Ask, type_name: str | None, id: UUID | None) -> AsyncIterator[None]:
        """A look at a row that is named. When the database stops it, it is logged as a read of that row."""
        try:
            yield
        except HelhedError as error:
            if was_stopped(error) and type_name is not None and id is not None:
                with suppress(HelhedError):
                    await self.read(ask, type_name, id)
            raise

    def page_link(self, ask: Ask, type_name: str, cursor: str) -> PageLink:
        """The search that a page link of this actor goes on with. Raises BadRequest."""
        return open_link(self._signer, ask, type_name, cursor)

    def place_after(self, ask: Ask, query: Query) -> list[str] | None:
        """Where the page of ``query`` starts; None at the beginning. Raises BadRequest."""
        return keys_after(self._signer, ask, query)

    def link_after(self, ask: Ask, query: Query, keys: list[str]) -> str:
        """The page link of ``query`` that goes on after ``keys``."""
        return page_link(self._signer, ask, query, keys)

    async def citizen_rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> list[CitizenRow]:
        """All the ask may see of one citizen of these types, newest first: one look.

        At most ``limit`` dated and ``limit`` undated rows of each type.
        """
        numbers = [TYPE_NUMBERS[name] for name in types]
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_CITIZEN_ROWS, ask_row(ask), citizen, numbers, limit)
        return [
            CitizenRow(
                Version(TYPE_NAMES[row["type"]], row["id"], row["version"], row["updated"], row["body"]), row["origin"]
            )
            for row in rows
        ]

    async def everything(self, ask: Ask, whole: Whole) -> Page:
        """All the ask may see of a patient or around an encounter, and what that refers to. Raises Unknown or Gone."""
        async with self._naming(ask, whole.type_name, whole.id), lend(self._pool) as connection:
            return await everything(connection, ask, self._signer, whole, self.most_bytes)

    async def referred_to(self, ask: Ask, versions: Sequence[Version]) -> list[Version]:
        """What ``versions`` refer to that is about nobody, as far as the ask may see it, two steps far."""
        async with lend(self._pool) as connection:
            return await referred_to(connection, ask, versions, self.most_bytes)

    def session(self, ask: Ask) -> AbstractAsyncContextManager[WriteSession]:
        """One transaction: conditions looked up and changes made, whole or absent."""
        return self._sessions.begin(ask)

    def together(self) -> AbstractAsyncContextManager[Together]:
        """One transaction in which several systems create: whole or absent."""
        return self._sessions.together()

    async def commit(self, ask: Ask, changes: Sequence[Change]) -> list[Written]:
        """Make changes, whole or absent. Refusals are logged too."""
        session: WriteSession | None = None
        try:
            async with self.session(ask) as session:
                return await session.write(changes)
        except HelhedError:
            if session is not None:
                await self.log_refusal(ask, session, changes)
            raise

    async def log_refusal(self, ask: Ask, session: WriteSession, changes: Sequence[Change]) -> None:
        """Stand the refused attempt in the logs of those it named."""
        async with lend(self._pool) as connection:
            await session.log_refusal(connection, changes)
