"""The proofs of a citizen's own log, as one document that can be checked anywhere. Its format: ``docs/reference/log-format.md``.

Everything in it is of one moment: events, chains, map and tree are read in one snapshot, together with the head they are
proved by.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Overloaded
from helhed.foundation.lend import lend
from helhed.trust.evidence.hashes import map_leaf
from helhed.trust.evidence.public import HEADS, TreeReader, head_of, keys_of
from helhed.trust.evidence.sparse import ROW, TOP, nodes_of, path_above, path_below
from helhed.trust.evidence.witnessed import cosignatures, head_witnessed_before, last_witnessed, signers_missing
from helhed.trust.keeping.retention import retention_policy

_LOOKS, _SECONDS_BETWEEN_LOOKS = 40, 0.2
_LATER = 500  #: the most heads that stand between a proof and a witness


async def _pause() -> None:
    await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)


class NothingSequenced(Overloaded):
    """The log has not come as far as your look just now: try again in a moment."""


class Evidence:
    """Takes the proofs of the asking citizen out of the log; for anybody else there are none."""

    def __init__(self, pool: Pool, pause: Callable[[], Awaitable[None]] = _pause) -> None:
        self._pool, self._pause = pool, pause

    async def export(self, ask: Ask) -> bytes:
        """The document. That it was wanted stands in it as its last event. Raises NothingSequenced."""
        async with lend(self._pool) as connection:
            since = await connection.fetchval(_NEWEST)
            await connection.fetchval("select trust.want_proof($1::fhir.ask)", ask_row(ask))
            if not await connection.fetchval("select exists (select from foundation.log_key)"):
                raise NothingSequenced
        await self._until(lambda connection: connection.fetchval(_NEWER, since))
        async with lend(self._pool) as connection, connection.transaction(isolation="repeatable_read"):
            document = await _document(connection, ask)
        number = document.pop("number")
        await self._until(lambda connection: _is_witnessed(connection, number))
        async with lend(self._pool) as connection:
            document.update(await _witnessed(connection, number))
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)

    async def _until(self, condition: Callable[[Connection], Awaitable[bool]]) -> None:
        """Waits for the log, or its witnesses, to go on; not for long."""
        for _ in range(_LOOKS):
            async with lend(self._pool) as connection:
                if await condition(connection):
                    return
            await self._pause()


async def _document(connection: Connection, ask: Ask) -> dict[str, Any]:
    row = await connection.fetchrow(f"{HEADS} order by number desc limit 1")
    entries = await connection.fetch("select * from trust.own_proof($1::fhir.ask)", ask_row(ask))
    if row is None or not entries:
        raise NothingSequenced
    keys = await keys_of(connection)
    tree = TreeReader(connection, row["size"])
    by_position = {entry["position"]: entry for entry in entries}
    chains = [chain async for chain in _chains(connection, ask, entries)]
    missing = any(entry["event"] is None for entry in entries)
    return {
        "format": "helhed-log-export",
        "v": 1,
        "log": orjson.loads(row["body"])["log"],
        "made": int(ask.at.timestamp() * 1_000_000),
        "number": row["number"],
        "keys": keys,
        "head": head_of(row),
        "events": [await _event(tree, by_position[position]) for position in sorted(by_position)],
        "chains": chains,
        **({"expired": await _expired(connection, tree, ask.at)} if missing else {}),
    }


async def _event(tree: TreeReader, entry: Any) -> dict[str, Any]:
    await asyncio.sleep(0)  # a long log is no reason to let others wait
    position = entry["position"]
    path = [one.hex() for one in await tree.inclusion(position)]
    if entry["event"] is None:
        return {"position": position, "leaf": (await tree.leaf(position)).hex(), "path": path}
    opened = {name: {"salt": salt, "value": value} for name, (salt, value) in orjson.loads(entry["opened"]).items()}
    return {"position": position, "event": entry["event"], "open": opened, "path": path}


async def _chains(connection: Connection, ask: Ask, entries: Sequence[Any]) -> Any:
    """Each own chain with its way to the root of the map."""
    members = await connection.fetch("select * from trust.own_map($1::fhir.ask)", ask_row(ask))
    wanted = [TOP, *{one["bucket"] // ROW for one in members}]
    rows = {
        row["number"]: nodes_of(row["nodes"])
        for row in await connection.fetch("select * from trust.log_map_rows($1)", wanted)
    }
    for own in (one for one in members if one["own"]):
        beside = [
            (one["map_key"], map_leaf(one["map_key"], one["counter"], one["head"]))
            for one in members
            if one["bucket"] == own["bucket"]
        ]
        yield {
            "citizen": str(own["citizen"]),
            "path": [one.hex() for one in _map_path(rows, own, beside)],
            "positions": [entry["position"] for entry in entries if entry["citizen"] == own["citizen"]],
        }


def _map_path(rows: Mapping[int, Any], own: Any, beside: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    row, place = divmod(own["bucket"], ROW)
    yield from path_below(beside, own["map_key"])
    siblings, alone = path_above(rows[row], place, alone=len(beside) == 1)
    yield from siblings
    yield from path_above(rows[TOP], row, alone=alone)[0]


async def _expired(connection: Connection, tree: TreeReader, now: datetime) -> dict[str, Any] | None:
    """A head so old that what it has may have been let go, if a witness saw one."""
    before = await connection.fetchval(_OLD, now, retention_policy().kinds["access-log"].keep)
    row = await head_witnessed_before(connection, before)
    if row is None:
        return None
    return {
        "head": head_of(row),
        "cosignatures": await _cosignatures(connection, row["number"], row["number"]),
        "consistency": [one.hex() for one in await tree.consistency(row["size"])],
    }


async def _witnessed(connection: Connection, number: int) -> dict[str, Any]:
    """The heads that follow, to the newest that a witness has signed, and all that witnesses say of these."""
    last = await last_witnessed(connection, number, number + _LATER)
    later = await connection.fetch(f"{HEADS} where number > $1 and number <= $2 order by number", number, last)
    return {
        "later": [head_of(row) for row in later],
        "cosignatures": await _cosignatures(connection, number, last),
    }


async def _is_witnessed(connection: Connection, number: int) -> bool:
    return not await signers_missing(connection, number, number + _LATER)


async def _cosignatures(connection: Connection, first: int, last: int) -> list[dict[str, Any]]:
    return [one.told() for one in await cosignatures(connection, first, last)]


_NEWEST = "select coalesce(max(number), 0) from foundation.log_head"
_NEWER = "select max(number) > $1 from foundation.log_head"
_OLD = "select (extract(epoch from $1::timestamptz - $2::text::interval) * 1000000)::bigint"
