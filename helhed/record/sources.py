"""Completeness: who delivered what is shown, and how new it is.

A source that is not here has not delivered, or holds nothing that may be shown: the two look the same on purpose.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from helhed.record.reading import Entry, Record


@dataclass(frozen=True, slots=True)
class Source:
    """One organisation's share of what is shown."""

    organisation: int
    delivered: datetime  #: when it last stored something that is shown
    count: int
    types: tuple[tuple[str, int], ...]  #: resource type and how many, most first


def sources(record: Record) -> list[Source]:
    """Every organisation with something visible, the newest delivery first."""
    together: dict[int, list[Entry]] = defaultdict(list)
    for entry in record.entries:
        together[entry.origin].append(entry)
    found = [_source(origin, entries) for origin, entries in together.items()]
    return sorted(found, key=lambda source: (-source.delivered.timestamp(), source.organisation))


def _source(origin: int, entries: list[Entry]) -> Source:
    counted = Counter(entry.type_name for entry in entries)
    return Source(origin, max(entry.updated for entry in entries), len(entries), tuple(counted.most_common()))
