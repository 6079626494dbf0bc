"""The access log in plain words: by day and place, a burst of looks told once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from helhed.foundation.ask import ActorKind
from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words
from helhed.portals.ports import LogEntry

BURST = timedelta(minutes=45)
_LOOKUP = 8
_READS = frozenset({1, 2, 3, 4, 9})
_SELF = 1
_READ_LOG = 13
_WHOLE_RECORD = 8  #: this many kinds of data and more are told as the record
_WRITES = frozenset({5, 6, 7})
_DECLARED = 10


@dataclass(frozen=True, slots=True)
class Visit:
    """A burst: what one person did from one place within a short time."""

    time: str
    machine: str
    denied: bool
    own: bool
    heading: str
    who: str
    did: str
    seen: str
    why: str
    count: int
    steps: tuple[str, ...]
    organisation: int | None
    looked: bool  #: somebody else saw something, or tried to


@dataclass(frozen=True, slots=True)
class LogDay:
    """The bursts of a day, newest first."""

    label: str
    machine: str
    visits: tuple[Visit, ...]


def log_days(entries: Sequence[LogEntry], words: Words) -> list[LogDay]:
    """Entries (newest first) as days of bursts."""
    return [
        LogDay(words.long_day(day), day.isoformat(), tuple(_visit(burst, words) for burst in bursts(list(found))))
        for day, found in groupby(entries, key=_day)
    ]


def _day(entry: LogEntry) -> date:
    return entry.at.astimezone(DANISH_TIME).date()


def bursts(entries: Sequence[LogEntry]) -> list[list[LogEntry]]:
    """The entries of a day put together by who, where and outcome, when they follow closely; own looks all together."""
    found: list[list[LogEntry]] = []
    open_ones: dict[object, list[LogEntry]] = {}
    for entry in entries:
        together = (entry.kind, entry.actor, entry.organisation, entry.role, entry.permitted, _sort(entry))
        burst = open_ones.get(together)
        if burst is None or (not _own(entry) and burst[-1].at - entry.at > BURST):
            burst = []
            open_ones[together] = burst
            found.append(burst)
        burst.append(entry)
    return _without_idle_lookups(found)


def _sort(entry: LogEntry) -> str:
    """Looks go together, and so does what was written; what was decided about access stands alone."""
    if entry.action in _READS or entry.action == _LOOKUP or (entry.action == _READ_LOG and _own(entry)):
        return "look"
    return "write" if entry.action <= _LOOKUP else f"{entry.action}"


def _without_idle_lookups(found: list[list[LogEntry]]) -> list[list[LogEntry]]:
    """A look-up of name and number that led to a look, and one's own look at the log, are told with the look."""
    return [_told_entries(burst) for burst in found]


def _told_entries(burst: list[LogEntry]) -> list[LogEntry]:
    return sorted(burst, key=lambda entry: entry.action in (_LOOKUP, _READ_LOG))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _own(entry: LogEntry) -> bool:
    return entry.kind is ActorKind.CITIZEN and entry.basis == _SELF


def _visit(burst: Sequence[LogEntry], words: Words) -> Visit:
    head = burst[0]
    newest, oldest = max(e.at for e in burst), min(e.at for e in burst)
    times = dict.fromkeys(words.pattern(at, "time") for at in (oldest, newest))
    return Visit(
        time=_capital(words("when.at", time="–".join(times))),
        machine=newest.isoformat(timespec="minutes"),
        denied=not head.permitted,
        own=_own(head),
        heading=words("log.yourself") if _own(head) else head.organisation_name or words("log.no_place"),
        who=_who(head, words),
        did=_did(burst, words),
        seen=_seen(burst, words),
        why=_why(head, words),
        count=len(burst),
        steps=tuple(_step(entry, words) for entry in sorted(burst, key=lambda e: e.at)) if len(burst) > 1 else (),
        organisation=head.organisation,
        looked=not _own(head) and head.action not in _WRITES,
    )


def _who(entry: LogEntry, words: Words) -> str:
    """Role and name, or the system of a place."""
    if _own(entry):
        return words("log.you")
    if entry.kind is ActorKind.SYSTEM:
        return words("log.system")
    role = words.role(entry.role)
    if not entry.actor_name:
        return role.capitalize() or words("log.somebody")
    return f"{entry.actor_name}, {role}," if role else entry.actor_name


def _did(burst: Sequence[LogEntry], words: Words) -> str:
    """What was done: a denied attempt, a look, or the one thing the action says."""
    head = burst[0]
    if not head.permitted:
        return words("log.tried")
    return words.either(f"log.did.{head.action}", words("log.did.1"))


def _seen(burst: Sequence[LogEntry], words: Words) -> str:
    """Which data, in plain words, the commonest first."""
    head = burst[0]
    if not head.permitted or head.action == _LOOKUP or head.action > _WHOLE_RECORD + 1:
        return ""
    counted = Counter(words.kind_of_data(name) for entry in burst for name in entry.types)
    if not counted:
        return words("log.nothing")
    names = [name for name, _ in counted.most_common()]
    if len(names) < _WHOLE_RECORD:
        return words.listed(names)
    return words("log.many_kinds" if head.action in _WRITES else "log.whole_record")


def _why(entry: LogEntry, words: Words) -> str:
    if not entry.permitted:
        return words("log.denied_why")
    if _own(entry) or entry.basis is None or entry.action in (_LOOKUP, _DECLARED):
        return ""
    return words.either(f"basis.{entry.basis}", "")


def _step(entry: LogEntry, words: Words) -> str:
    what = words.either(f"log.step.{entry.action}", words("log.step.1"))
    kinds = words.listed(list(dict.fromkeys(words.kind_of_data(name) for name in entry.types))[:6])
    parts = [words.pattern(entry.at, "time"), what, kinds, words("log.rows", n=entry.count) if entry.count > 1 else ""]
    return " ".join(part for part in parts if part)


KINDS: dict[str, Callable[[LogEntry], bool]] = {
    "alt": lambda entry: True,
    "andre": lambda entry: not _own(entry),
    "afvist": lambda entry: not entry.permitted,
    "rettelser": lambda entry: entry.permitted and not _own(entry) and entry.action not in _READS | {_LOOKUP},
}


def wanted(entries: Sequence[LogEntry], kind: str, organisation: int | None) -> list[LogEntry]:
    """Those a filter lets through; an unknown kind lets everything through."""
    passes = KINDS.get(kind, KINDS["alt"])
    return [entry for entry in entries if passes(entry) and organisation in (None, entry.organisation)]
