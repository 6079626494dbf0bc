"""The access log in plain words: by day and place, a burst of looks told once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from helhed.foundation.ask import Action, ActorKind
from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words, capital
from helhed.portals.ports import LogEntry
from helhed.portals.presenters import purges
from helhed.trust.emergency.rules import emergency_rules
from helhed.trust.policy import BASIS_NUMBERS

BURST = timedelta(minutes=45)
_SELF, _OVERRIDE = BASIS_NUMBERS["self"], BASIS_NUMBERS["override"]
_READS = frozenset({Action.READ, Action.VREAD, Action.HISTORY, Action.SEARCH, Action.OVERVIEW, Action.SEE_ANSWERS})
_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
_TAKEN_OUT = frozenset({Action.PROPOSE_PURGE, Action.PURGE, Action.RETAIN_NO_LONGER})
#: what was shown of the record, from a copy
_COPIES = frozenset({Action.COPY_FOR_EMERGENCY, Action.OPEN_OFFLINE})
#: how a record is kept: nobody looked at it
_CARE = _TAKEN_OUT | {Action.WITHDRAW_PURGE, Action.HOLD, Action.RELEASE}
_WHOLE_RECORD = 8  #: this many kinds of data and more are told as the record


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
    look: int = 0  #: the newest row of it
    emergency: bool = False
    notes: tuple[str, ...] = ()  #: more about it


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
    """The entries of a day put together by who, where and outcome, when they follow closely; own looks all together.

    A look through broken glass is never told with one that needed none: each would seem to be what the other is.
    """
    found: list[list[LogEntry]] = []
    open_ones: dict[object, list[LogEntry]] = {}
    for entry in entries:
        together = (
            entry.kind, entry.actor, entry.pseudonym, entry.organisation, entry.role, entry.permitted, entry.source_name, entry.reason,
            entry.app, _sort(entry), _through_broken_glass(entry),
        )  # fmt: skip
        burst = open_ones.get(together)
        if burst is None or (not _own(entry) and burst[-1].at - entry.at > BURST):
            burst = []
            open_ones[together] = burst
            found.append(burst)
        burst.append(entry)
    return _without_idle_lookups(found)


def _sort(entry: LogEntry) -> str:
    """Looks go together, and so does what was written; what was decided about access stands alone."""
    if entry.action in _READS or entry.action == Action.LOOKUP or (entry.action == Action.OWN_LOG and _own(entry)):
        return "look"
    return "write" if entry.action <= Action.LOOKUP else f"{entry.action} {entry.id if entry.purge else ''}"


def _without_idle_lookups(found: list[list[LogEntry]]) -> list[list[LogEntry]]:
    """A look-up of name and number that led to a look, and one's own look at the log, are told with the look."""
    return [_told_entries(burst) for burst in found]


def _told_entries(burst: list[LogEntry]) -> list[LogEntry]:
    return sorted(burst, key=lambda entry: entry.action in (Action.LOOKUP, Action.OWN_LOG))


def _own(entry: LogEntry) -> bool:
    return entry.kind is ActorKind.CITIZEN and entry.basis == _SELF


def _through_broken_glass(entry: LogEntry) -> bool:
    """A look-up of name and number has the same basis when no relation gives another, and breaks nothing."""
    return entry.basis == _OVERRIDE and entry.action != Action.LOOKUP


def _visit(burst: Sequence[LogEntry], words: Words) -> Visit:
    head = burst[0]
    newest, oldest = max(e.at for e in burst), min(e.at for e in burst)
    times = dict.fromkeys(words.pattern(at, "time") for at in (oldest, newest))
    return Visit(
        time=capital(words("when.at", time="–".join(times))),
        machine=newest.isoformat(timespec="minutes"),
        denied=not head.permitted,
        own=_own(head),
        heading=_heading(head, words),
        who=_who(head, words),
        did=_did(burst, words),
        seen=_seen(burst, words),
        why=_why(head, words),
        count=len(burst),
        steps=tuple(_step(entry, words) for entry in sorted(burst, key=lambda e: e.at)) if len(burst) > 1 else (),
        organisation=head.organisation,
        looked=not _own(head) and head.action not in _WRITES | _CARE,
        look=max(entry.id for entry in burst),
        emergency=_through_broken_glass(head) or head.action == Action.BREAK_GLASS,
        notes=_notes(burst, words),
    )


def _heading(entry: LogEntry, words: Words) -> str:
    """The place; a citizen who acts for another looks from none."""
    if _own(entry):
        return words("log.yourself")
    nowhere = "log.on_your_behalf" if entry.kind is ActorKind.CITIZEN else "log.no_place"
    return entry.organisation_name or words(nowhere)


