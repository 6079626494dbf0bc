"""How many different people somebody looks up, counted in the memory of one process and bounded."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from helhed.trust.lookups.counting import Verdict, limits

_MOST_ENTRIES = 200_000  #: some 30 MB; whoever was quiet longest is forgotten first


@dataclass(slots=True)
class _Seen:
    """Whom one asker looked up, the latest last."""

    people: OrderedDict[bytes, datetime] = field(default_factory=OrderedDict)


class LookupsInMemory:
    """The same count in one process: for tests and previews, and the second form that the first must agree with."""

    def __init__(self, *, most_entries: int = _MOST_ENTRIES) -> None:
        self._most_entries = most_entries
        self._entries = 0
        self._askers: OrderedDict[tuple[str, str], _Seen] = OrderedDict()

    @property
    def entries(self) -> int:
        """How many look-ups are remembered."""
        return self._entries

    async def note(self, who: str, asker: str, people: Sequence[str], now: datetime) -> Verdict:
        """As ``Lookups.note``."""
        verdicts = [self._note(who, asker, one, now) for one in people]
        return Verdict(max((one.pause for one in verdicts), default=0.0), any(one.refused for one in verdicts))

    def _note(self, who: str, asker: str, wanted: str, now: datetime) -> Verdict:
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
