"""The chains of an export: each counts the events it names, and is the one that the map has."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from helhed.trust.verifier.events import SeenEvent
from helhed.trust.verifier.faults import Faulty
from helhed.trust.verifier.heads import SeenHead
from helhed.trust.verifier.primitives import ZEROS, digest, from_hex, items, named, unsigned
from helhed.trust.verifier.proofs import root_of_map

_KEY = re.compile(r"0|-?[1-9][0-9]{0,18}")


def check_chains(
    log: bytes, head: SeenHead, told: Sequence[Any], events: Mapping[int, SeenEvent]
) -> dict[str, list[int]]:
    """The positions of each citizen's events. Raises Faulty."""
    chains: dict[str, list[int]] = {}
    for one in told:
        chain = named(one, {"citizen", "positions", "path"})
        key, positions = chain["citizen"], items(chain, "positions", int)
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not -(2**63) <= int(key) < 2**63 or key in chains:
            raise Faulty("format", "A chain is of nobody.")
        chains[key] = positions
        _check_chain(key, positions, events)
        if _root(log, chain, events) != head.map:
            raise Faulty("map", "A chain is not the one that the log has: an event was left out, added or moved.")
    if set(events) != {position for positions in chains.values() for position in positions}:
        raise Faulty("chain", "An event is in no chain.")
    return chains


def _check_chain(key: str, positions: Sequence[int], events: Mapping[int, SeenEvent]) -> None:
    if any(later <= before for before, later in pairwise(positions)):
        raise Faulty("chain", "The events of a chain are out of order.")
    if not positions or any(position not in events for position in positions):
        raise Faulty("chain", "A chain counts an event that is not told.")
    for position in positions:
        opened = events[position].citizens
        if opened is not None and key not in opened:
            raise Faulty("citizen", "An event is about somebody else.")


def _root(log: bytes, chain: Mapping[str, Any], events: Mapping[int, SeenEvent]) -> bytes | None:
    state = ZEROS
    for counter, position in enumerate(chain["positions"], 1):
        state = digest(4, state, unsigned(counter), unsigned(position), events[position].leaf)
    key = digest(6, log, int(chain["citizen"]).to_bytes(8, "big", signed=True))
    leaf = digest(2, key, unsigned(len(chain["positions"])), state)
    return root_of_map(key, leaf, [from_hex(one, 32) for one in items(chain, "path", str)])
