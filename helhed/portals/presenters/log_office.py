"""The desk of whoever keeps a log, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.foundation.ask import Action
from helhed.portals.language import Words
from helhed.portals.presenters.questions import Asked, asked
from helhed.trust.audit_events.delivering import LogSource
from helhed.trust.log.follow_up import StaffLook
from helhed.trust.log.shielding import Shield, shield_policy
from helhed.trust.log.why import OpenedQuestion
from helhed.trust.policy import BASIS_NUMBERS

_BASES = {number: name for name, number in BASIS_NUMBERS.items()}
#: their row carries the basis of whoever had no relation, and needed none
_NEEDS_NO_BASIS = frozenset({Action.LOOKUP, Action.DECLARE})


def _basis(number: int | None, words: Words) -> str:
    """The basis in words, for whoever is not the citizen; nothing where none is known, as of what a source delivered."""
    return words.basis(_BASES[number])[0] if number in _BASES else ""


@dataclass(frozen=True, slots=True)
class OpenedView:
    """A question that was opened."""

    asked: Asked
    citizen: str
    born: str
    who: str
    withheld: bool
    did: str
    why: str
    look: int | None
    notes: Sequence[str]


def opened_view(one: OpenedQuestion, words: Words, now: datetime, named: str = "") -> OpenedView:
    """With the name, when it was told for a case."""
    did = words.either(f"log.did.{one.action}", words("log.did.1")) if one.permitted else words("log.tried")
    why = _basis(one.basis, words) if one.permitted else words("log.denied_why")
    why = "" if one.permitted and one.action in _NEEDS_NO_BASIS else why
    notes = [words("log.reason_there", reason=one.local["reason"])] if one.local.get("reason") else []
    return OpenedView(
        asked(one.question, words, now), one.citizen_name, words.day(one.born) if one.born else "",
        named or one.actor_name or words("log.somebody"), one.withheld and not named, did, why, one.question.look, notes,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShieldView:
    """A rule."""

    id: UUID
    place: str
    whom: str
    reason: str
    case: str
    until: str
    by: str


def shield_view(one: Shield, words: Words) -> ShieldView:
    """A rule in words."""
    reason = shield_policy().reasons.get(one.reason, {}).get(words.language, one.reason)
    whom = words("office.from_one" if one.for_one else "office.from_all")
    return ShieldView(
        one.id, one.organisation_name, whom, reason, one.case_number, words.day(one.valid_to), one.set_by or ""
    )


@dataclass(frozen=True, slots=True)
class LookView:
    """A look of somebody of the own staff."""

    when: str
    actor: int
    who: str
    place: str
    did: str
    why: str
    citizen: str


def look_view(one: StaffLook, words: Words) -> LookView:
    """A look in words, without saying at whom."""
    role = words.role(one.role)
    who = one.actor_name or words("log.somebody")
    told = "log.step" if one.action in _NEEDS_NO_BASIS else "log.did"  # the other words say *you* to the citizen
    did = words.either(f"{told}.{one.action}", words("log.did.1")) if one.permitted else words("log.denied_chip")
    why = _basis(one.basis, words) if one.permitted and one.action not in _NEEDS_NO_BASIS else ""
    return LookView(
        words.instant(one.moment),
        one.actor,
        f"{who}, {role}" if role else who,
        one.organisation_name,
        did,
        why,
        one.citizen,
    )


@dataclass(frozen=True, slots=True)
class SourceView:
    """How whole a source's log is."""

    name: str
    whole: bool
    state: str
    gaps: Sequence[str]


def source_view(one: LogSource, words: Words) -> SourceView:
    """What is here, what is missing, and whose move it is."""
    gaps = [
        words(
            "log.source_gap", since=words.instant(gap.since), until=words.instant(gap.until), said=gap.said, here=gap.here,
            by=words.day(gap.mend_by),
        )
        for gap in one.gaps
    ]  # fmt: skip
    if one.silent_since is not None:
        state = words("log.source_silent", name=one.name, when=words.instant(one.silent_since))
    elif one.whole_until is not None:
        state = words("log.source_whole", name=one.name, when=words.instant(one.whole_until))
    else:
        state = words("log.source_untold", name=one.name)
    return SourceView(one.name, one.whole, state, gaps)