def _notes(burst: Sequence[LogEntry], words: Words) -> tuple[str, ...]:
    """What is to be said beside it: what was purged, where the row comes from, and what that place says."""
    head = burst[0]
    found: list[str] = []
    if head.purge is not None:
        found += purges.lines(head.purge, words)
    if head.pseudonym:
        found.append(words("log.withheld_why", place=head.organisation_name or words("log.no_place")))
    if head.app:
        found.append(words("log.by_app", app=head.app))
    found += [
        words("log.by_ticket", ticket=_short(ticket))
        for ticket in dict.fromkeys(entry.ticket for entry in burst)
        if ticket
    ]
    if head.action == Action.OPEN_OFFLINE:
        return (*found, *_offline(burst, words))
    if head.source_name:
        arrived = max(entry.arrived for entry in burst if entry.arrived is not None)
        late = "log.delivered_late" if any(entry.late for entry in burst) else "log.delivered"
        found.append(words(late, place=head.source_name, when=words.instant(arrived)))
    if head.reason:
        found.append(words("log.reason_there", reason=head.reason))
    return tuple(found)


def _short(ticket: str) -> str:
    """As much of it as tells two apart in one log; the export has it whole."""
    return ticket[:8].upper()


def _offline(burst: Sequence[LogEntry], words: Words) -> list[str]:
    """When each was opened without a network, when it was told, and why."""
    told = [
        words("emergency.opened_note", opened=words.instant(entry.at), told=words.instant(entry.arrived))
        for entry in burst
        if entry.arrived is not None
    ]
    known = emergency_rules().reasons.get(burst[0].reason)
    return [*told, words("emergency.because", why=known.to_citizen[words.language])] if known else told


@dataclass(frozen=True, slots=True)
class Told:
    """One row by itself, in words."""

    did: str
    seen: str
    why: str


def told_alone(entry: LogEntry, words: Words) -> Told:
    """What a row says when nothing is put together with it."""
    return Told(_did([entry], words), _seen([entry], words), entry.reason or _why(entry, words))


def _who(entry: LogEntry, words: Words) -> str:
    """Role and name, or the system of a place."""
    if _own(entry):
        return words("log.you")
    if entry.kind is ActorKind.SYSTEM:
        return words("log.system")
    role = words.role(entry.role) or entry.local_role
    if entry.pseudonym:
        return words("log.withheld", role=capital(role or words("log.somebody")), code=entry.pseudonym)
    if not entry.actor_name:
        return capital(role) or words("log.somebody")
    if entry.principal_name:
        return words("log.on_behalf", who=entry.actor_name, role=role, principal=entry.principal_name)
    return f"{entry.actor_name}, {role}," if role else entry.actor_name


def _did(burst: Sequence[LogEntry], words: Words) -> str:
    """What was done: a denied attempt, a look, or the one thing the action says."""
    head = burst[0]
    if not head.permitted:
        return words.either(f"log.tried_to.{head.action}", words("log.tried"))
    return words.either(f"log.did.{head.action}", words("log.did.1"))


def _seen(burst: Sequence[LogEntry], words: Words) -> str:
    """Which data, in plain words, the commonest first."""
    head = burst[0]
    told = head.action <= Action.OVERVIEW or head.action in _TAKEN_OUT | _COPIES | {Action.NOTIFY}
    if not head.permitted or head.action == Action.LOOKUP or not told:
        return ""
    counted = Counter(words.kind_of_data(name) for entry in burst for name in entry.types)
    if not counted:
        return words("log.nothing")
    names = [name for name, _ in counted.most_common()]
    if len(names) < _WHOLE_RECORD:
        return words.listed(names)
    return words("log.many_kinds" if head.action in _WRITES | _TAKEN_OUT else "log.whole_record")


def _why(entry: LogEntry, words: Words) -> str:
    if not entry.permitted:
        return words.either(f"log.tried_why.{entry.action}", words("log.denied_why"))
    if entry.as_other:
        return words("log.as_other")
    if entry.purge is not None:
        return purges.why(entry.purge, words)
    if _own(entry) or entry.basis is None or entry.action in (Action.LOOKUP, Action.DECLARE):
        return ""
    return words.either(f"basis.{entry.basis}", "")


def _step(entry: LogEntry, words: Words) -> str:
    what = words.either(f"log.step.{entry.action}", words("log.step.1"))
    kinds = words.listed(list(dict.fromkeys(words.kind_of_data(name) for name in entry.types))[:6])
    parts = [words.pattern(entry.at, "time"), what, kinds, words("log.rows", n=entry.count) if entry.count > 1 else ""]
    return " ".join(part for part in parts if part)


#: what the page can be narrowed to; the rooms below say what each lets through
KINDS = ("alt", "andre", "afvist", "noed", "systemer", "afleveret", "egne", "rettelser")
