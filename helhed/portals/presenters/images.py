"""Images, wounds over time, and vaccinations, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from helhed.portals.language import Words
from helhed.portals.presenters.names import Names
from helhed.record.images import Picture, pictures
from helhed.record.moments import Moment
from helhed.record.paths import text, walk
from helhed.record.reading import Entry, Record
from helhed.record.timeline import title
from helhed.record.wounds import MEASURES, Wound, WoundDay, wounds

ZOOMS = ("100", "200", "400")


@dataclass(frozen=True, slots=True)
class PictureView:
    """One image: its address beneath the page, and what it is."""

    address: str
    title: str
    when: str
    source: str
    site: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """The image that is open, of several. ``before`` and ``after`` are numbers of images, "" at the ends."""

    picture: PictureView
    number: int
    count: int
    before: str
    after: str
    zoom: str
    zoom_in: str
    zoom_out: str


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of a wound."""

    when: str
    values: tuple[str, ...]
    pictures: tuple[str, ...]  #: numbers of images
    source: str


@dataclass(frozen=True, slots=True)
class WoundView:
    """A wound over time."""

    site: str
    columns: tuple[str, ...]
    days: tuple[DayView, ...]


@dataclass(frozen=True, slots=True)
class VaccineView:
    """One vaccination."""

    name: str
    when: str
    given: bool
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class ImagesView:
    """All of it."""

    viewer: Viewer | None
    pictures: tuple[PictureView, ...]
    wounds: tuple[WoundView, ...]
    vaccines: tuple[VaccineView, ...]


def images_view(record: Record, words: Words, names: Names, number: str, zoom: str) -> ImagesView:
    """The page: the image that the address asks for, or the newest."""
    shown = pictures(record)
    views = tuple(_picture(one, words, names) for one in shown)
    chosen = int(number) if number.isdecimal() and len(number) < 5 and 1 <= int(number) <= len(views) else 1
    return ImagesView(
        _viewer(views, chosen, zoom if zoom in ZOOMS else ZOOMS[0]) if views else None,
        views,
        tuple(_wound(one, shown, words, names) for one in wounds(record)),
        tuple(_vaccine(record, one, words, names) for one in _newest(record.of("Immunization"))),
    )


def _viewer(views: Sequence[PictureView], chosen: int, zoom: str) -> Viewer:
    place = ZOOMS.index(zoom)
    return Viewer(
        views[chosen - 1], chosen, len(views), str(chosen - 1) if chosen > 1 else "", str(chosen + 1) if chosen < len(views) else "",
        zoom, ZOOMS[place + 1] if place + 1 < len(ZOOMS) else "", ZOOMS[place - 1] if place else "",
    )  # fmt: skip


def _picture(one: Picture, words: Words, names: Names) -> PictureView:
    name = one.title or words(f"type.{one.type_name}")
    return PictureView(
        f"{one.type_name}/{one.id}/{one.place}", name, _when(one.at, words), names.organisation(one.origin), one.site
    )


def _when(at: Moment | None, words: Words) -> str:
    return words.moment(at, time=False) if at else words("images.undated")


def _wound(one: Wound, shown: Sequence[Picture], words: Words, names: Names) -> WoundView:
    told = {fact["key"]: fact[words.language] for fact in MEASURES.values()}
    keys = [key for key in told if any(key in day.measured for day in one.days)]
    days = tuple(_day(day, keys, shown, words, names) for day in one.days)
    return WoundView(one.site, tuple(told[key] for key in keys), days)


def _day(day: WoundDay, keys: Sequence[str], shown: Sequence[Picture], words: Words, names: Names) -> DayView:
    values = tuple(words.amount(*day.measured[key]) if key in day.measured else "" for key in keys)  # type: ignore[arg-type]
    numbers = tuple(str(shown.index(one) + 1) for one in day.pictures)
    return DayView(words.day(day.at), values, numbers, names.organisation(day.origin))


def _newest(entries: object) -> list[Entry]:
    found = [entry for entry in entries if entry.content.get("status") != "entered-in-error"]  # type: ignore[attr-defined]
    return sorted(found, key=lambda entry: -entry.moment.at.timestamp() if entry.moment else 0.0)


def _vaccine(record: Record, entry: Entry, words: Words, names: Names) -> VaccineView:
    why = next(
        (str(one) for one in walk(entry.content, "statusReason.text")),
        text(entry.content, "statusReason.coding.display"),
    )
    given = entry.content.get("status") == "completed"
    return VaccineView(title(record, entry), _when(entry.moment, words), given, why, names.organisation(entry.origin))
