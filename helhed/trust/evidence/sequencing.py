"""Sequencing: rows of the access log, once their transactions are over, become leaves in one order.

A round is one transaction. It takes what its snapshot sees and the snapshot of the round before did not, so that in whatever
order rows commit none is skipped and none taken twice, and nobody who writes one waits. A round that is killed never was.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from helhed.foundation.clock import Clock
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError
from helhed.trust.evidence.chains import Chains, Fresh
from helhed.trust.evidence.heads import Head, LogKey, Signer, log_id
from helhed.trust.evidence.sparse import ROW, TOP, BucketTree
from helhed.trust.evidence.tree import WIDTH, Tile, Tree, appended, last_tiles

#: how many rows are caught up with in one transaction
CATCH_UP = 100_000
_ALONE = 0x4C6F6753


class KeyWithoutConsent(HelhedError):
    """The active log key is not endorsed, and no key before it is here to do so: bring back a keyring that has one."""


class NotTheOnlyOne(HelhedError):
    """Something else has gone on with the log."""


class Sequencer:
    """Keeps in memory what the next round begins with. One at a time; after any error a new one is opened."""

    def __init__(
        self, connection: Connection, clock: Clock, signers: Sequence[Signer], state: Any, keys: list[LogKey]
    ) -> None:
        self._connection, self._clock = connection, clock
        self._signers, self._keys = signers, keys
        self.log: bytes = state["log"]
        self.size: int = state["size"]
        self._tiles: dict[Tile, bytes] = {}
        self._head: Head | None = None
        self._map = BucketTree({})
        self._chains = Chains(connection, self.log)

    @classmethod
    async def open(cls, connection: Connection, clock: Clock, secrets_: Sequence[bytes]) -> "Sequencer":
        """The log as it stands, begun if there is none. The first secret is that of the active key.

        Raises NotTheOnlyOne or KeyWithoutConsent.
        """
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _ALONE):
            raise NotTheOnlyOne
        signers = [Signer(secret) for secret in secrets_]
        async with connection.transaction():
            await connection.execute(_BEGIN, log_id(signers[0].public))
            state = await connection.fetchrow("select * from foundation.log_state")
            found = await connection.fetch(_KEYS)
            opened = cls(connection, clock, signers, state, [LogKey(*row) for row in found])
            await opened._admit_keys()
            await opened._load()
        return opened

    async def _admit_keys(self) -> None:
        """Every key that may come to be used is endorsed while an earlier one is here to do it. Raises KeyWithoutConsent."""
        if not self._keys:
            await self._admit(LogKey(1, self._signers[0].public, 0, b""))
        held = {signer.public: signer for signer in self._signers}
        for public in held.keys() - {key.public for key in self._keys}:
            earlier = next((key for key in reversed(self._keys) if key.public in held), None)
            if earlier is None:
                raise KeyWithoutConsent
            number = len(self._keys) + 1
            consent = held[earlier.public].endorse(self.log, number, public)
            await self._admit(LogKey(number, public, earlier.number, consent))

    async def _admit(self, key: LogKey) -> None:
        self._keys.append(key)
        await self._connection.execute(_ADMIT, key.number, key.public, key.endorser, key.endorsement)

    async def _load(self) -> None:
        fetched = await self._connection.fetch(_TILES, *_columns(last_tiles(self.size)))
        self._tiles = {(row["level"], row["number"]): row["hashes"] for row in fetched}
        row = await self._connection.fetchrow(_LAST_HEAD)
        self._head = Head(*row) if row else None
        stored = await self._connection.fetch("select number, nodes from foundation.log_map")
        self._map = BucketTree.of_rows({row["number"]: row["nodes"] for row in stored})

    async def round(self) -> int:
        """Sequence what is new; returns how many rows. Nothing new makes no head."""
        async with self._connection.transaction(isolation="repeatable_read"):
            state = await self._connection.fetchrow(_STATE)
            if state is None or state["size"] != self.size or state["log"] != self.log:
                raise NotTheOnlyOne
            secret = secrets.token_bytes(32)
            rows = await self._new(state, secret)
            if rows:
                await self._put(rows, secret)
        return len(rows)

    async def _new(self, state: Any, secret: bytes) -> list[Fresh]:
        """What this round takes, and where the next one begins."""
        if state["snapshot"] is not None and not state["moved"]:
            rows = await self._connection.fetch("select * from foundation.log_new($1, $2)", state["snapshot"], secret)
            await self._connection.execute(_SEEN, len(rows))
            return [(row[0], row[1], row[2]) for row in rows]
        above = state["reached"] if state["snapshot"] is None else _LOWEST
        rows = await self._connection.fetch(
            "select * from foundation.log_left_behind($1, $2, $3)", above, CATCH_UP, secret
        )
        if len(rows) == CATCH_UP:
            await self._connection.execute(_CATCHING_UP, rows[-1]["id"], len(rows))
        elif above != _LOWEST:  # what came meanwhile may have lower numbers: once more from the beginning
            await self._connection.execute(_CATCHING_UP, _LOWEST, len(rows))
        else:
            await self._connection.execute(_SEEN, len(rows))
        return [(row[0], row[1], row[2]) for row in rows]

    async def _put(self, rows: list[Fresh], secret: bytes) -> None:
        """Leaves, chains, map and head of a round."""
        first = self.size
        changed = appended(first, self._tiles, [leaf for _, leaf, _ in rows])
        self.size = first + len(rows)
        self._tiles.update(changed)
        await self._connection.execute(_PUT_TILES, *_columns(changed), list(changed.values()))
        await self._put_rows(first, [id for id, _, _ in rows])
        buckets = await self._chains.extend(first, rows)
        self._map.put(buckets)
        touched = [TOP, *{bucket // ROW for bucket in buckets}]
        await self._connection.execute(_PUT_MAP, touched, [self._map.row(number) for number in touched])
        head = await self._sign()
        await self._connection.execute(_PUT_ORIGIN, first, head.at, secret)
        self._tiles = {tile: self._tiles[tile] for tile in last_tiles(self.size)}

    async def _put_rows(self, first: int, ids: list[int]) -> None:
        """Which rows the leaves are, by tiles."""
        tiles: dict[int, list[int]] = {}
        for position, id in enumerate(ids, first):
            tiles.setdefault(position // WIDTH, []).append(id)
        await self._connection.executemany(_PUT_ROWS, list(tiles.items()))

    async def _sign(self) -> Head:
        tree = Tree(self.size, self._tiles.__getitem__)
        signer = self._signers[0]
        key = next(key.number for key in self._keys if key.public == signer.public)
        now = int(self._clock().timestamp() * 1_000_000)
        at = max(now, self._head.at if self._head else now)
        head = signer.head(
            self.log, key, self._head, size=self.size, root=tree.root(), map_root=self._map.root, at=at
        )  # fmt: skip
        await self._connection.execute(
            _PUT_HEAD, head.number, head.size, head.at, head.key, head.body, head.signature
        )  # fmt: skip
        self._head = head
        return head


def _columns(tiles: Iterable[Tile]) -> tuple[list[int], list[int]]:
    named = list(tiles)
    return [level for level, _ in named], [number for _, number in named]


_LOWEST = -(2**63)
_BEGIN = f"""
insert into foundation.log_state (log, system_id, snapshot, reached, size)
select $1, c.system_identifier, null, {_LOWEST}, 0 from pg_control_system() c on conflict do nothing"""
_KEYS = "select number, public, endorser, endorsement from foundation.log_key order by number"
_ADMIT = "insert into foundation.log_key (number, public, endorser, endorsement) values ($1, $2, $3, $4)"
#: where transactions are counted anew, as in a restored copy, an earlier snapshot says nothing
_STATE = """
select s.*, s.system_id <> c.system_identifier or pg_snapshot_xmax(s.snapshot) > pg_snapshot_xmax(pg_current_snapshot()) as moved
from foundation.log_state s, pg_control_system() c for update of s"""
_SEEN = """
update foundation.log_state s set snapshot = pg_current_snapshot(), system_id = c.system_identifier, size = size + $1
from pg_control_system() c"""
_CATCHING_UP = "update foundation.log_state set snapshot = null, reached = $1, size = size + $2"
_TILES = """
select t.level, t.number, t.hashes from foundation.log_tile t
join unnest($1::smallint[], $2::bigint[]) w(level, number) using (level, number)"""
_LAST_HEAD = "select number, size, at, key, body, signature from foundation.log_head order by number desc limit 1"
_PUT_TILES = """
insert into foundation.log_tile (level, number, hashes) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])
on conflict (level, number) do update set hashes = excluded.hashes"""
_PUT_ROWS = """
insert into foundation.log_rows as known (tile, events) values ($1, $2)
on conflict (tile) do update set events = known.events || excluded.events"""
_PUT_MAP = """
insert into foundation.log_map (number, nodes) select * from unnest($1::int[], $2::bytea[])
on conflict (number) do update set nodes = excluded.nodes"""
_PUT_ORIGIN = "insert into foundation.log_secret (first, at, secret) values ($1, $2, $3)"
_PUT_HEAD = "insert into foundation.log_head (number, size, at, key, body, signature) values ($1, $2, $3, $4, $5, $6)"
