"""The completeness manifest at the FHIR door: a header on every answer about one citizen, and an OperationOutcome in ``$everything``.

The header is a list of RFC 8941, one item for each source::

    Helhed-Sources: "Organization/0199…";said=answered;at=1764493200, "Organization/0199…";said=silent;fault=silent

``said`` is *answered*, *last-answer*, *silent*, *paused*, *delivers* (it stores here, or sends messages) or *not-asked* (a search reads what
is stored: ``$everything`` and ``$summary`` ask). ``at`` is when it gave the answer that is shown, in seconds since 1970.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import Header
from helhed.fhir.changes import Page, Version
from helhed.fhir.splice import instant
from helhed.fhir.store import Whole
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.record.live.gathering import LiveSources
from helhed.record.live.keeping import LiveVersion
from helhed.record.manifest import Manifest, Said, Told
from helhed.registries.sources import Source

_NAME = b"helhed-sources"
_GOOD = {Said.ANSWERED, Said.DELIVERS}


def sources_header(manifest: Manifest) -> tuple[Header, ...]:
    """The header; () where no source is known."""
    return ((_NAME, ", ".join(_item(one) for one in manifest.told).encode()),) if manifest else ()


def not_asked_header(sources: Sequence[Source]) -> tuple[Header, ...]:
    """The header of a search, which reads what is stored."""
    asked = [one for one in sources if one.terms is not None and one.active]
    return (
        ((_NAME, ", ".join(f'"Organization/{one.organisation}";said=not-asked' for one in asked).encode()),)
        if asked
        else ()
    )


def _item(one: Told) -> str:
    told = f'"Organization/{one.organisation}";said={one.said}'
    told += f";at={int(one.at.timestamp())}" if one.at else ""
    told += f";fault={one.fault}" if one.fault else ""
    told += f";dropped={one.dropped}" if one.dropped else ""
    return told + (";withholds" if one.withholds else "")


def manifest_outcome(manifest: Manifest) -> bytes:
    """An OperationOutcome with an issue for each source."""
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [_issue(one) for one in manifest.told]})


def _issue(one: Told) -> dict[str, Any]:
    good = one.said in _GOOD and not one.dropped
    when = f" {instant(one.at)}" if one.at else ""
    sentence = {
        Said.ANSWERED: f"{one.name} answered{when}.",
        Said.LAST_ANSWER: f"{one.name} does not answer now. Here is what it answered{when}.",
        Said.SILENT: f"{one.name} does not answer. Nothing of it is here, which does not mean that it has nothing.",
        Said.PAUSED: f"{one.name} is not asked at present. Nothing of it is here, which does not mean that it has nothing.",
        Said.DELIVERS: f"{one.name} delivers by itself, the last time{when or ' never'}.",
    }[one.said]
    sentence += f" {one.dropped} parts of its answer could not be used." if one.dropped else ""
    sentence += " It has blocks of its own and may hold back without saying so." if one.withholds else ""
    return {
        "severity": "information" if good else "warning",
        "code": "informational" if good else "incomplete",
        "details": {"coding": [{"system": "urn:helhed:source-said", "code": one.said}]},
        "diagnostics": sentence,
    }


def with_answers(page: Page, answered: Sequence[LiveVersion], whole: Whole) -> Page:
    """A page of ``$everything`` with what sources answered, as far as it was asked for."""
    fits = [one.version for one in answered if _fits(one, whole)]
    return Page([*page.matches, *fits], page.included, page.total, page.next_cursor)


def _fits(one: LiveVersion, whole: Whole) -> bool:
    if whole.since is not None and one.updated < whole.since:
        return False
    return (whole.start is None or one.hi >= whole.start) and (whole.end is None or one.lo <= whole.end)


async def read_answered(live: LiveSources | None, ask: Ask, type_name: str, identifier: UUID | None) -> Version:
    """A row that a source answered, by its id. Raises Unknown."""
    if live is not None and live.any_live and identifier is not None and type_name in live.held:
        opened = await live.kept.read(ask, type_name, identifier)
        if opened is not None:
            return opened.version
    raise Unknown


def versions(answered: Sequence[LiveVersion]) -> list[Version]:
    """The versions alone."""
    return [one.version for one in answered]
