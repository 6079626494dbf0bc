"""The Merkle tree of RFC 6962 in tiles: 256 hashes of complete subtrees to a tile, so that a proof reads a few rows.

A tile of level 0 holds leaves; each hash of level L is the root over a full tile of level L - 1. Only the last tile of a
level is ever written again, and only to become longer.
"""

from collections.abc import Callable, Iterator, Sequence

from helhed.trust.evidence.hashes import node_hash, subtree

WIDTH = 256
_BITS = 8
_HASH = 32

Tile = tuple[int, int]  #: level and number


class Tree:
    """A tree of ``size`` leaves. ``tile`` gives the hashes of a tile, one after another."""

    def __init__(self, size: int, tile: Callable[[Tile], bytes]) -> None:
        self.size = size
        self._tile = tile

    def root(self) -> bytes:
        """The hash of the whole tree."""
        return self._range(0, self.size)

    def leaf(self, position: int) -> bytes:
        """One leaf."""
        return self._complete(position, 0)

    def inclusion(self, position: int) -> list[bytes]:
        """The path from a leaf to the root (RFC 6962, section 2.1.1)."""
        return list(self._path(position, 0, self.size))

    def consistency(self, first: int) -> list[bytes]:
        """The proof that the tree of the ``first`` leaves is its beginning (section 2.1.2)."""
        return list(self._between(first, 0, self.size, whole=True)) if 0 < first < self.size else []

    def _path(self, position: int, begin: int, end: int) -> Iterator[bytes]:
        if end - begin <= 1:
            return
        split = begin + _largest_power_below(end - begin)
        if position < split:
            yield from self._path(position, begin, split)
            yield self._range(split, end)
        else:
            yield from self._path(position, split, end)
            yield self._range(begin, split)

    def _between(self, first: int, begin: int, end: int, *, whole: bool) -> Iterator[bytes]:
        if first == end:
            if not whole:
                yield self._range(begin, end)
            return
        split = begin + _largest_power_below(end - begin)
        if first <= split:
            yield from self._between(first, begin, split, whole=whole)
            yield self._range(split, end)
        else:
            yield from self._between(first, split, end, whole=False)
            yield self._range(begin, split)

    def _range(self, begin: int, end: int) -> bytes:
        """The root over leaves that begin at a multiple of the largest power of two among them."""
        size = end - begin
        if size & (size - 1) == 0:
            return self._complete(begin >> (size.bit_length() - 1), size.bit_length() - 1)
        split = begin + _largest_power_below(size)
        return node_hash(self._range(begin, split), self._range(split, end))

    def _complete(self, number: int, height: int) -> bytes:
        """The ``number``-th complete subtree of a height."""
        level, within = divmod(height, _BITS)
        first = number << within
        begin = first % WIDTH
        return subtree(self._tile((level, first // WIDTH))[_HASH * begin : _HASH * (begin + (1 << within))])


def _largest_power_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def appended(size: int, open_tiles: dict[Tile, bytes], leaves: Sequence[bytes]) -> dict[Tile, bytes]:
    """The tiles that change when ``leaves`` follow the first ``size``, as they are then.

    ``open_tiles`` has the last tile of each level that is not full.
    """
    changed: dict[Tile, bytes] = {}
    level, count, fresh = 0, size, list(leaves)
    while fresh:
        fresh, count = _level_appended(level, count, fresh, open_tiles, changed), count // WIDTH
        level += 1
    return changed


def _level_appended(
    level: int, count: int, fresh: Sequence[bytes], open_tiles: dict[Tile, bytes], changed: dict[Tile, bytes]
) -> list[bytes]:
    """One level; returns the roots of the tiles that became full."""
    full: list[bytes] = []
    place = 0
    while place < len(fresh):
        number, filled = divmod(count + place, WIDTH)
        taken = fresh[place : place + WIDTH - filled]
        before = open_tiles[level, number] if filled else b""
        changed[level, number] = hashes = before + b"".join(taken)
        if len(hashes) == WIDTH * _HASH:
            full.append(subtree(hashes))
        place += len(taken)
    return full


def last_tiles(size: int) -> list[Tile]:
    """The tiles that are neither full nor empty."""
    found, level = [], 0
    while size:
        if size % WIDTH:
            found.append((level, size // WIDTH))
        size, level = size // WIDTH, level + 1
    return found
