"""The map of all citizens' chains: a sparse Merkle tree over 256 bits of key, in which a subtree with one citizen is that citizen's leaf.

The first 16 bits name a *bucket*. The kinds and hashes of the 65,536 buckets are kept (``BucketTree``); what is below a
bucket is made of its members when it is needed.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from helhed.trust.evidence.hashes import EMPTY, map_node

BUCKET_BITS = 16
ROW = 256
TOP = 256  #: the number of the row above the others
_WIDTH = 33
NOBODY, ONE, SEVERAL = 0, 1, 2


class Node(NamedTuple):
    """A subtree: of nobody, of one citizen (then its hash is theirs), or of several."""

    kind: int
    hash: bytes


NONE = Node(NOBODY, EMPTY)
Member = tuple[bytes, bytes]  #: key and leaf


def bucket_of(key: bytes) -> int:
    """The first 16 bits."""
    return int.from_bytes(key[:2], "big")


def joined(left: Node, right: Node) -> Node:
    """The subtree over two."""
    if left.kind + right.kind <= ONE:
        return left if left.kind else right
    return Node(SEVERAL, map_node(left.hash, right.hash))


def node_of(members: Sequence[Member], depth: int = BUCKET_BITS) -> Node:
    """The subtree of members that agree on the first ``depth`` bits."""
    if len(members) < 2:
        return Node(ONE, members[0][1]) if members else NONE
    left, right = _parted(members, depth)
    return joined(node_of(left, depth + 1), node_of(right, depth + 1))


def path_below(members: Sequence[Member], key: bytes, depth: int = BUCKET_BITS) -> list[bytes]:
    """The siblings of a member below its bucket, the lowest first."""
    if len(members) < 2:
        return []
    left, right = _parted(members, depth)
    own, other = (right, left) if _bit(key, depth) else (left, right)
    return [*path_below(own, key, depth + 1), node_of(other, depth + 1).hash]


def _parted(members: Sequence[Member], depth: int) -> tuple[list[Member], list[Member]]:
    return [one for one in members if not _bit(one[0], depth)], [one for one in members if _bit(one[0], depth)]


def _bit(key: bytes, depth: int) -> int:
    return key[depth // 8] >> (7 - depth % 8) & 1


class BucketTree:
    """The upper levels. Node 1 is the root, 2n and 2n + 1 are beneath n, and bucket b is node 65,536 + b.

    A stored row is the 256 buckets with the same first byte; row ``TOP`` has the node over each such row.
    """

    def __init__(self, buckets: Mapping[int, Node]) -> None:
        self._nodes = [NONE] * (2 << BUCKET_BITS)
        self.put(buckets)

    @classmethod
    def of_rows(cls, rows: Mapping[int, bytes]) -> "BucketTree":
        """As it is stored."""
        pieces = (
            (ROW * row + place, node)
            for row, content in rows.items()
            if row != TOP
            for place, node in enumerate(nodes_of(content))
        )
        return cls({bucket: node for bucket, node in pieces if node.kind})

    @property
    def root(self) -> bytes:
        """The root of the map."""
        return self._nodes[1].hash

    def put(self, buckets: Mapping[int, Node]) -> None:
        """These buckets are different now."""
        for bucket, node in buckets.items():
            self._nodes[(1 << BUCKET_BITS) + bucket] = node
        stale = {((1 << BUCKET_BITS) + bucket) // 2 for bucket in buckets}
        while stale:
            for number in stale:
                self._nodes[number] = joined(self._nodes[2 * number], self._nodes[2 * number + 1])
            stale = {number // 2 for number in stale if number > 1}

    def row(self, number: int) -> bytes:
        """A row as it is stored."""
        first = ROW if number == TOP else (1 << BUCKET_BITS) + ROW * number
        return b"".join(bytes((node.kind,)) + node.hash for node in self._nodes[first : first + ROW])


def nodes_of(row: bytes) -> list[Node]:
    """The nodes of a stored row."""
    return [Node(row[at], row[at + 1 : at + _WIDTH]) for at in range(0, len(row), _WIDTH)]


def path_above(row: Sequence[Node], place: int, *, alone: bool) -> tuple[list[bytes], bool]:
    """The siblings on the way up from a place in a row, the lowest first.

    A citizen ``alone`` stands as high as there is nobody beside; returns whether they still are at the top of the row.
    """
    siblings = []
    while len(row) > 1:
        sibling = row[place ^ 1]
        alone = alone and sibling.kind == NOBODY
        if not alone:
            siblings.append(sibling.hash)
        row = [joined(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        place //= 2
    return siblings, alone
