"""Help, letters and registrations, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.portals.language import Words, capital, number_with_hyphen
from helhed.portals.presenters.acting import MANDATE
from helhed.trust.acting.help import Helped, Letter, LetterRow, OwnHelp, Registered

_NEVER = datetime(9990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be ended."""

    id: str
    words: str
    may_end: bool = True


@dataclass(frozen=True, slots=True)
class HelpedView:
    """The page of a citizen who is helped."""

    id: UUID
    head: str
    number: str
    blocks: tuple[Item, ...]
    acting: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A letter in the queue."""

    id: UUID
    name: str
    what: str
    state: str
    may_send: bool
    contested: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log on paper."""

    when: str
    who: str
    did: str


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter, to print."""

    name: str
    date: str
    hello: str
    helped: str
    body: str
    second: str  #: who confirmed it; "" for what nobody had to
    contest: str
    printed: str
    log_head: str
    log: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class OwnHelpView:
    """Help as the citizen reads it."""

    id: UUID
    told: str
    did: str
    contested: str


@dataclass(frozen=True, slots=True)
class RegisteredRow:
    """What a keeper of the directory registered."""

    id: UUID
    told: str
    basis: str
    ground: str
    until: str
    holds: bool


def _moment(text: Any) -> datetime | None:
    """A moment out of JSON; None for the database's infinity."""
    if not isinstance(text, str) or "infinity" in text:
        return None
    return datetime.fromisoformat(text)


def _block(one: dict[str, Any], words: Words) -> Item:
    who = one["who"] or one["person"] or words("help.everybody")
    what = one["what"] or ("…" if one["narrow"] else words("help.everything"))
    return Item(one["id"], words("help.from", who=who, what=what))


def _acting(one: dict[str, Any], words: Words) -> Item:
    until = _moment(one["until"])
    ending = words("acting.to", when=words.instant(until)) if until else words("acting.no_end")
    basis = words(f"insight.by.{one['basis']}").lower()
    return Item(one["id"], f"{one['name']}, {basis}, {ending}", one["basis"] == MANDATE)


def block_items(found: Sequence[dict[str, Any]], words: Words) -> list[Item]:
    """Blocks that can be ended."""
    return [_block({**one, "id": str(one["id"])}, words) for one in found]


def helped_view(held: Helped, words: Words) -> HelpedView:
    """Whom one helps, and what is theirs to decide."""
    return HelpedView(
        held.id,
        words("help.now", name=held.name, when=words.time(held.ends_at)),
        number_with_hyphen(held.number),
        tuple(_block(one, words) for one in held.blocks),
        tuple(_acting(one, words) for one in held.acting),
    )


def letter_rows(found: Sequence[LetterRow], words: Words) -> list[LetterLine]:
    """What is to be sent first."""
    return [
        LetterLine(one.id, one.citizen_name, words(f"help.kind.{one.kind}"), _letter_state(one, words),
                   one.printed_at is not None and one.sent_at is None, one.contested_at is not None)
        for one in found
    ]  # fmt: skip


def _letter_state(one: LetterRow, words: Words) -> str:
    for moment, said in ((one.sent_at, "sent"), (one.printed_at, "printed")):
        if moment is not None:
            return words(f"help.{said}", when=words.instant(moment))
    return words("help.made", when=words.instant(one.made_at))


def letter_view(one: Letter, words: Words) -> LetterView:
    """A letter in the words of the page's language."""
    said, until = one.said, _moment(one.said.get("until"))
    since = _moment(said.get("since"))
    last = words.day(until - timedelta(seconds=1)) if until else ""
    who = said.get("who") or capital(words("help.everybody"))
    return LetterView(
        one.citizen_name,
        words("letter.date", place=said["place"], when=words.day(one.made_at)),
        words("letter.hello", name=one.citizen_name),
        words(
            "letter.helped",
            helper=said["helper"] or words("glass.name_withheld"),
            place=said["place"],
            identified=words(f"help.identified.{said['identified']}"),
        ),
        words(f"letter.body.{one.kind}", who=who, until=last, place=said["place"])
        if one.kind != "log"
        else words("letter.body.log"),
        words("letter.second", second=said["second"] or words("glass.name_withheld")) if "second" in said else "",
        words("letter.contest", place=said["place"]),
        capital(words("help.printed", when=words.instant(one.printed_at))) if one.printed_at else "",
        words("letter.log_head", when=words.day(since)) if since else "",
        tuple(_log_line(row, words) for row in said.get("rows", ())),
    )


def _log_line(row: dict[str, Any], words: Words) -> LogLine:
    role = words.role(row["role"]) or words("letter.log_system")
    who = ", ".join(part for part in (row["place"], role) if part)
    did = (
        words.either(f"log.step.{row['action']}", words("log.step.1"))
        if row["permitted"]
        else words("letter.log_denied")
    )
    return LogLine(words.instant(datetime.fromisoformat(row["at"])), who, did)


def own_help(found: Sequence[OwnHelp], words: Words) -> list[OwnHelpView]:
    """The newest first."""
    return [
        OwnHelpView(
            one.id,
            words("help.own", who=one.helper_name or words("glass.name_withheld"), place=one.organisation_name, when=words.instant(one.begun_at),
                  how=words(f"help.identified.{one.identified_by}")),
            words.listed([words(f"help.kind.{kind}") for kind in one.kinds]),
            words("help.you_contested", when=words.instant(one.contested_at)) if one.contested_at else "",
        )
        for one in found
    ]  # fmt: skip


def registered_rows(found: Sequence[Registered], words: Words) -> list[RegisteredRow]:
    """The newest first."""
    return [
        RegisteredRow(
            one.id,
            words("register.for", actor=one.actor_name, citizen=one.citizen_name),
            words(f"register.by.{one.basis}"),
            one.ground,
            words("acting.no_end") if one.until >= _NEVER else words("acting.to", when=words.instant(one.until)),
            one.holds,
        )
        for one in found
    ]
