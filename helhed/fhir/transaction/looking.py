"""Entries of a Bundle that look: reads, versions, histories and searches."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from helhed.fhir.changes import Page, Version, Written, number_in
from helhed.fhir.indexing.dates import interval
from helhed.fhir.query import Query
from helhed.fhir.store import Past, Store
from helhed.fhir.store.asked_past import asked_past
from helhed.fhir.store.budget import Budget
from helhed.fhir.store.paging import PageLink, asked_query
from helhed.fhir.transaction.entries import Item
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, HelhedError, NotSupported, Unknown
from helhed.foundation.ids import parse_id

_HISTORY = "_history"
_LONGEST = 19


@dataclass(slots=True)
class Outcome:
    """What became of one entry."""

    written: Written | None = None
    version: Version | None = None
    page: Page | None = None
    query: Query | None = None
    past: str | None = None  #: what the page is the history of, as its address names it; "" for the system
    told: bytes | None = None  #: what an operation answered
    known: bool = False  #: the version is one that the asker says it has
    error: HelhedError | None = None


class Looks(Protocol):
    """Where an entry's GET looks: inside the transaction, or in the store."""

    async def read(self, type_name: str, identifier: UUID | None) -> Version:
        """The current version."""

    async def vread(self, type_name: str, identifier: UUID | None, version: int) -> Version:
        """One version."""

    async def past(self, past: Past) -> Page:
        """A page of a history."""

    async def search(self, query: Query) -> Page:
        """A page of a search."""

    def page_link(self, type_name: str, cursor: str) -> PageLink:
        """The search that a page link goes on with."""


@dataclass(frozen=True, slots=True)
class StoreLooks:
    """Each entry a look of its own, as in a batch."""

    store: Store
    ask: Ask

    async def read(self, type_name: str, identifier: UUID | None) -> Version:
        """The current version."""
        return await self.store.read(self.ask, type_name, identifier)

    async def vread(self, type_name: str, identifier: UUID | None, version: int) -> Version:
        """One version."""
        return await self.store.vread(self.ask, type_name, identifier, version)

    async def past(self, past: Past) -> Page:
        """A page of a history."""
        return await self.store.past(self.ask, past)

    async def search(self, query: Query) -> Page:
        """A page of a search."""
        return await self.store.search(self.ask, query)

    def page_link(self, type_name: str, cursor: str) -> PageLink:
        """The search that a page link goes on with."""
        return self.store.page_link(self.ask, type_name, cursor)


async def look(looks: Looks, item: Item, base_url: str, budget: Budget) -> Outcome:
    """An entry's GET, and its place in the answer. Raises TooCostly when the answer is full."""
    budget.check()
    seen = await _seen(looks, item, base_url)
    versions = [seen.version] if seen.version else [*seen.page.matches, *seen.page.included] if seen.page else []
    for version in versions:
        budget.take(len(version.body))
    return seen


async def _seen(looks: Looks, item: Item, base_url: str) -> Outcome:
    parts = item.target.split("/") if item.target else []
    if item.type_name == _HISTORY or _HISTORY in (parts[-1:] or [""]):
        return await _past(looks, item, parts[:-1])
    if len(parts) > 1 and not item.place:
        if len(parts) == 3 and parts[1] == _HISTORY and _is_version(parts[2]):
            version = await looks.vread(item.type_name, parse_id(parts[0]), number_in(parts[2]))
            return _shown(item, named(parts[2], version))
        raise NotSupported("Inside a Bundle, GET reads, reads a version, tells a history, or searches.")
    if not item.place:
        return _shown(item, await looks.read(item.type_name, parse_id(parts[0])))
    query = asked_query(looks.page_link, item.place, item.pairs, base_url=base_url)
    return Outcome(page=await looks.search(query), query=query)


def _is_version(text: str) -> bool:
    return number_in(text) > 0 or (text.isdecimal() and len(text) < _LONGEST)


async def _past(looks: Looks, item: Item, named: list[str]) -> Outcome:
    if item.type_name == _HISTORY:
        return Outcome(page=await looks.past(asked_past(item.pairs, None, None)), past="")
    if len(named) > 1:
        raise BadRequest("This is the address of no history.")
    past = asked_past(item.pairs, item.type_name, parse_id(named[0]) if named else None)
    if named and past.id is None:
        await looks.read(item.type_name, None)
    return Outcome(page=await looks.past(past), past="/".join([item.type_name, *named]))


def _shown(item: Item, version: Version) -> Outcome:
    since = None
    if item.if_modified_since:
        try:
            since = interval(item.if_modified_since)[0]
        except ValueError:
            raise BadRequest("ifModifiedSince is a moment, as in 2026-11-23T08:00:00Z.") from None
    return Outcome(version=version, known=is_known(version, item.if_none_match, since))


def named(tag: str, version: Version) -> Version:
    """A version that was asked for by its version id. Raises Unknown when that is one of a part, and another was shown."""
    if "-" in tag and version.tag != tag:
        raise Unknown
    return version


def is_known(version: Version, tags: str, since: datetime | None) -> bool:
    """Whether the asker has ``version``: by its tag (If-None-Match), else by its time to the second (If-Modified-Since)."""
    if tags:
        own = f'"{version.tag}"'
        return any(tag.strip() in {"*", own, f"W/{own}"} for tag in tags.split(","))
    return since is not None and version.updated.replace(microsecond=0) <= since
