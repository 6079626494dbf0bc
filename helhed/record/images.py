"""The images of a record: those in documents, photographs, and the frames of studies, each with its place in the row that presents it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from helhed.record.moments import Moment
from helhed.record.paths import Json, objects, text, walk
from helhed.record.reading import Entry, Record
from helhed.record.timeline import title

KINDS = ("image/jpeg", "image/png")
_RETRACTED = {"entered-in-error", "cancelled", "not-done", "superseded"}
_PRESENTING = ("DocumentReference", "Media", "DiagnosticReport")
_MOST_FRAMES = 200  #: of one study


@dataclass(frozen=True, slots=True)
class Picture:
    """One image that can be shown."""

    type_name: str
    id: UUID
    place: int  #: which of the row's attachments or frames it is, from 0
    title: str
    at: Moment | None
    origin: int
    site: str  #: which part of the body, "" when it does not say


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of a study, as DICOMweb names it."""

    study: str
    series: str
    instance: str


def pictures(record: Record) -> list[Picture]:
    """Every image, newest first."""
    found = [one for entry in record.of(*_PRESENTING, "ImagingStudy") for one in _pictures(record, entry)]
    return sorted(found, key=lambda one: (-one.at.at.timestamp() if one.at else 0.0, str(one.id), one.place))


def _pictures(record: Record, entry: Entry) -> Iterator[Picture]:
    if entry.content.get("status") in _RETRACTED:
        return
    if entry.type_name == "ImagingStudy":
        places = range(min(len(list(frames(entry.content))), _MOST_FRAMES))
    else:
        places = [n for n, one in enumerate(attachments(entry.content)) if _kind(one) in KINDS]  # type: ignore[assignment]
    site = text(entry.content, "bodySite.text", "bodySite.coding.display", "series.bodySite.display")
    for place in places:
        yield Picture(entry.type_name, entry.id, place, title(record, entry), entry.moment, entry.origin, site)


def attachments(content: Json) -> list[Json]:
    """The attachments of a row, in its order: what carries data, or an address that is no extension's."""
    return list(_attachments(content, ""))


def _attachments(value: object, name: str) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _attachments(one, name)
    elif isinstance(value, dict) and name not in {"extension", "modifierExtension", "contained"}:
        if "contentType" in value and ("url" in value or "data" in value):
            yield value
        for key, one in value.items():
            yield from _attachments(one, key)


def _kind(attachment: Json) -> str:
    return text(attachment, "contentType").split(";")[0].strip().lower()


def frames(content: Json) -> Iterator[Frame]:
    """The images of a study, series by series."""
    study = next((str(one).removeprefix("urn:oid:") for one in walk(content, "identifier.value")), "")
    for series in objects(content.get("series")):
        for instance in objects(series.get("instance")):
            frame = Frame(study, text(series, "uid"), text(instance, "uid"))
            if all((frame.study, frame.series, frame.instance)):
                yield frame
