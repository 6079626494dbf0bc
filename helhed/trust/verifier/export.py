"""A citizen's export, checked in the order of the format."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helhed.trust.verifier.chains import check_chains
from helhed.trust.verifier.events import SeenEvent, check_events
from helhed.trust.verifier.faults import Faulty
from helhed.trust.verifier.heads import SeenHead, check_cosignatures, check_head, check_keys, check_line
from helhed.trust.verifier.primitives import from_hex, items, named, whole
from helhed.trust.verifier.proofs import is_beginning

_NAMES = {"format", "v", "log", "made", "keys", "head", "later", "cosignatures", "events", "chains"}
_STALE = 10 * 60 * 1_000_000
_DAY = 24 * 3600 * 1_000_000
_KEPT = (5 * 365 + 1 - 31) * _DAY


@dataclass(frozen=True, slots=True)
class Trusted:
    """What somebody knows from elsewhere."""

    witnesses: frozenset[bytes] = frozenset()  #: public keys
    log: bytes | None = None
    citizens: frozenset[str] = frozenset()  #: own keys, in decimal digits
    earlier: bytes | None = field(default=None, repr=False)  #: an earlier export


@dataclass(frozen=True, slots=True)
class Finding:
    """That a log is whole, and by whose word."""

    log: str
    size: int  #: leaves in the tree
    at: int  #: when the head was made
    events: int  #: in the chains of the citizen
    gone: int  #: of these, let go because of their age
    witnesses: tuple[str, ...]  #: trusted ones, that signed
    citizens: tuple[str, ...]
    since: int | None  #: events that an earlier export had


def verify(content: bytes, trusted: Trusted = Trusted()) -> Finding:  # it never changes
    """That an export is whole. Raises Faulty, which says what is wrong first."""
    export = _read(content)
    log = from_hex(export["log"], 32)
    if trusted.log not in (None, log):
        raise Faulty("log", "This is an export of another log.")
    keys = check_keys(log, items(export, "keys", dict))
    head = check_head(log, keys, export["head"])
    later = [check_head(log, keys, one) for one in items(export, "later", dict)]
    check_line(head, later)
    signed = _signed(log, [head, *later], items(export, "cosignatures", dict), trusted)
    if whole(export, "made") - head.at > _STALE:
        raise Faulty("stale", "The log shows an old state of itself: what came after it is not told.")
    events = check_events(items(export, "events", dict), head)
    gone = [event for event in events.values() if event.content is None]
    if gone:
        now = min([head.at, *sorted(at for _, at in signed)[-1:]])  # a log may say any time; witnesses say theirs
        _check_gone(log, keys, replace(head, at=now), gone, export.get("expired"), trusted)
    chains = check_chains(log, head, items(export, "chains", dict), events)
    if trusted.citizens and trusted.citizens != chains.keys():
        raise Faulty("citizen", "This is the log of somebody else.")
    since = _check_earlier(log, head, events, chains, trusted)
    return Finding(
        log.hex(), head.size, head.at, len(events), len(gone), tuple(sorted({name for name, _ in signed})),
        tuple(sorted(chains)), since,
    )  # fmt: skip


def _read(content: bytes) -> Mapping[str, Any]:
    try:
        export = json.loads(content)
    except (ValueError, RecursionError):
        raise Faulty("format", "This is not an export of a log.") from None
    named(export, _NAMES, frozenset({"expired"}))
    if export["format"] != "helhed-log-export" or export["v"] != 1:
        raise Faulty("format", "This is not an export of a log, or of a version that is not known.")
    found: Mapping[str, Any] = export
    return found


def _signed(log: bytes, heads: Sequence[SeenHead], told: Sequence[Any], trusted: Trusted) -> list[tuple[str, int]]:
    by = {key: key.hex() for key in trusted.witnesses}
    found = check_cosignatures(log, heads, told, by)
    if trusted.witnesses and not found:
        raise Faulty("witness", "No witness that is trusted has signed.")
    return found


def _check_gone(
    log: bytes, keys: Mapping[int, bytes], head: SeenHead, gone: Sequence[SeenEvent], told: Any, trusted: Trusted
) -> None:
    """Rows may be gone by their age alone, and a witness must have seen how old they are: long ago, by its own clock."""
    if told is None:
        raise Faulty("missing", f"{len(gone)} events are gone.")
    expired = named(told, {"head", "cosignatures", "consistency"})
    old = check_head(log, keys, expired["head"])
    said = items(expired, "cosignatures", dict)
    by = trusted.witnesses or {from_hex(one.get("public"), 32) for one in said}
    signed = check_cosignatures(log, [old], said, dict.fromkeys(by, ""))
    proof = [from_hex(one, 32) for one in items(expired, "consistency", str)]
    aged = any(head.at - max(old.at, at) >= _KEPT for _, at in signed)
    if not aged or any(event.position >= old.size for event in gone):
        raise Faulty("missing", f"{len(gone)} events are gone, and are too young for that.")
    if not is_beginning(old.size, old.root, head.size, head.root, proof):
        raise Faulty("missing", "The log of then is not the beginning of the log of now.")


def _check_earlier(
    log: bytes, head: SeenHead, events: Mapping[int, SeenEvent], chains: Mapping[str, Sequence[int]], trusted: Trusted
) -> int | None:
    """Whether an earlier export is the beginning of this one."""
    if trusted.earlier is None:
        return None
    export = _read(trusted.earlier)
    keys = check_keys(from_hex(export["log"], 32), items(export, "keys", dict))
    before = check_head(from_hex(export["log"], 32), keys, export["head"])
    had = check_events(items(export, "events", dict), before)
    chained = check_chains(from_hex(export["log"], 32), before, items(export, "chains", dict), had)
    same = from_hex(export["log"], 32) == log and before.size <= head.size
    kept = all(position in events and events[position].leaf == event.leaf for position, event in had.items())
    longer = all(list(chains.get(key, ()))[: len(those)] == list(those) for key, those in chained.items())
    if not same or not kept or not longer:
        raise Faulty("rollback", "What the log said before, it does not say now.")
    return len(had)
