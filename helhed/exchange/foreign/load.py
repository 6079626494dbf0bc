"""Import: each document is stored whole with its ledger row, or not at all."""

import asyncio
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from helhed.exchange.foreign.documents import Document, documents
from helhed.exchange.foreign.identity import ForeignIds
from helhed.exchange.foreign.translate import Rejected, Translator
from helhed.fhir.changes import Change
from helhed.fhir.definitions import type_definition
from helhed.fhir.profiles.conformance import Demands
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.search_parameters import SetChanged
from helhed.fhir.store.purged import purged_before
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.sessions import Sessions
from helhed.fhir.store.writing import home_citizen
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, InvalidResource, TooLarge, Unprocessable
from helhed.foundation.ids import bucket_of

_DONE = "select stored, merged, rejected, entries from exchange.imported_document where source = $1 and digest = $2"
_LEDGER = """
insert into exchange.imported_document (source, digest, name, entries, stored, merged, rejected) values ($1,$2,$3,$4,$5,$6,$7)
"""
_REJECTED_COLUMNS = ("source", "digest", "entry", "type_name", "expression", "reason")
#: each id is looked up by itself: asked for all buckets and all ids at once, PostgreSQL tries every pair of them
_EXISTING = """
select q.id, (select r.type = 0 from fhir.resource r where r.bucket = q.bucket and r.id = q.id offset 0) as purged
from unnest($1::smallint[], $2::uuid[]) q(bucket, id)
where exists (select from fhir.resource r where r.bucket = q.bucket and r.id = q.id offset 0)
"""
_HAVE_PURGED = "select exists (select from fhir.purged_copy c where c.origin = $1)"
_NOBODY = UUID(int=0)
_PURGED = "recorded on the wrong citizen before and purged: it stays away from this one"
_MOST_ATTEMPTS = 8


