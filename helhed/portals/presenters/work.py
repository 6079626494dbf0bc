"""Pieces of work in words: whose move it is, since when, by when, and why it stands where it does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from helhed.portals.language import Words, number_with_hyphen
from helhed.work.answering import CITIZEN, said_in
from helhed.work.kinds import OTHER, kinds
from helhed.work.moving import acts_for
from helhed.work.queues import Patient, Piece, Receipt, Told, Whole, Wish

_SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Line:
    """A piece in a queue."""

    id: UUID
    version: int
    what: str
    about: str
    patient: str
    number: str
    born: str
    state: str
    whose: str  #: whose move it is, in a sentence
    why: str  #: why it stands where it does in the queue, in words
    deadline: str
    colour: str  #: of the deadline; the words say the same
    asked_by: str
    assignee: str
    unseen: bool
    may_accept: bool
    address: str


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done with a piece."""

    text: str
    when: str
    machine: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Who asked, who has it now, and what comes next."""

    before: str
    now: str
    next: str
    over: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One piece, whole."""

    line: Line
    description: str
    reason: str
    asked: str
    due: str
    told: str
    receipts: list[Done]
    acts: list[str]
    reaches: bool
    steps: Steps
    people: Sequence[tuple[int, UUID, str]] = field(default=())


@dataclass(frozen=True, slots=True)
class Own:
    """A citizen's piece."""

    id: UUID
    version: int
    what: str
    about: str
    state: str
    since: str
    deadline: str
    colour: str
    steps: Steps
    advice: str
    reason: str
    over: bool
    yours: bool  #: to answer, for who looks


def kind_words(name: str, words: Words) -> str:
    """What a kind of work is called."""
    return kinds()[name].words[words.language]


def line_of(one: Piece, words: Words, now: datetime) -> Line:
    """A piece as its line in a queue."""
    patient = one.patient
    return Line(
        one.task, one.version, kind_words(one.kind, words), _text(one, "description"), patient.name if patient else words("work.no_patient"),
        number_with_hyphen(patient.cpr) if patient and patient.cpr else "", _born(patient, words), _state(one, words),
        whose(one, words), _why(one, words, now), _deadline(one, words, now), _colour(one, now), one.requester, one.assignee, one.unseen,
        one.asks_us and one.status in {"requested", "received"} and one.asked != one.holder, f"/opgaver/{one.task}",
    )  # fmt: skip


def whose(one: Piece, words: Words) -> str:
    """Whose move it is, in a sentence."""
    if one.over:
        return words("work.whose.nobody")
    if one.status == "rejected":
        answered = said_in(one.body)
        key = f"work.whose.{answered}" if answered else "work.whose.declined"
        return words(key, holder=one.holder, owner=one.owner or words("work.citizen"))
    if one.asked and one.asked == one.holder:
        return words("work.whose.acts", holder=one.holder)
    return words("work.whose.accepts", asked=one.asked or words("work.citizen"), holder=one.holder)


def _born(patient: Patient | None, words: Words) -> str:
    return words.day(patient.born) if patient and patient.born and not patient.cpr else ""


def _text(one: Piece, name: str) -> str:
    found = one.body.get(name)
    return found if isinstance(found, str) else ""


def _reason(one: Piece) -> str:
    found = one.body.get("statusReason")
    said = found.get("text") if isinstance(found, dict) else ""
    return said if isinstance(said, str) else ""


def _why(one: Piece, words: Words, now: datetime) -> str:
    reasons = []
    if one.over:
        return words("work.why.over", when=words.near(one.moved_at, now))
    if one.step:
        reasons.append(words("work.why.escalated", n=one.step, unit=one.escalated_to))
    if one.urgent:
        reasons.append(words("work.why.urgent"))
    reasons.append(words("work.why.accept" if one.asked != one.holder else "work.why.act"))
    return " ".join(reasons)


def _state(one: Piece, words: Words) -> str:
    """Where it stands: in the words of what a citizen answered, where one did."""
    answered = said_in(one.body) if one.status == "rejected" else None
    return words(f"work.said.{answered}") if answered else words(f"work.status.{one.status}")


