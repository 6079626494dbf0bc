"""Decided searches: wishes in batches, plans one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from helhed.fhir.changes import Page, Version
from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.query import Query
from helhed.fhir.store.budget import too_costly, within
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.paging import keys_after, page_link
from helhed.fhir.store.plan import Wish, as_plan, as_wish
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.batcher import Batcher
from helhed.foundation.database import Connection
from helhed.foundation.errors import TooCostly
from helhed.foundation.lanes import Lanes
from helhed.foundation.settings import ANSWER_BYTES

_RECORD_MANY = within(
    "n, rank, id, version, updated, dated", "fhir.search_record_many($1::fhir.ask[], $2::fhir.wish[])",
    "partition by n order by rank", "$3::bigint",
)  # fmt: skip
_ANY = within(
    "kind, n, type, id, version, updated, keys", "fhir.search_any($1::fhir.ask, $2::jsonb)", "rows unbounded preceding",
    "$3::bigint",
)  # fmt: skip
_EXPLAIN = "select line from fhir.explain_search($1::fhir.ask, $2::jsonb)"
_GIVEN_UP = "select fhir.log_given_up($1::fhir.ask, $2::jsonb)"
_MATCH, _INCLUDED, _TOTAL, _GOES_ON = 1, 2, 3, 4
#: the statement gives one more, of each round
MOST_INCLUDED = 1000


class RecordSearch(NamedTuple):
    """One search inside one record."""

    ask: Ask
    type_name: str
    wish: Wish


class RecordMany:
    """The statement behind every search inside one record. Answers (versions, last key or None when no more)."""

    def __init__(self, lanes: Lanes, *, batch_size: int, queue_limit: int, most_bytes: int = ANSWER_BYTES) -> None:
        self._lanes = lanes
        self._most_bytes = most_bytes
        self.batcher: Batcher[RecordSearch, tuple[list[Version], list[str] | None]] = Batcher(
            self._run, lanes=lanes.count, batch_size=batch_size, queue_limit=queue_limit
        )

    async def _run(self, searches: Sequence[RecordSearch]) -> list[tuple[list[Version], list[str] | None] | Exception]:
        asks = [ask_row(search.ask) for search in searches]
        async with self._lanes.lane() as lane:
            rows = await lane.fetch(_RECORD_MANY, asks, [search.wish for search in searches], self._most_bytes)
        found: list[list[Version]] = [[] for _ in searches]
        last: list[list[str] | None] = [None] * len(searches)
        ends: list[str] = [""] * len(searches)
        too_large: set[int] = set()
        for n, rank, identifier, version, updated, date, body, over in rows:
            if over:
                too_large.add(n - 1)
                continue
            search, matches = searches[n - 1], found[n - 1]
            if rank > search.wish.row_count:
                last[n - 1] = [ends[n - 1], str(matches[-1].id)]
            else:
                matches.append(Version(search.type_name, identifier, version, updated, body))
                ends[n - 1] = date
        answers: list[tuple[list[Version], list[str] | None] | Exception] = [*zip(found, last, strict=True)]
        for place in too_large:
            answers[place] = too_costly(self._most_bytes)
        return answers


def wish_after(wish: Wish, keys: list[str]) -> Wish:
    """The same wish, after the row that ``keys`` name."""
    date = datetime.min.replace(tzinfo=UTC) if keys[0] == "-infinity" else datetime.fromisoformat(keys[0])
    return wish._replace(after_date=date, after_id=UUID(keys[1]))


async def search_any(
    connection: Connection,
    ask: Ask,
    query: Query,
    signer: CursorSigner,
    *,
    match: bool = False,
    most_bytes: int = ANSWER_BYTES,
) -> Page:
    """Run a plan on ``connection``. Raises TooCostly for more than ``most_bytes``, after its log row."""
    after = keys_after(signer, ask, query)
    plan = as_plan(query, after, match=match).decode()
    rows = await connection.fetch(_ANY, ask_row(ask), plan, most_bytes)
    if rows and rows[-1]["over"]:
        raise too_costly(most_bytes)
    matches: list[tuple[int, Version, list[str]]] = []
    included: list[Version] = []
    total, more, goes_on = 0, False, False
    for row in rows:
        if row["kind"] == _TOTAL:
            total, more = row["n"], bool(row["version"])
        elif row["kind"] == _MATCH:
            matches.append((row["n"], _version(row), row["keys"]))
        elif row["kind"] == _GOES_ON:
            goes_on = True
        else:
            included.append(_version(row))
    if len(included) > MOST_INCLUDED:
        raise TooCostly(
            f"The includes bring more than {MOST_INCLUDED} resources: ask for fewer with _count or _include."
        )
    matches.sort(key=lambda match: match[0])
    cursor = page_link(signer, ask, query, matches[-1][2]) if more and matches else None
    lines = await connection.fetch(_EXPLAIN, ask_row(ask), plan) if query.explain else ()
    explained = tuple(row["line"] for row in lines)
    shown = [version for _, version, _ in matches]
    return Page(shown, included, total if query.total else None, cursor, explained, goes_on)


async def log_given_up(connection: Connection, ask: Ask, query: Query) -> None:
    """A search that the database stopped took its log rows with it: whom it named has a row all the same."""
    await connection.execute(_GIVEN_UP, ask_row(ask), as_plan(query, None).decode())


def was_stopped(error: BaseException) -> bool:
    """Whether the database stopped the statement behind an error, which takes the statement's log rows along."""
    return isinstance(error.__cause__, asyncpg.QueryCanceledError)


def _version(row: Any) -> Version:
    return Version(TYPE_NAMES[row["type"]], row["id"], row["version"], row["updated"], row["body"])


async def search_record(many: RecordMany, ask: Ask, query: Query, wish: Wish, signer: CursorSigner) -> Page:
    """Run a wish in the next batch."""
    after = keys_after(signer, ask, query)
    if after is not None:
        wish = wish_after(wish, after)
    versions, last = await many.batcher.submit(RecordSearch(ask, query.type_name, wish))
    return Page(versions, [], None, page_link(signer, ask, query, last) if last else None)


__all__ = ["RecordMany", "as_wish", "log_given_up", "search_any", "search_record", "was_stopped"]
