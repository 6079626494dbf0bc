"""How many different people somebody may look up in a short time (attacks 46 and 85 of the access model).

The thresholds are data: ``trust/policy/lookups.json``. What is counted lives in the memory of one worker and is bounded;
a network of several workers may let through as many times more, and a restart begins anew. The log forgets nothing.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import NamedTuple

from helhed.foundation.logging import logger

_MOST_ENTRIES = 200_000  #: some 30 MB; whoever was quiet longest is forgotten first


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold."""

    within: timedelta
    slow_after: int
    refuse_after: int


class Verdict(NamedTuple):
    """What a look-up has to bear."""

    pause: float = 0.0  #: seconds to wait first
    refused: bool = False


@cache
def limits() -> tuple[dict[str, tuple[Limit, ...]], float]:
    """The limits by whom they hold for, and the pause in seconds."""
    data = json.loads((resources.files("helhed.trust.policy") / "lookups.json").read_text("utf-8"))
    found: dict[str, tuple[Limit, ...]] = {}
    for one in data["limits"]:
        limit = Limit(timedelta(minutes=one["minutes"]), one["slow_after"], one["refuse_after"])
        found[one["who"]] = (*found.get(one["who"], ()), limit)
    return found, float(data["pause_seconds"])


@dataclass(slots=True)
class _Seen:
    """Whom one asker looked up, the latest last."""

    people: OrderedDict[bytes, datetime] = field(default_factory=OrderedDict)


class Lookups:
    """Counts look-ups and says which are too many."""

    def __init__(self, *, most_entries: int = _MOST_ENTRIES) -> None:
        self._most_entries = most_entries
        self._entries = 0
        self._askers: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._log = logger("lookups")

    @property
    def entries(self) -> int:
        """How many look-ups are remembered."""
        return self._entries

    def note(self, who: str, asker: str, wanted: str, now: datetime) -> Verdict:
        """``asker``, of the kind ``who``, looks up ``wanted`` now. One that is refused does not count against later ones."""
        held, pause = limits()
        mine = held.get(who, ())
        if not mine:
            return Verdict()
        seen = self._of(who, asker, now - max(limit.within for limit in mine))
        name = blake2b(wanted.encode(), digest_size=8).digest()
        known = seen.people.get(name)
        slowed = refused = False
        for limit in mine:
            since = now - limit.within
            if known is not None and known > since:
                continue
            count = _since(seen, since)
            slowed = slowed or count >= limit.slow_after
            refused = refused or count >= limit.refuse_after
        if refused:
            self._log.warning("look-ups refused", who=who, asker=asker, people=len(seen.people))
            return Verdict(pause, refused=True)
        self._remember(seen, name, now)
        return Verdict(pause if slowed else 0.0)

    def _of(self, who: str, asker: str, oldest: datetime) -> _Seen:
        seen = self._askers.setdefault((who, asker), _Seen())
        self._askers.move_to_end((who, asker))
        while seen.people and next(iter(seen.people.values())) <= oldest:
            seen.people.popitem(last=False)
            self._entries -= 1
        return seen

    def _remember(self, seen: _Seen, name: bytes, now: datetime) -> None:
        self._entries += name not in seen.people
        seen.people[name] = now
        seen.people.move_to_end(name)
        while self._entries > self._most_entries and len(self._askers) > 1:
            _, quiet = self._askers.popitem(last=False)
            self._entries -= len(quiet.people)


def _since(seen: _Seen, since: datetime) -> int:
    """How many were looked up after ``since``; they stand in the order of time."""
    count = 0
    for at in reversed(seen.people.values()):
        if at <= since:
            break
        count += 1
    return count
