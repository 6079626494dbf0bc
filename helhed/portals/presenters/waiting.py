"""What waits at the counter for a second person or for the citizen, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.presenters.acting import scope_words
from helhed.trust.acting.counter import OwnAct, Waiting
from helhed.trust.acting.policy import acting_policy


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """An act that waits at one's place."""

    id: UUID
    help: UUID
    what: str
    state: str  #: whose move it is, and until when
    own: bool
    documents: tuple[str, ...]  #: of which the second person has to have seen one


@dataclass(frozen=True, slots=True)
class OwnActLine:
    """An act in the citizen's own name."""

    id: UUID
    what: str
    told: str
    state: str
    waits: bool


def _what(act: str, said: dict[str, Any], name: str, words: Words) -> str:
    who = said.get("who") or words("help.everybody")
    if act != "mandate":
        return words("help.act.end_block", name=name, who=who)
    parts = dict(scope_words(words))
    last = words.day(datetime.fromisoformat(said["until"]) - timedelta(seconds=1))
    scopes = words.listed([parts[one].lower() for one in said["scopes"] if one in parts])
    return words("help.act.mandate", name=name, who=who, parts=scopes, until=last)


def waiting_lines(found: Sequence[Waiting], words: Words) -> list[WaitingLine]:
    """The oldest first."""
    documents = acting_policy().counter_documents
    return [
        WaitingLine(one.id, one.help, _what(one.act, one.said, one.citizen_name, words),
                    words("help.awaits", clerk=one.clerk_name, when=words.instant(one.lapses_at)), one.own, documents[one.act])
        for one in found
    ]  # fmt: skip


def own_act_lines(found: Sequence[OwnAct], name: str, words: Words) -> list[OwnActLine]:
    """The newest first."""
    return [
        OwnActLine(one.id, _what(one.act, one.said, name, words),
                   words("help.own_act", who=one.clerk_name or words("glass.name_withheld"), place=one.organisation_name,
                         when=words.instant(one.asked_at)), _state(one, words), one.state == "waits")
        for one in found
    ]  # fmt: skip


def _state(one: OwnAct, words: Words) -> str:
    when = words.instant(one.settled_at or one.lapses_at)
    return words(f"help.state.{one.state}", when=when, second=one.second_name or words("help.yourself"))
