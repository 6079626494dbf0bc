"""Blocks in words: those in force, and what one more would hide."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports import Block, Organisation
from helhed.portals.presenters.names import Names
from helhed.record import hiding, overview, timeline
from helhed.record.hiding import Places, Rule, Share
from helhed.record.reading import Record

EVERYBODY, EVERYTHING = "alle", "alt"
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block in force."""

    id: UUID
    sentence: str
    since: str
    what_it_means: str


@dataclass(frozen=True, slots=True)
class Option:
    """An organisation to choose, indented by its depth."""

    value: str
    label: str
    chosen: bool


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
    """What a block would do, before it is saved."""

    sentence: str
    reader: str
    reader_touched: bool
    shares: tuple[ShareView, ...]
    gravest_title: str
    gravest_text: str
    who: str
    what: str


def sentence(who: int | None, what: int | None, words: Words, names: Names) -> str:
    """A block as one sentence."""
    return words(
        "block.sentence",
        what=words("block.everything") if what is None else words("block.from", source=names.organisation(what)),
        who=words("block.everybody") if who is None else names.organisation(who),
    )


def block_views(blocks: Sequence[Block], words: Words, names: Names) -> list[BlockView]:
    """Those in force."""
    return [
        BlockView(
            block.id,
            sentence(block.who, block.what, words, names),
            words.instant(block.set_at),
            words("block.means_total" if block.who is None and block.what is None else "block.means"),
        )
        for block in blocks
    ]


def options(tree: Iterable[Organisation], chosen: str, only: frozenset[int] | None = None) -> list[Option]:
    """The hierarchy as choices, units beneath their organisation; ``only`` keeps these and what stands above them."""
    known = {organisation.key: organisation for organisation in tree}
    return _choices(known, chosen, frozenset(known) if only is None else _with_those_above(known, only))


def _choices(known: Mapping[int, Organisation], chosen: str, kept: frozenset[int]) -> list[Option]:
    children: dict[int | None, list[Organisation]] = {}
    for organisation in known.values():
        parent = organisation.parent if organisation.parent in known else None
        children.setdefault(parent, []).append(organisation)
    return list(_options(children, None, 0, chosen, kept))


def grouped(tree: Sequence[Organisation], chosen: str, known: frozenset[int]) -> list[tuple[str, list[Option]]]:
    """Whom to block: first the places the citizen has met, with what stands above them, then all others."""
    everything = {organisation.key: organisation for organisation in tree}
    met = _with_those_above(everything, known)
    near, others = (_choices(everything, chosen, kept) for kept in (met, frozenset(everything) - met))
    return [(name, group) for name, group in (("block.known_places", near), ("block.other_places", others)) if group]


def _with_those_above(known: Mapping[int, Organisation], only: frozenset[int]) -> frozenset[int]:
    kept: set[int] = set()
    for key in only:
        step: int | None = key
        while step is not None and step not in kept and step in known:
            kept.add(step)
            step = known[step].parent
    return frozenset(kept)


def _options(
    children: Mapping[int | None, Sequence[Organisation]],
    parent: int | None,
    depth: int,
    chosen: str,
    kept: frozenset[int],
) -> Iterable[Option]:
    """Depth counts those above that are kept too: nothing seems to stand beneath what it does not."""
    for organisation in sorted(children.get(parent, ()), key=lambda found: found.name.casefold()):
        here = organisation.key in kept
        if here:
            value = str(organisation.key)
            yield Option(value, "\u00a0\u00a0\u00a0" * depth + organisation.name, value == chosen)
        yield from _options(children, organisation.key, depth + here, chosen, kept)


def places_of(tree: Iterable[Organisation]) -> Places:
    """For each organisation itself and everything above it."""
    known = {organisation.key: organisation for organisation in tree}
    return Places({key: tuple(_above(known, key)) for key in known})


def _above(known: Mapping[int, Organisation], key: int) -> Iterable[int]:
    step, seen = known.get(key), set[int]()
    while step is not None and step.key not in seen:
        seen.add(step.key)
        yield step.key
        step = known.get(step.parent) if step.parent is not None else None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a trial starts from: the citizen's own whole record and what is blocked already."""

    record: Record
    blocks: Sequence[Block]
    tree: Sequence[Organisation]
    emergency: int | None
    now: datetime


def reader_of(rule: Rule, situation: Situation, places: Places) -> int | None:
    """Whose eyes to try a block with: the emergency unit when the block touches it, else the place it is set against."""
    emergency = situation.emergency
    if emergency is not None and (rule.who is None or places.within(emergency, rule.who)):
        return emergency
    return rule.who if rule.who is not None else next((o.key for o in situation.tree), None)


def trial(rule: Rule, situation: Situation, words: Words, names: Names) -> Trial:
    """Before and after, as the reader would see it."""
    places = places_of(situation.tree)
    reader = reader_of(rule, situation, places)
    in_force = [Rule(block.who, block.what) for block in situation.blocks]
    today = hiding.visible(situation.record, reader or 0, in_force, places)
    then = hiding.visible(situation.record, reader or 0, [*in_force, rule], places)
    shares = hiding.compare(
        overview.overview(today, situation.now),
        overview.overview(then, situation.now),
        words.language,
        _more(today, then, words, situation.now),
    )
    title, text = _gravest(shares, words)
    return Trial(
        sentence=sentence(rule.who, rule.what, words, names),
        reader=names.organisation(reader),
        reader_touched=len(then.entries) < len(today.entries),
        shares=tuple(share_view(share, words) for share in shares),
        gravest_title=title,
        gravest_text=text,
        who=EVERYBODY if rule.who is None else str(rule.who),
        what=EVERYTHING if rule.what is None else str(rule.what),
    )


def _more(today: Record, then: Record, words: Words, now: datetime) -> dict[str, tuple[list[str], list[str]]]:
    """Parts that are counted rather than shown on an overview."""
    return {
        kind: (_titles(today, kind, words, now), _titles(then, kind, words, now))
        for kind in ("contact", "document", "vaccine")
    }


def _titles(record: Record, kind: str, words: Words, now: datetime) -> list[str]:
    found = [event for event in timeline.events(record, now) if event.kind == kind]
    return [f"{event.title or words(f'one.{kind}')} {words.moment(event.at, time=False)}" for event in found]


def share_view(share: Share, words: Words) -> ShareView:
    """One row in words."""
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
    shown = ", ".join(distinct[:MOST_NAMED])
    more = len(distinct) - MOST_NAMED
    return shown + (words("timeline.and_more", n=more) if more > 0 else "")


def _gravest(shares: Sequence[Share], words: Words) -> tuple[str, str]:
    """What is most dangerous to hide: the first part that loses something and has a warning."""
    for share in shares:
        if share.hidden and words.has(f"grave.{share.part}.title"):
            names = _some(share.hidden, words)
            return words(f"grave.{share.part}.title", names=names), words(f"grave.{share.part}.text")
    return "", ""
