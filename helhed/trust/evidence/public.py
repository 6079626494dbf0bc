"""What the log tells everybody: heads, keys, proofs of consistency, and what witnesses sign. Nothing of it is about a person."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest
from helhed.trust.evidence.tree import Tile, Tree

HEADS = "select number, size, at, key, body, signature from foundation.log_head"
_KEYS = "select number, public, endorser, endorsement from foundation.log_key order by number"
_TILES = """
select t.level, t.number, t.hashes from foundation.log_tile t
join unnest($1::smallint[], $2::bigint[]) w(level, number) using (level, number)"""


Made = TypeVar("Made")


class _Missing(Exception):
    """A tile is not here yet."""

    def __init__(self, tile: Tile) -> None:
        super().__init__(tile)
        self.tile = tile


class TreeReader:
    """A tree whose tiles are fetched when a proof needs them, and kept for the next."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._tiles: dict[Tile, bytes] = {}
        self._tree = Tree(size, self._tile)

    async def inclusion(self, position: int) -> list[bytes]:
        """As ``Tree.inclusion``."""
        return await self._made(lambda: self._tree.inclusion(position))

    async def consistency(self, first: int) -> list[bytes]:
        """As ``Tree.consistency``."""
        return await self._made(lambda: self._tree.consistency(first))

    async def root(self) -> bytes:
        """As ``Tree.root``."""
        return await self._made(self._tree.root)

    async def leaf(self, position: int) -> bytes:
        """As ``Tree.leaf``."""
        return await self._made(lambda: self._tree.leaf(position))

    async def _made(self, make: Callable[[], Made]) -> Made:
        while True:
            try:
                return make()
            except _Missing as missing:
                await self._fetch(missing.tile)

    async def _fetch(self, tile: Tile) -> None:
        row = await self._connection.fetchrow(_TILES, [tile[0]], [tile[1]])
        if row is None:
            raise BadRequest("The log has no such leaf.")
        self._tiles[tile] = row["hashes"]

    def _tile(self, tile: Tile) -> bytes:
        try:
            return self._tiles[tile]
        except KeyError:
            raise _Missing(tile) from None


def head_of(row: Any) -> dict[str, str]:
    """A head as others read it."""
    return {"body": row["body"], "signature": row["signature"].hex()}


async def keys_of(connection: Connection) -> list[dict[str, Any]]:
    """The keys of the log."""
    return [
        {**row, "public": row["public"].hex(), "endorsement": row["endorsement"].hex()}
        for row in await connection.fetch(_KEYS)
    ]


__all__: Sequence[str] = ["HEADS", "TreeReader", "head_of", "keys_of"]
