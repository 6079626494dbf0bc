"""The broken glass in words: for the professional, for who reviews it, and for the citizen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports.glass import Opening, OwnTicket, Waiting
from helhed.trust.glass.rules import glass_policy, reason_of
from helhed.trust.glass.tickets import LookUnder
from helhed.trust.policy import BASIS_NUMBERS

OVERRIDE = BASIS_NUMBERS["override"]
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OpenView:
    """What opens the record now."""

    id: UUID
    broken: bool  #: by a ticket; else by the citizen's consent
    until: str
    minutes: int  #: left, begun ones counted


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A ticket that waits for its review."""

    id: str
    heading: str
    who: str
    why: str
    added: str
    held: str
    due: str
    overdue: bool
    passed_up: str  #: why it came to who reviews for the network
    looks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnView:
    """One time the glass was broken, as the citizen reads it."""

    heading: str
    who: str
    why: str
    added: str
    held: str
    looks: tuple[str, ...]
    outcome: str
    words: str
    state: str  #: waiting, late, justified, unjustified


def reasons(words: Words) -> list[tuple[str, str]]:
    """Code and words of each reason."""
    return [(code, one.words[words.language]) for code, one in glass_policy().reasons.items()]


def complaints(words: Words) -> list[tuple[str, str]]:
    """Where to complain."""
    return [(said[words.language], address) for said, address in glass_policy().complaints]


def open_view(opening: Opening, words: Words, now: datetime) -> OpenView:
    """A ticket with the minutes that are left, or a consent."""
    left = -(-(opening.until - now) // _MINUTE)
    return OpenView(opening.id, opening.basis == OVERRIDE, words.near(opening.until, now), left)


def review_view(one: Waiting, words: Words, now: datetime) -> ReviewView:
    """A ticket that waits."""
    known, added = reason_of(one.reason)
    return ReviewView(
        str(one.ticket),
        one.citizen or words("glass.unknown_citizen"),
        _who(one.professional, one.role, one.organisation_name, words),
        known.words[words.language] if known else "",
        added,
        _held(one.opened_at, one.ended_at, words),
        words.near(one.due_at, now),
        one.due_at <= now,
        words(f"glass.passed_{one.passed_up}", place=one.organisation_name) if one.passed_up else "",
        _looks(one.looks, words),
    )


def own_view(one: OwnTicket, words: Words, now: datetime) -> OwnView:
    """One time the glass was broken."""
    known, added = reason_of(one.reason)
    state = "waiting" if (one.review_by or one.due_at) > now else "late"
    if one.reviewed_at is not None:
        state = "justified" if one.justified else "unjustified"
    return OwnView(
        words.instant(one.opened_at),
        _who(one.professional, one.role, one.organisation, words),
        known.to_citizen[words.language] if known else "",
        added,
        _held(one.opened_at, one.ended_at, words),
        _looks(one.looks, words),
        _outcome(one, state, words),
        one.words,
        state,
    )


def _outcome(one: OwnTicket, state: str, words: Words) -> str:
    """What came of it, or whose move it is until when, and why it was passed up."""
    moment = one.reviewed_at or one.review_by or one.due_at
    place = one.reviewed_in or one.reviewing or words("glass.who_runs_it")
    said = words(f"glass.outcome_{state}", when=words.instant(moment), place=place)
    why = words(f"glass.own_passed_{one.passed_up}", place=one.organisation) if one.passed_up else ""
    return " ".join(filter(None, (why, said)))


def _who(name: str | None, role: str, place: str, words: Words) -> str:
    parts = (name or words("glass.name_withheld"), words.role(role), place)
    return ", ".join(part for part in parts if part)


def _held(opened: datetime, ended: datetime, words: Words) -> str:
    return words("glass.held", since=words.instant(opened), until=words.time(ended))


def _looks(looks: Sequence[LookUnder], words: Words) -> tuple[str, ...]:
    return tuple(
        words("glass.look", at=words.time(one.at), did=words(f"log.step.{one.action}"), what=_kinds(one, words), n=one.count)
        for one in looks
    )  # fmt: skip


def _kinds(look: LookUnder, words: Words) -> str:
    """Each kind of data once, though several types are called the same."""
    return words.listed(sorted({words.kind_of_data(name) for name in look.types}))
