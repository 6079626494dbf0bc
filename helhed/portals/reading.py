"""Reading for pages: a record with the names it speaks of, and the timeline filter of an address."""

from collections.abc import Iterable
from datetime import date

from helhed.foundation.ask import Ask
from helhed.portals.context import Visit
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.timeline import Teller, TimelineView, timeline_view
from helhed.record import timeline
from helhed.record.facts import KINDS
from helhed.record.naming import organisation_keys, professional_keys
from helhed.record.reading import Record, RecordReader


async def read_record(visitor: Visit, ask: Ask, citizen: int) -> tuple[Record, Names]:
    """Everything the ask may see of the citizen, and the names behind its keys."""
    record = await RecordReader(visitor.ports.rows, live=visitor.ports.live).whole_record(ask, citizen)
    return record, await names_of(visitor, organisation_keys(record), professional_keys(record))


async def names_of(visitor: Visit, organisations: Iterable[int], professionals: Iterable[int] = ()) -> Names:
    """Names of organisations and professionals."""
    registries = visitor.ports.registries
    return Names(
        await registries.organisations(sorted(set(organisations))),
        await registries.professional_names(sorted(set(professionals))),
    )


def wanted_stretch(visitor: Visit) -> timeline.Filter:
    """The filter in the address: ``slags``, ``kilde``, ``foer``. What cannot be read is left out."""
    asked = visitor.request.query_params
    kind, source = asked.get("slags", ""), asked.get("kilde", "")
    return timeline.Filter(kind if kind in KINDS else "", _key(source), _day(asked.get("foer", "")))


def _key(value: str) -> int | None:
    return int(value) if value.removeprefix("-").isdecimal() and len(value) <= len(str(-(1 << 63))) else None


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


def told_timeline(visitor: Visit, record: Record, names: Names, size: int) -> TimelineView:
    """The stretch of the timeline that the address asks for."""
    wanted = wanted_stretch(visitor)
    found = timeline.stretch(timeline.events(record, visitor.now), wanted, size)
    return timeline_view(Teller(record, visitor.words, names), found, wanted, timeline.undated(record))


organisation_key = _key