def _deadline(one: Piece, words: Words, now: datetime) -> str:
    when = words.near(one.deadline_at, now)
    if one.over:
        return words("work.deadline.was", when=words.near(one.due_at, now))
    return words("work.deadline.late" if one.deadline_at <= now else "work.deadline.by", when=when)


def _colour(one: Piece, now: datetime) -> str:
    if one.over:
        return "grey"
    if one.deadline_at <= now:
        return "red"
    return "amber" if one.deadline_at <= now + _SOON else "green"


def _steps(one: Piece, words: Words, now: datetime, asked_of: str = "") -> Steps:
    """``asked_of`` is how a citizen who is asked is called."""
    by = _deadline(one, words, now)
    if one.over:
        return Steps(one.requester, words(f"work.status.{one.status}"), words("work.step.none"), True)
    waiting = one.asked != one.holder
    asked = one.asked or asked_of or words("work.citizen").capitalize()
    here = words("work.step.keeps", holder=one.holder or words("work.citizen")) if waiting else f"{asked}: {by}"
    then = words("work.step.accepts", asked=asked, by=by) if waiting else words("work.step.done")
    return Steps(one.requester, here, then, False)


def sheet_of(whole: Whole, words: Words, now: datetime, people: Sequence[tuple[int, UUID, str]] = ()) -> Sheet:
    """One piece with its receipts and what may be done."""
    one = whole.piece
    told = words("work.told", unit=one.escalated_to, n=one.step) if one.step and not one.over else ""
    return Sheet(
        line_of(one, words, now), _text(one, "description"), _reason(one), words.instant(one.asked_at), words.instant(one.due_at), told,
        [_done(each, words) for each in reversed(whole.moves)], acts_for(whole), not one.unseen, _steps(one, words, now), people,
    )  # fmt: skip


def _done(one: Receipt, words: Words) -> Done:
    behalf = "_for" if one.what.startswith(CITIZEN) and one.person else ""
    said = words(
        f"work.done.{one.what}{behalf}",
        unit=one.unit or words("work.network"),
        to=one.to_unit or one.person or words("work.citizen"),
    )
    return Done(said, words.instant(one.at), one.at.isoformat())


def own_of(one: Piece, words: Words, now: datetime, name: str = "") -> Own:
    """A piece as its citizen reads it, or who acts for the one of that name."""
    what, about = kind_words(one.kind, words), _text(one, "description")
    if one.kind == OTHER and about:  # what it is says more than that it is of no kind
        what, about = about, ""
    late = not one.over and one.deadline_at <= now
    advice = ""
    if one.asks_us:
        advice = words("work.own.yours_late" if late else "work.own.yours", who=one.requester)
    elif late:
        who = one.holder or one.requester
        advice = (
            words("work.own.late_told", who=who, told=one.escalated_to)
            if one.escalated_to
            else words("work.own.late", who=who)
        )
    return Own(
        one.task, one.version, what, about, _state(one, words),
        words("work.own.since", when=words.instant(one.asked_at)), _deadline(one, words, now), _colour(one, now), _steps(one, words, now, name or words("work.you")), advice, _reason(one), one.over, one.asks_us,
    )  # fmt: skip


def told_lines(found: Sequence[Told], words: Words, now: datetime) -> list[str]:
    """What was escalated to a unit, of nobody."""
    return [
        words("work.told_line", n=one.pieces, waits=one.waits_for or words("work.citizen"), by=one.asked_by, since=words.near(one.since, now))
        for one in found
    ]  # fmt: skip


def next_address(path: str, wish: Wish, found: Sequence[Piece], fields: dict[str, str]) -> str:
    """Where the next page of a queue is; "" when this was the last."""
    if len(found) < wish.limit:
        return ""
    moment, task = found[-1].place
    kept = {name: value for name, value in fields.items() if value}
    return f"{path}?{urlencode({**kept, 'efter': f'{moment.isoformat()}~{task}'})}"
