"""Cases, incidents, warnings and assessments in words: sentences of the policies, moments, and what is late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from helhed.portals.language import Words
from helhed.trust.watch.cases import Case, Opened, Reason
from helhed.trust.watch.incidents import Due, Incident, clock_of, incident_policy, next_due
from helhed.trust.watch.policy import watch_policy

_TIES = (
    (1, "self"),
    (2, "family"),
    (4, "household"),
    (8, "neighbour"),
    (16, "colleague"),
    (32, "surname"),
    (64, "vip"),
)
_HEAVY = 200  #: points from which a case is told as heavy


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case as the list shows it."""

    id: str
    number: str
    who: str
    place: str
    reasons: tuple[str, ...]
    score: str
    heavy: bool
    state: str
    owner: str
    due: str
    late: bool
    first: str
    opened: str


@dataclass(frozen=True, slots=True)
class LookLine:
    """The looks at one citizen on one day, without content."""

    when: str
    citizen: str
    mark: str
    shielded: bool
    what: tuple[str, ...]
    confirmed: str
    amber: bool


def deadline(words: Words, due: datetime, now: datetime) -> str:
    """A deadline as text: how long is left, or by how much it is late."""
    left = due - now
    key = "watch.left" if left >= timedelta(0) else "watch.late"
    hours = round(abs(left) / timedelta(hours=1))
    span = words("watch.days", n=round(hours / 24)) if hours >= 48 else words("watch.hours", n=hours)
    return words(key, span=span, when=words.instant(due))


def reason(words: Words, one: Reason) -> str:
    """The sentence of a signal with its figures."""
    rule = watch_policy().rules.get(one.signal)
    if rule is None:
        return one.signal
    shown = {name: words.number(round(value)) for name, value in one.figures.items()}
    sentence = rule.danish if words.language == "da" else rule.english
    try:
        return sentence.format(**shown)
    except KeyError:  # an older worker wrote it, with other figures
        return sentence


def state(words: Words, name: str) -> str:
    """What a state is called."""
    known = watch_policy().states.get(name)
    return name if known is None else known.danish if words.language == "da" else known.english


def case_line(words: Words, case: Case, now: datetime) -> CaseLine:
    """One case."""
    who = ", ".join(filter(None, (case.actor_name, words.role(case.role or "")))) or words(f"watch.kind.{case.kind}")
    return CaseLine(
        str(case.id), words.number(case.number), f"{who} ({case.what})" if case.what else who, case.organisation_name or "",
        tuple(reason(words, one) for one in case.reasons), words.number(case.score), case.score >= _HEAVY,
        state(words, case.state), case.owner_name or "", "" if case.state == "closed" else deadline(words, case.due_at, now),
        case.state != "closed" and now > case.due_at, words.instant(case.first_seen), words.instant(case.opened_at),
    )  # fmt: skip


def moves(words: Words, opened: Opened) -> list[dict[str, str]]:
    """Each change with its author, oldest first."""
    return [
        {
            "when": words.instant(datetime.fromisoformat(one["at"])), "state": state(words, one["state"]),
            "author": one["author"] or words("watch.network"), "note": one["note"], "owner": one["owner"] or "",
        }
        for one in opened.moves
    ]  # fmt: skip


def looks(words: Words, opened: Opened) -> list[LookLine]:
    """The looks behind a case; citizens are letters until there is a reason."""
    letters: dict[str, str] = {}
    for one in opened.looks:
        letters.setdefault(one["mark"], _letter(len(letters)))
    return [_look(words, one, letters[one["mark"]]) for one in opened.looks]


def _look(words: Words, one: Mapping[str, Any], letter: str) -> LookLine:
    first, last = datetime.fromisoformat(one["first_at"]), datetime.fromisoformat(one["last_at"])
    span = words.instant(first) if first == last else f"{words.instant(first)}–{words.pattern(last, 'time')}"
    what = [words("watch.looks", n=one["looks"])]
    what += [words(f"watch.flag.{flag}") for flag in ("declared", "override", "afterwards", "firm") if one[flag]]
    what += [words("watch.flag.refused", n=one["refused"])] if one["refused"] else []
    what += [words("watch.flag.lookup")] if one["lookups"] == one["looks"] else []
    what += [words(f"watch.tie.{name}") for bit, name in _TIES if one["ties"] & bit]
    confirmed = {None: "open", True: "yes", False: "no"}[one["confirmed"]]
    return LookLine(
        span, one["name"] or words("watch.citizen", letter=letter), one["mark"], one["name"] is None, tuple(what),
        words(f"watch.confirmed.{confirmed}"), confirmed == "no",
    )  # fmt: skip


def _letter(n: int) -> str:
    """A, B, ... Z, AA, AB."""
    return (_letter(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


def following(words: Words, name: str) -> list[tuple[str, str]]:
    """The states that may come next, but for taking the case."""
    known = watch_policy().states[name]
    return [(one, state(words, one)) for one in known.following if one != "assigned"]


def incident_line(words: Words, incident: Incident, now: datetime) -> dict[str, Any]:
    """One incident as the register shows it."""
    held = incident_policy().classes[incident.class_]
    due = next_due(incident)
    return {
        "id": str(incident.id), "number": words.number(incident.number), "class": incident.class_,
        "class_words": held.words[words.language], "class_what": held.what[words.language], "title": incident.title,
        "what": incident.what, "known": words.instant(incident.known_at), "place": incident.organisation_name or "",
        "owner": incident.owner_name or "", "people": words.number(incident.people), "personal": incident.personal_data,
        "closed": words.instant(incident.closed_at) if incident.closed_at else "",
        "next": step_line(words, due, now) if due else None, "significant": held.significant,
    }  # fmt: skip


def step_line(words: Words, due: Due, now: datetime) -> dict[str, Any]:
    """A step of the clock."""
    language = words.language
    return {
        "name": due.step.name, "words": due.step.words[language], "to": due.step.to[language], "law": due.step.law[language],
        "due": words.instant(due.at) if due.done else deadline(words, due.at, now),
        "done": words.instant(due.done) if due.done else "", "late": due.late(now),
    }  # fmt: skip


def clock(words: Words, incident: Incident, now: datetime) -> list[dict[str, Any]]:
    """All steps."""
    return [step_line(words, due, now) for due in clock_of(incident)]


def entries(words: Words, incident: Incident) -> list[dict[str, str]]:
    """What was done, with its author."""
    names = {step.name: step.words[words.language] for step in incident_policy().steps}
    return [
        {
            "when": words.instant(datetime.fromisoformat(one["at"])), "author": one["author"] or "", "note": one["note"],
            "step": names.get(one["step"], words(f"incident.entry.{one['step']}") if one["step"] not in names else ""),
        }
        for one in incident.entries
    ]  # fmt: skip


def percent(words: Words, share: float | None) -> str:
    """62 %; words where nobody has begun."""
    return words("security.not_begun") if share is None else words("security.percent", n=round(100 * share))


def chosen(words: Words, choices: Sequence[Mapping[str, str]]) -> list[str]:
    """Choices in the reader's language."""
    return [one[words.language] for one in choices]
