"""What somebody would see, in words: today and with the block, with what is dangerous to hide apart from the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports.consents import Seen
from helhed.record import hiding, overview, timeline
from helhed.record.hiding import Share
from helhed.record.reading import Record
from helhed.trust.policy import BASIS_NUMBERS

MOST_NAMED = 4
_CONSENT, _OVERRIDE = BASIS_NUMBERS["consent"], BASIS_NUMBERS["override"]
_COUNTED = ("contact", "document", "vaccine")
_FIRST = ("allergies", "warnings")  #: told apart from the rest


@dataclass(frozen=True, slots=True)
class ShareView:
    """One row of before and after."""

    part: str
    today: str
    left: str
    hidden: bool
    hidden_names: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What one reader sees today, and what they would see."""

    key: str
    reader: str
    supposed: bool  #: they do not treat the citizen now: it is told as if they did
    shares: tuple[ShareView, ...]
    cave: tuple[str, ...]  #: sentences on what the reader would, or would not, be warned of
    cave_lost: bool
    gravest_title: str
    gravest_text: str
    touched: bool
    reasons: tuple[str, ...]  #: why something stays


@dataclass(frozen=True, slots=True)
class Looked:
    """A reader and what the decision answered for them."""

    key: str
    name: str
    seen: Mapping[UUID, Seen]
    supposed: bool = False


def trial(looked: Looked, record: Record, words: Words, now: datetime) -> Trial:
    """Before and after, as the reader would see it."""
    today = hiding.part_of(record, {row for row, seen in looked.seen.items() if seen.today is not None})
    then = hiding.part_of(record, {row for row, seen in looked.seen.items() if seen.then is not None})
    overviews = [overview.overview(one, now) for one in (record, today, then)]
    shares = hiding.compare(overviews[1], overviews[2], words.language, _more(today, then, words, now))
    title, text = _gravest(shares, words)
    caves = [[allergy.substance.text for allergy in one.allergies] for one in overviews]
    lost = any(share.hidden for share in shares if share.part in _FIRST)
    return Trial(
        looked.key, looked.name, looked.supposed, tuple(_share(share, words) for share in shares),
        tuple(_cave(caves, looked.name, words)), lost, title, text, len(then.entries) < len(today.entries),
        tuple(_reasons(looked.seen, words)),
    )  # fmt: skip


def _cave(caves: Sequence[Sequence[str]], reader: str, words: Words) -> list[str]:
    """On each thing that is not tolerated: whether the reader would be told."""
    everything, today, then = caves
    told = []
    for name in dict.fromkeys(everything):
        kind = "kept" if name in then else "lost" if name in today else "never"
        told.append(words(f"cave.{kind}", reader=reader, what=name))
    return told


def _reasons(seen: Mapping[UUID, Seen], words: Words) -> list[str]:
    bases = {one.then for one in seen.values()}
    return [
        words(f"stays.{name}") for basis, name in ((_CONSENT, "consent"), (_OVERRIDE, "override")) if basis in bases
    ]


def _more(today: Record, then: Record, words: Words, now: datetime) -> dict[str, tuple[list[str], list[str]]]:
    """Parts that are counted rather than shown on an overview."""
    return {kind: (_titles(today, kind, words, now), _titles(then, kind, words, now)) for kind in _COUNTED}


def _titles(record: Record, kind: str, words: Words, now: datetime) -> list[str]:
    found = [event for event in timeline.events(record, now) if event.kind == kind]
    return [title(event, words) for event in found]


def title(event: timeline.Event, words: Words) -> str:
    """One thing in the record, with its day."""
    return f"{event.title or words(f'one.{event.kind}')} {words.moment(event.at, time=False)}"


def documents(record: Record, words: Words, now: datetime) -> dict[UUID, str]:
    """Everything in the record that can be blocked by itself, newest first; measurements of a day each."""
    found: dict[UUID, str] = {}
    for event in timeline.events(record, now):
        if event.entry is not None:
            found.setdefault(event.entry.id, title(event, words))
    return found


def _share(share: Share, words: Words) -> ShareView:
    hidden = share.hidden
    return ShareView(
        part=words(f"part.{share.part}"),
        today=_some(share.today, words),
        left=_some(share.left, words) if share.left else "",
        hidden=bool(hidden),
        hidden_names=_some(hidden, words) if hidden and share.left else "",
    )


def _some(names: Sequence[str], words: Words) -> str:
    """The first names and how many more."""
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - MOST_NAMED
    return ", ".join(distinct[:MOST_NAMED]) + (words("timeline.and_more", n=more) if more > 0 else "")


def _gravest(shares: Sequence[Share], words: Words) -> tuple[str, str]:
    """What is most dangerous to hide: the first part that loses something and has a warning."""
    for share in shares:
        if share.hidden and words.has(f"grave.{share.part}.title"):
            names = _some(share.hidden, words)
            return words(f"grave.{share.part}.title", names=names), words(f"grave.{share.part}.text")
    return "", ""
