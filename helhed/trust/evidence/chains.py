"""The chains of citizens: every event that names somebody is counted and hashed onto what came before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct

from helhed.foundation.binary_copy import bigints, copy_binary
from helhed.foundation.database import Connection
from helhed.trust.evidence.hashes import EMPTY, chain_hash, map_leaf
from helhed.trust.evidence.sparse import Node, node_of

Fresh = tuple[int, bytes, Sequence[int] | None]  #: a row on its way to be a leaf: its id, its hash, and whom it names
_TABLE, _COLUMNS = ("foundation", "log_entry"), ("citizen", "first", "positions", "events")
_BEGINNING = Struct("!hiqiq")  #: of a row in binary: four fields, of which two are numbers


@dataclass(slots=True)
class Chain:
    """One citizen's, and what a round adds to it."""

    counter: int
    head: bytes
    positions: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)

    def add(self, position: int, id: int, leaf: bytes) -> None:
        """One event more."""
        self.counter = counter = self.counter + 1
        self.head = chain_hash(self.head, counter, position, leaf)
        self.positions.append(position)
        self.events.append(id)

    def entry(self, citizen: int) -> bytes:
        """What a round added, as a row in binary."""
        first = self.counter - len(self.positions) + 1
        return _BEGINNING.pack(4, 8, citizen, 8, first) + bigints(self.positions) + bigints(self.events)


class Chains:
    """All of them, as the database holds them."""

    def __init__(self, connection: Connection, log: bytes) -> None:
        self._connection, self._log = connection, log

    async def extend(self, first: int, rows: Sequence[Fresh]) -> Mapping[int, Node]:
        """Chains the rows, whose leaves begin at ``first``; returns the buckets of the map that changed."""
        named = list({citizen for _, _, citizens in rows if citizens for citizen in citizens})
        chains = {citizen: Chain(0, EMPTY) for citizen in named}
        for citizen, counter, head in await self._connection.fetch(_HELD, named):
            chains[citizen] = Chain(counter, head)
        for position, (id, leaf, citizens) in enumerate(rows, first):
            for citizen in set(citizens or ()):  # a row that names somebody twice is one event
                chains[citizen].add(position, id, leaf)
        entries = [chain.entry(citizen) for citizen, chain in chains.items()]
        await copy_binary(self._connection, _TABLE, _COLUMNS, entries)
        return await self._buckets(await self._put(chains))

    async def _put(self, chains: Mapping[int, Chain]) -> list[int]:
        """The new heads; returns the buckets."""
        counters, heads = [one.counter for one in chains.values()], [one.head for one in chains.values()]
        rows = await self._connection.fetch(_PUT, list(chains), counters, heads, self._log)
        return list({row[0] for row in rows})

    async def _buckets(self, buckets: list[int]) -> Mapping[int, Node]:
        members: dict[int, list[tuple[bytes, bytes]]] = {bucket: [] for bucket in buckets}
        for bucket, key, counter, head in await self._connection.fetch(_MEMBERS, buckets):
            members[bucket].append((key, map_leaf(key, counter, head)))
        return {bucket: node_of(those) for bucket, those in members.items()}


_HELD = "select citizen, counter, head from foundation.log_chain where citizen = any($1)"
_PUT = """
insert into foundation.log_chain (citizen, counter, head, map_key, bucket)
select n.citizen, n.counter, n.head, k.key, get_byte(k.key, 0) * 256 + get_byte(k.key, 1)
from unnest($1::bigint[], $2::bigint[], $3::bytea[]) n(citizen, counter, head)
cross join lateral (select sha256('\\x06'::bytea || $4::bytea || int8send(n.citizen)) as key offset 0) k
on conflict (citizen) do update set counter = excluded.counter, head = excluded.head returning bucket"""
_MEMBERS = "select bucket, map_key, counter, head from foundation.log_chain where bucket = any($1)"
