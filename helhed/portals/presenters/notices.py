"""Notices in plain words: that there is something, and where it is read; never what it says about health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helhed.portals.language import Words
from helhed.trust.log.notices import Notice, notice_kinds


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice."""

    when: str
    machine: str
    text: str
    who: str
    address: str
    read: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind that may be switched on or off, or that may not."""

    kind: str
    text: str
    wanted: bool
    always: bool


def shown(one: Notice, words: Words) -> NoticeView:
    """A notice as the page has it."""
    kind = notice_kinds()[one.kind]
    who = ", ".join(name for name in (one.professional_name, one.organisation_name) if name)
    return NoticeView(
        words.instant(one.at),
        one.at.isoformat(),
        kind.words[words.language],
        who,
        kind.address,
        one.read_at is not None,
    )


def choices(wanted: Mapping[str, bool], words: Words) -> Sequence[Choice]:
    """Every kind, those that may be chosen first."""
    found = [
        Choice(name, kind.words[words.language], wanted[name], kind.always) for name, kind in notice_kinds().items()
    ]
    return sorted(found, key=lambda one: one.always)
