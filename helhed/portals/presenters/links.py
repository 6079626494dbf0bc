"""Two registrations of one citizen, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helhed.foundation.ask import ActorKind
from helhed.portals.language import Words, number_with_hyphen
from helhed.portals.presenters.matches import MatchLine, match_line
from helhed.registries.directory import Candidate, CitizenIdentity
from helhed.registries.keeping import SeenLink
from helhed.registries.matching import Described, compared, contradicts, plain_words
from helhed.registries.wrongly_linked import Acted, WronglyLinked


@dataclass(frozen=True, slots=True)
class Pair:
    """Two that may be one, beside each other."""

    replaced: MatchLine
    kept: MatchLine
    replaced_id: str
    kept_id: str
    alike: tuple[str, ...]
    unlike: bool  #: whether something speaks against it


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link."""

    id: str
    replaced: str
    kept: str
    state: str  #: a word of ``links``
    stands: bool
    when: str
    why: str
    told: int


@dataclass(frozen=True, slots=True)
class ActedRow:
    """Somebody who acted."""

    who: str
    where: str
    looks: str
    writes: str
    when: str
    both: bool


def pair_view(replaced: CitizenIdentity, kept: CitizenIdentity, words: Words, now: datetime) -> Pair:
    """What a keeper compares: the two by their identity minimum, and how alike each part is."""
    described = Described((), plain_words(replaced.name), replaced.birth_date, replaced.sex)
    found = compared(described, Candidate(kept, False, False))
    alike = match_line(kept, words, now, found).reasons
    unlike = any(much < contradicts() for _, much in found)
    both = match_line(replaced, words, now), match_line(kept, words, now)
    return Pair(both[0], both[1], str(replaced.patient), str(kept.patient), alike, unlike)


def link_rows(found: Sequence[SeenLink], words: Words) -> tuple[LinkView, ...]:
    """The newest first."""
    return tuple(link_view(one, words) for one in found)


def link_view(one: SeenLink, words: Words) -> LinkView:
    """One link."""
    undone = one.unlinked_at is not None
    return LinkView(
        str(one.id),
        _named(one.replaced_name, one.replaced_number),
        _named(one.kept_name, one.kept_number),
        "undone" if undone else "stands",
        not undone,
        words.instant(one.unlinked_at or one.linked_at),
        (one.unlinked_reason if undone else one.reason) or "",
        one.told,
    )


def _named(name: str, number: str | None) -> str:
    return f"{name} ({number_with_hyphen(number)})" if number else name


def acted_rows(found: WronglyLinked, words: Words) -> tuple[ActedRow, ...]:
    """Whoever acted on both first."""
    return tuple(_row(one, words) for one in found.acted)


def _row(one: Acted, words: Words) -> ActedRow:
    kinds = {ActorKind.CITIZEN: "links.citizen", ActorKind.SYSTEM: "links.system"}
    who = one.actor_name or words(kinds.get(ActorKind(one.kind), "links.citizen"))
    return ActedRow(
        who,
        one.organisation_name or "",
        f"{one.looks_at_replaced} / {one.looks_at_kept}",
        f"{one.writes_on_replaced} / {one.writes_on_kept}",
        f"{words.instant(one.first_at)} – {words.instant(one.last_at)}",
        one.saw_both,
    )
