"""Who acts for whom, in plain words: the banner over somebody else's record, the choice after log-in, and the mandates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words
from helhed.trust.acting.mandates import Acting, ActsFor
from helhed.trust.acting.policy import acting_policy
from helhed.trust.policy import BASIS_NUMBERS

_FOR_EVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=3660)
CUSTODY, MANDATE = BASIS_NUMBERS["custody"], BASIS_NUMBERS["mandate"]
_YOUTH = BASIS_NUMBERS["decision-for-youth"]


@dataclass(frozen=True, slots=True)
class Banner:
    """On whose behalf somebody is here, by what, and until when."""

    name: str
    why: tuple[str, ...]
    parts: str  #: what a mandate opens; "" when everything is open
    may_block: bool
    sees_log: bool
    sees_consents: bool
    sees_calendar: bool
    changes_card: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One whose record may be opened."""

    patient: UUID
    name: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActingView:
    """A row of the page of mandates."""

    id: UUID
    name: str
    basis: str
    parts: tuple[str, ...]
    obeys_blocks: bool
    period: str
    origin: str
    ending: str
    state: str
    may_end: bool  #: by the one who reads


@dataclass(frozen=True, slots=True)
class ActingPage:
    """Both directions, each with what holds, what waits and what is over."""

    asked: tuple[ActingView, ...]  #: offers that wait for the reader's answer
    mine: tuple[ActingView, ...]  #: who acts for the reader, or has been asked to
    others: tuple[ActingView, ...]  #: whom the reader acts for
    past: tuple[ActingView, ...]


@dataclass(frozen=True, slots=True)
class MandateForm:
    """What the form holds, and what is wrong with it by field."""

    number: str = ""
    name: str = ""
    scopes: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""
    obeys_blocks: bool = False
    problems: dict[str, str] = field(default_factory=dict)


def scope_words(words: Words) -> list[tuple[str, str]]:
    """The parts of a record that a mandate may name."""
    scopes = acting_policy().scopes.values()
    return [(one.name, one.danish if words.language == "da" else one.english) for one in scopes]


def _parts(scopes: Iterable[str], words: Words) -> tuple[str, ...]:
    said = dict(scope_words(words))
    return tuple(said[one] for one in scopes if one in said)


def _until(until: datetime, words: Words) -> str:
    """The last day on which it holds, said as a day when it ends at midnight, else to the minute."""
    if until >= _FOR_EVER:
        return words("acting.no_end")
    local = until.astimezone(DANISH_TIME)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return words("acting.to_day", when=words.day(local.date() - timedelta(days=1)))
    return words("acting.to", when=words.instant(until))


def _why(one: ActsFor, words: Words) -> str:
    if one.basis == CUSTODY:
        return words("acting.custody_until", when=words.day(one.until.astimezone(DANISH_TIME).date()))
    return f"{words(f'acting.by.{one.basis}')}, {_until(one.until, words)}"


def banner(acts: Sequence[ActsFor], words: Words) -> Banner | None:
    """None on one's own behalf."""
    if not acts:
        return None
    scopes = [one.scopes for one in acts]
    whole = any(not one or "all" in one for one in scopes)
    parts = "" if whole else words.listed([part.lower() for one in scopes for part in _parts(one, words)])
    may_block = any(one.basis in acting_policy().may_block for one in acts)
    return Banner(
        acts[0].name,
        tuple(_why(one, words) for one in acts),
        parts,
        may_block,
        opens(acts, "AuditEvent"),
        opens(acts, "Consent"),
        opens(acts, "Appointment"),
        opens(acts, "RelatedPerson"),
    )


def opens(acts: Iterable[ActsFor], type_name: str) -> bool:
    """Whether one of these bases opens a type, by the words in which it was given. What it opens, the database decides anew."""
    known = acting_policy().scopes
    opening = {name for name, scope in known.items() if scope.types is None or type_name in scope.types}
    return any(not one.scopes or not opening.isdisjoint(one.scopes) for one in acts)


def choices(acts: Sequence[ActsFor], words: Words) -> list[Choice]:
    """Each person once, with every basis."""
    by_patient: dict[UUID, list[ActsFor]] = {}
    for one in acts:
        by_patient.setdefault(one.patient, []).append(one)
    return [
        Choice(patient, held[0].name, tuple(_why(one, words) for one in held)) for patient, held in by_patient.items()
    ]


def page(found: Sequence[Acting], words: Words) -> ActingPage:
    """The page of mandates."""
    live = {"holds", "coming", "offered"}
    views = [(one, _view(one, words)) for one in found]
    return ActingPage(
        asked=tuple(view for one, view in views if one.state == "offered" and not one.for_me),
        mine=tuple(view for one, view in views if one.state in live and one.for_me),
        others=tuple(view for one, view in views if one.state in live - {"offered"} and not one.for_me),
        past=tuple(view for one, view in views if one.state not in live),
    )


def _view(one: Acting, words: Words) -> ActingView:
    since = words.day(one.since) if one.since.year > 1 else ""
    period = f"{words('acting.from', when=since)}, {_until(one.until, words)}" if since else _until(one.until, words)
    return ActingView(
        id=one.id,
        name=one.other_name or words("acting.protected_name"),
        basis=words(f"acting.{'for_me' if one.for_me else 'for_other'}.{one.basis}"),
        parts=_parts(one.scopes, words),
        obeys_blocks=one.obeys_blocks,
        period=period,
        origin=_origin(one, words),
        ending=_ending(one, words),
        state=one.state,
        may_end=one.state in ("holds", "coming") and (one.basis == MANDATE or (one.basis == _YOUTH and not one.for_me)),
    )


def _origin(one: Acting, words: Words) -> str:
    when = words.day(one.given_at) if one.given_at else ""
    if one.given_by_name and when:
        said = words("acting.registered_by", who=one.given_by_name, when=when)
    else:
        said = words("acting.given_on", when=when) if when else ""
    return f"{said} {one.ground}".strip()


def _ending(one: Acting, words: Words) -> str:
    if one.state not in ("ended", "declined", "withdrawn", "unanswered"):
        return ""
    if one.state == "ended" and one.ended_at is None:
        if one.basis == CUSTODY:
            return words("acting.ended_birthday", when=words.day(one.until))
        return words("acting.ended_itself", when=words.day(one.until))
    when = words.instant(one.ended_at) if one.ended_at else ""
    by = "by_me" if one.ended_by_me else "by_other"
    return words(f"acting.ended.{by}" if one.state == "ended" else f"acting.state.{one.state}", when=when)


def danish_midnight(day: date) -> datetime:
    """The first moment of a day in Denmark."""
    return datetime(day.year, day.month, day.day, tzinfo=DANISH_TIME)
