"""The completeness manifest in words: who answered this look, who did not, how old each answer is, and who may hold back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from helhed.portals.language import Words
from helhed.record.manifest import Manifest, Said, Told
from helhed.registries.sources import Source


@dataclass(frozen=True, slots=True)
class ToldView:
    """One source."""

    name: str
    kind: str
    said: str
    good: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestView:
    """All of them; ``summed`` is what to read first, "" when nobody is asked."""

    summed: str
    whole: bool
    asked: tuple[ToldView, ...]
    delivering: tuple[ToldView, ...]
    withholding: str  #: names of those that may hold back, "" for none


def manifest_view(manifest: Manifest, words: Words, now: datetime) -> ManifestView:
    """A manifest in words."""
    asked = [one for one in manifest.told if one.said is not Said.DELIVERS]
    delivering = [one for one in manifest.told if one.said is Said.DELIVERS]
    answered = sum(1 for one in asked if one.said is Said.ANSWERED)
    summed = ""
    if asked:
        summed = words("manifest.all" if answered == len(asked) else "manifest.some", n=len(asked), answered=answered)
    return ManifestView(
        summed, manifest.whole, tuple(_told(one, words, now) for one in asked), tuple(_told(one, words, now) for one in delivering),
        words.listed([one.name for one in asked if one.withholds]),
    )  # fmt: skip


def _told(one: Told, words: Words, now: datetime) -> ToldView:
    when = words.near(one.at, now) if one.at else ""
    key = f"manifest.said.{one.said}" if one.at or one.said in {Said.SILENT, Said.PAUSED} else "manifest.said.never"
    said = words(key, when=when, why=words.either(f"manifest.why.{one.fault}", ""))
    return ToldView(
        one.name,
        words(f"source_kind.{one.kind}"),
        said,
        one.said in {Said.ANSWERED, Said.DELIVERS},
        tuple(_notes(one, words)),
    )


def _notes(one: Told, words: Words) -> Iterator[str]:
    if one.dropped:
        yield words("manifest.dropped", n=one.dropped)
    if one.withholds:
        yield words("manifest.withholds")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as an operator sees it."""

    id: str
    name: str
    kind: str
    organisation: str
    way: str
    address: str
    chip: str
    state: str
    details: tuple[str, ...]
    holds: str
    keeper: str
    active: bool


def source_rows(sources: Sequence[Source], words: Words, now: datetime) -> list[SourceRow]:
    """The registry in words."""
    return [_row(one, words, now) for one in sources]


def _row(one: Source, words: Words, now: datetime) -> SourceRow:
    state, chip = _state(one, now)
    return SourceRow(
        str(one.id), one.name, words(f"source_kind.{one.kind}"), one.organisation_name, words(f"sourcelist.way.{one.way}"),
        one.terms.address if one.terms else "", chip, words(f"sourcelist.state.{state}"), tuple(_details(one, words, now)),
        words.listed(sorted({words.kind_of_data(name) for name in one.types})), one.keeper, one.active,
    )  # fmt: skip


def _state(one: Source, now: datetime) -> tuple[str, str]:
    if not one.active:
        return "paused", "amber"
    if one.closed_until is not None and one.closed_until > now:
        return "resting", "red"
    if one.failures:
        return "failing", "amber"
    return ("in_order", "green") if one.answered_at or one.last_received else ("unheard", "amber")


def _details(one: Source, words: Words, now: datetime) -> Iterator[str]:
    if one.terms is None and one.last_received:
        yield words("manifest.said.delivers", when=words.near(one.last_received, now))
    if one.terms is not None and one.answered_at:
        yield words("manifest.said.answered", when=words.near(one.answered_at, now))
    if one.failures and one.failed_at:
        why = words.either(f"manifest.why.{one.reason}", "").removeprefix(", ")
        yield words("sourcelist.failed", n=one.failures, when=words.near(one.failed_at, now), why=why)
    if one.terms is not None:
        yield words("sourcelist.deadline", milliseconds=one.terms.deadline_ms)
