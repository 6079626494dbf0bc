"""Histories of lists that are appended to, and the cycles that no correct store can leave in them.

After Kingsbury and Alvaro, *Elle* (VLDB 2020): each value is appended once, so a list that was read says in which order
its writers came. G0: writers go round in circles. G1a: what was undone was read. G1b: a state in the middle of somebody's
work was read. G1c: writers and readers go round in circles. G-single: a circle in which exactly one reader came too early.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Work:
    """One transaction: what it appended to which list, what it read, and whether it was acknowledged (None: unknown)."""

    appended: dict[str, list[int]] = field(default_factory=dict)
    read: dict[str, tuple[int, ...]] = field(default_factory=dict)
    stands: bool | None = True


Edges = Mapping[int, set[int]]


def anomalies(history: Sequence[Work], last: Mapping[str, tuple[int, ...]]) -> set[str]:
    """Names of what is wrong with a history that ended with these lists; empty when nothing is."""
    writer = {
        (key, value): n for n, work in enumerate(history) for key, some in work.appended.items() for value in some
    }
    found = set(_lost(history, last)) | set(_unfit(history, last, writer))
    writes, reads, early = _edges(history, last, writer)
    both = _union(writes, reads)
    if _circle(writes):
        found.add("G0")
    elif _circle(both):
        found.add("G1c")
    if any(a in _reached(both, b) for a, some in early.items() for b in some):
        found.add("G-single")
    return found


def _lost(history: Sequence[Work], last: Mapping[str, tuple[int, ...]]) -> Iterable[str]:
    for work in history:
        for key, values in work.appended.items():
            present = [value in last.get(key, ()) for value in values]
            if work.stands and not all(present):
                yield "lost"
            if work.stands is False and any(present):
                yield "undone, and there"
        everything = [value in last.get(key, ()) for key, values in work.appended.items() for value in values]
        if any(everything) and not all(everything):
            yield "in part"


def _unfit(
    history: Sequence[Work], last: Mapping[str, tuple[int, ...]], writer: Mapping[tuple[str, int], int]
) -> Iterable[str]:
    for reader in history:
        for key, values in reader.read.items():
            if values != last.get(key, ())[: len(values)]:
                yield "G1a" if any(history[writer[key, value]].stands is False for value in values) else "fork"
            if values and history[writer[key, values[-1]]].appended[key][-1] != values[-1]:
                yield "G1b"


def _edges(
    history: Sequence[Work], last: Mapping[str, tuple[int, ...]], writer: Mapping[tuple[str, int], int]
) -> tuple[Edges, Edges, Edges]:
    writes, reads, early = defaultdict(set), defaultdict(set), defaultdict(set)
    for key, values in last.items():
        makers = [writer[key, value] for value in values]
        for a, b in pairwise(makers):
            if a != b:
                writes[a].add(b)
        for n, work in enumerate(history):
            if key not in work.read:
                continue
            seen = len(work.read[key])
            if 0 < seen <= len(makers) and makers[seen - 1] != n:
                reads[makers[seen - 1]].add(n)
            if seen < len(makers) and makers[seen] != n:
                early[n].add(makers[seen])
    return writes, reads, early


def _union(one: Edges, other: Edges) -> Edges:
    return {n: one.get(n, set()) | other.get(n, set()) for n in {*one, *other}}


def _reached(edges: Edges, start: int) -> set[int]:
    """``start`` and all that comes after it."""
    seen, open_ = {start}, [start]
    while open_:
        for after in edges.get(open_.pop(), ()):
            if after not in seen:
                seen.add(after)
                open_.append(after)
    return seen


def _circle(edges: Edges) -> bool:
    return any(n in _reached(edges, after) for n in edges for after in edges[n])