@dataclass(slots=True)
class Report:
    """What an import did. ``entries = stored + merged + rejected`` always holds."""

    documents: int = 0
    entries: int = 0
    stored: int = 0
    merged: int = 0
    rejected: int = 0
    already: int = 0  #: documents that an earlier run had finished
    reasons: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)  #: documents that could not be read at all

    def merge(self, other: "Report") -> None:
        """Take up what another run counted."""
        self.already += other.already
        self.reasons.update(other.reasons)
        self.unread += other.unread
        self.documents += other.documents
        for name in ("entries", "stored", "merged", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add(self, entries: int, stored: int, merged: int, rejected: int) -> None:
        """Count one document."""
        self.documents += 1
        self.entries += entries
        self.stored += stored
        self.merged += merged
        self.rejected += rejected


@dataclass(frozen=True, slots=True)
class Source:
    """The organisation that foreign resources come from."""

    key: int
    namespace: str  #: identifier system of its own ids


class Importer:
    """Stores documents of one source. Runs with the owner's connection: importing is an operator's act."""

    def __init__(
        self,
        pool: Pool,
        sessions: Sessions,
        source: Source,
        secret: bytes,
        clock: Clock,
        knowledge: Knowledge | None = None,
        *,
        earlier: MutableMapping[str, str] | None = None,
    ) -> None:
        self._earlier = earlier  #: what other sources' documents in the same namespace called their entries
        self._pool = pool
        self._knowledge = knowledge
        self._sessions = sessions
        self._source = source
        self._ids = ForeignIds(secret, source.namespace)
        self._clock = clock
        self.report = Report()

    async def run(
        self, paths: list[Path], *, lanes: int = 3, progress: Callable[[Report], None] | None = None
    ) -> Report:
        """Import everything beneath ``paths``; documents finished by an earlier run are counted, not repeated."""
        waiting: asyncio.Queue[Document | None] = asyncio.Queue(maxsize=lanes * 2)

        async def work() -> None:
            while (document := await waiting.get()) is not None:
                self.report.merge(await self.document(document))
                if progress is not None:
                    progress(self.report)

        workers = [asyncio.create_task(work()) for _ in range(lanes)]
        try:
            for document in documents(paths):
                await _put(waiting, document, workers)
            for _ in workers:
                await _put(waiting, None, workers)
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
        return self.report

    async def document(self, document: Document) -> Report:
        """Import one document, whole or not at all."""
        report = Report()
        digest = sha256(document.raw).digest()
        done = await self._pool.fetchrow(_DONE, self._source.key, digest)
        if done is not None:
            report.already += 1
            report.add(done["entries"], done["stored"], done["merged"], done["rejected"])
            return report
        for attempt in range(_MOST_ATTEMPTS):
            try:
                await self._store(document, digest, report)
                break
            except (Conflict, SetChanged):  # another document with the same person was quicker; or an operator was
                if attempt + 1 == _MOST_ATTEMPTS:
                    raise
            except (BadRequest, Forbidden, InvalidResource, TooLarge, Unprocessable) as error:
                report.unread.append(f"{document.name}: {error}")
                break
        return report

    async def _store(self, document: Document, digest: bytes, report: Report) -> None:
        async with self._sessions.begin(self.ask()) as session:
            translator = Translator(
                self._ids, self._source.namespace, session.connection, demands=self._demands(), earlier=self._earlier
            )
            found = await translator.translate(document)
            fresh, purged = await fresh_changes(session.connection, self.ask(), found.changes)
            found.rejected += [
                Rejected(found.positions[one.id], one.type_name, one.type_name, _PURGED) for one in purged
            ]
            merged = found.merged + len(found.changes) - len(fresh) - len(purged)
            await session.write(fresh)
            counts = (found.entries, len(fresh), merged, len(found.rejected))
            await session.connection.execute(_LEDGER, self._source.key, digest, document.name, *counts)
            await self._note_rejected(session.connection, digest, found.rejected)
        report.add(*counts)
        report.reasons.update(f"{one.type_name}: {one.reason}" for one in found.rejected)

    def _demands(self) -> Demands | None:
        """What this source must conform to now."""
        return None if self._knowledge is None else self._knowledge.demands(self._source.key, self._clock())

    async def _note_rejected(self, connection: Connection, digest: bytes, rejected: list[Rejected]) -> None:
        rows = [(self._source.key, digest, one.position, one.type_name, one.expression, one.reason) for one in rejected]
        if rows:
            await connection.copy_records_to_table(
                "rejected_entry", schema_name="exchange", columns=_REJECTED_COLUMNS, records=rows
            )

    def ask(self) -> Ask:
        """The source as a custodian."""
        key = self._source.key
        now = self._clock()
        return Ask(ActorKind.SYSTEM, key, key, "system", Purpose.OPERATIONS, "helhed-import", None, None, now, uuid4())


async def _put(
    waiting: "asyncio.Queue[Document | None]", item: Document | None, workers: list["asyncio.Task[None]"]
) -> None:
    """Queue ``item``, or raise what stopped a worker."""
    putting = asyncio.ensure_future(waiting.put(item))
    await asyncio.wait([putting, *workers], return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        if worker.done() and worker.exception() is not None:
            putting.cancel()
            worker.result()
    await putting


async def fresh_changes(connection: Connection, ask: Ask, changes: list[Change]) -> tuple[list[Change], list[Change]]:
    """Those of ``changes`` whose ids are not taken, and those that have been purged: they do not come back."""
    ids = [change.id for change in changes if change.id is not None]
    rows = await connection.fetch(_EXISTING, [bucket_of(one) for one in ids], ids)
    taken = {row["id"]: row["purged"] for row in rows}
    fresh = [change for change in changes if change.id not in taken] if taken else changes
    again = await _purged_before(connection, ask, fresh)
    purged = [change for change in changes if taken.get(change.id) or change.id in again]
    return ([change for change in fresh if change.id not in again] if again else fresh), purged


async def _purged_before(connection: Connection, ask: Ask, changes: list[Change]) -> set[UUID | None]:
    """The ids of those that are byte for byte what this source has had purged from the same citizen."""
    if not await connection.fetchval(_HAVE_PURGED, ask.organisation):
        return set()
    citizens = [home_citizen(type_definition(one.type_name), one.resource or {}, one.id or _NOBODY) for one in changes]
    found = await purged_before(
        connection, ask_row(ask), [(citizen, one.digest or b"") for citizen, one in zip(citizens, changes, strict=True)]
    )
    return {changes[place].id for place in found}
