"""Blocks and consents in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports import Organisation
from helhed.portals.ports.consents import Block, Consent, Shape
from helhed.portals.presenters.names import Names

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block."""

    id: UUID
    sentence: str
    notes: tuple[str, ...]
    total: bool


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent."""

    id: UUID
    sentence: str
    note: str


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose; places are indented by their depth."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Teller:
    """What sentences about blocks are made with."""

    words: Words
    names: Names
    documents: Mapping[UUID, str]
    now: datetime

    def who(self, shape: Shape) -> str:
        """Whom a block stops."""
        place = self.names.organisation(shape.who_organisation) or self.words("block.unknown_place")
        person = self.person(shape.who_professional)
        if shape.who_professional is not None:
            return (
                person if shape.who_organisation is None else self.words("block.person_at", person=person, place=place)
            )
        if shape.who_organisation is None:
            return self.words("block.everybody")
        return self.words("block.place_alone" if shape.who_alone else "block.place", place=place)

    def person(self, key: int | None) -> str:
        """A professional's name."""
        return self.names.professionals.get(key or 0, "") or self.words("block.unknown_person")

    def what(self, shape: Shape) -> str:
        """What a block hides."""
        parts = []
        if shape.what_organisation is not None:
            place = self.names.organisation(shape.what_organisation) or self.words("block.unknown_place")
            parts.append(self.words("block.from_alone" if shape.what_alone else "block.from", source=place))
        if shape.what_author is not None:
            parts.append(self.words("block.by", author=self.person(shape.what_author)))
        if shape.what_from is not None or shape.what_to is not None:
            parts.append(self._period(shape.what_from, shape.what_to))
        if shape.what_document is not None:
            title = self.documents.get(shape.what_document) or self.words("block.a_document")
            parts.append(self.words("block.document_is", title=title))
        return self.words("block.some", parts=self.words.listed(parts)) if parts else self.words("block.everything")

    def _period(self, first: datetime | None, last: datetime | None) -> str:
        days = {"first": first and self.words.day(first), "last": last and self.words.day(last - _TICK)}
        name = "between" if first and last else "since" if first else "until"
        return self.words(f"block.took_place_{name}", **days)

    def sentence(self, shape: Shape) -> str:
        """A block as one sentence."""
        return self.words("block.sentence", what=self.what(shape), who=self.who(shape))

    def view(self, block: Block) -> BlockView:
        """A block with when it holds and what was chosen."""
        shape, words = block.shape, self.words
        notes = [words("block.since_other" if block.set_by_other else "block.since", when=words.instant(block.set_at))]
        if shape.valid_from is not None and self.now < shape.valid_from:
            notes.append(words("block.begins", when=words.day(shape.valid_from)))
        if block.ended_at is not None:
            notes.append(
                words(
                    "block.ended_by_other" if block.ended_by_other else "block.ended_at",
                    when=words.instant(block.ended_at),
                )
            )
        elif shape.valid_to is not None:
            notes.append(words("block.ends", when=words.day(shape.valid_to - _TICK)))
        else:
            notes.append(words("block.endless"))
        notes.append(words("block.existence_shown" if shape.shown else "block.existence_hidden"))
        return BlockView(block.id, self.sentence(shape), tuple(notes), shape == Shape(shown=shape.shown))

    def consent(self, consent: Consent, blocks: Mapping[UUID, Block]) -> ConsentView:
        """A consent as one sentence."""
        place = self.names.organisation(consent.organisation)
        person = "" if consent.professional is None else self.person(consent.professional)
        who = self.words("block.person_at", person=person, place=place) if person and place else person or place
        lifted = blocks.get(consent.block) if consent.block else None
        name = "read" if consent.block is None else "lift"
        what = "" if lifted is None else self.sentence(lifted.shape)
        sentence = self.words(f"consent.sentence_{name}", who=who, what=what)
        given, until = self.words.instant(consent.given_at), self.words.instant(consent.until)
        return ConsentView(consent.id, sentence, self.words("consent.note", given=given, until=until))


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
    """Places to choose: first those the citizen has met, with what stands above them, then all others."""
    everything = {organisation.key: organisation for organisation in tree}
    met = _with_those_above(everything, known)
    near, others = (_choices(everything, chosen, kept) for kept in (met, frozenset(everything) - met))
    return [(name, group) for name, group in (("block.known_places", near), ("block.other_places", others)) if group]


def people(names: Mapping[int, str], chosen: str) -> list[Option]:
    """Professionals to choose, by name."""
    by_name = sorted(names.items(), key=lambda one: (one[1].casefold(), one[0]))
    return [Option(str(key), name, str(key) == chosen) for key, name in by_name]


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
