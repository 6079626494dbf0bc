"""Interactions with types that another room serves (``helhed.fhir.virtual``); with all others, those of the store."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from helhed.api.answers import ALWAYS, Answer
from helhed.api.bundles import history_bundle
from helhed.api.door import Door
from helhed.api.interactions import Interactions, found, if_match_of
from helhed.api.request import Request
from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.query import Query
from helhed.fhir.store.asked_past import asked_past, kept_pairs
from helhed.fhir.store.paging import asked_query
from helhed.fhir.transaction import Item, Outcome, is_known
from helhed.fhir.transaction.entries import take_target
from helhed.fhir.validation import validate
from helhed.fhir.virtual import Served, wish_of
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, InvalidResource, MethodNotAllowed, NotSupported, Unknown
from helhed.foundation.ids import new_id, parse_id

_HISTORY = "_history"
_ONES_OWN = frozenset({"Subscription"})  #: types of which everybody sees what they made
_LONGEST_VERSION = 9


class Elsewhere:
    """What other rooms serve, as entries of Bundles and single requests ask for it."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def served(self, type_name: str | None) -> Served | None:
        """Who serves a type; None for the store."""
        return self._door.virtual.get(type_name or "")

    def takes(self, item: Item) -> bool:
        """Whether an entry is about such a type."""
        return not item.operation and self.served(item.type_name) is not None

    async def versions(self, ask: Ask, type_name: str, identifier: UUID | None) -> Sequence[Version]:
        """What the asker may see of it, newest first. Raises Unknown, as the store does of what it does not have."""
        room = self._room(type_name)
        seen = await room.versions(ask, identifier) if identifier is not None and _may_see(ask, type_name) else ()
        if not seen:
            await self._door.store.read(ask, type_name, None)
            raise Unknown
        return seen

    async def version(self, ask: Ask, type_name: str, name: str, number: str = "") -> Version:
        """The current version, or the one of that number."""
        seen = await self.versions(ask, type_name, parse_id(name))
        wanted = [one for one in seen if not number or str(one.version) == number]
        if not wanted:
            raise Unknown
        return wanted[0]

    async def past(self, ask: Ask, type_name: str, name: str | None, pairs: list[tuple[str, str]]) -> Page:
        """The history of one, whole; of the type nothing is told: a search says what there is."""
        past = asked_past(pairs, type_name, None if name is None else parse_id(name))
        if name is None:
            return await self._door.store.past(ask, past)
        seen = await self.versions(ask, type_name, past.id)
        since = [one for one in seen if past.since is None or one.updated >= past.since]
        return Page(list(since[: past.count]), [], len(since), None)

    async def search(self, ask: Ask, query: Query) -> Page:
        """What is found of such a type; the store answers whoever can see nothing of it."""
        store, shape = self._door.store, self._room(query.type_name).shape
        after = store.place_after(ask, query)
        wish = wish_of(query, shape.parameters, base=self._door.base, after=after or ())
        got = await self._room(query.type_name).search(ask, wish) if _may_see(ask, query.type_name) else None
        if got is None:
            return await store.search(ask, replace(query, cursor=None) if after else query)
        link = store.link_after(ask, query, list(got.after)) if got.after else None
        return Page(list(got.matches), [], got.total, link)

    async def look(self, ask: Ask, item: Item) -> Outcome:
        """An entry's GET."""
        parts = item.target.split("/") if item.target else []
        if _HISTORY in parts[-1:]:
            page = await self.past(ask, item.type_name, parts[0] if len(parts) > 1 else None, item.pairs)
            return Outcome(page=page, past="/".join([item.type_name, *parts[:-1]]))
        if not parts:
            opened = partial(self._door.store.page_link, ask)
            query = asked_query(opened, item.type_name, item.pairs, base_url=self._door.root)
            return Outcome(page=await self.search(ask, query), query=query)
        if len(parts) not in {1, 3} or parts[1:2] not in ([], [_HISTORY]):
            raise NotSupported("Inside a Bundle, GET reads, reads a version, tells a history, or searches.")
        version = await self.version(ask, item.type_name, parts[0], "".join(parts[2:]))
        return Outcome(version=version, known=is_known(version, item.if_none_match, None))

    async def change(self, ask: Ask, items: Sequence[Item]) -> Sequence[Written]:
        """Entries that change such a type, all or none; of one type, for one room does them in one transaction."""
        names = {item.type_name for item in items}
        if len(names) > 1:
            raise BadRequest(
                "A transaction changes resources of one type that another room keeps, and no others beside."
            )
        for item in items:
            take_target(item)
            self._check(item.method, item.type_name, item.resource, f"{item.where}.resource")
        changes = [
            Change(item.method, item.type_name, item.resource, item.raw, item.id or new_id(), item.if_match,
                   where=f"{item.where}.resource")
            for item in items
        ]  # fmt: skip
        return await self._room(items[0].type_name).change(ask, changes)

    async def change_one(self, ask: Ask, change: Change) -> Written:
        """One change by itself."""
        self._check(change.method, change.type_name, change.resource, "")
        return (await self._room(change.type_name).change(ask, [change]))[0]

    def _room(self, type_name: str) -> Served:
        served = self.served(type_name)
        assert served is not None
        return served

    def _check(self, method: str, type_name: str, resource: object, where: str) -> None:
        if method not in self._room(type_name).shape.writes:
            raise MethodNotAllowed(f"{type_name} resources are not changed like that here.")
        issues = validate(resource, where) if isinstance(resource, dict) else []
        if issues:
            raise InvalidResource(issues=issues)


class AllInteractions(Interactions):
    """The interactions of the door, whoever serves the type."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._away = Elsewhere(door)
        self.elsewhere = self._away

    async def read(self, request: Request, type_name: str, name: str) -> Answer:
        """A read."""
        if self._away.served(type_name) is None:
            return await super().read(request, type_name, name)
        return await self.shown(request, await self._away.version(request.ask, type_name, name))

    async def vread(self, request: Request, type_name: str, name: str, number: str) -> Answer:
        """A read of a version."""
        if self._away.served(type_name) is None:
            return await super().vread(request, type_name, name, number)
        return await found(request, await self._away.version(request.ask, type_name, name, number[:_LONGEST_VERSION]))

    async def history(self, request: Request, type_name: str | None = None, name: str | None = None) -> Answer:
        """A history."""
        if type_name is None or self._away.served(type_name) is None:
            return await super().history(request, type_name, name)
        page = await self._away.past(request.ask, type_name, name, request.pairs())
        path = "/".join(part for part in (type_name, name) if part)
        return Answer(200, history_bundle(self._base, path, page, kept_pairs(request.pairs())))

    async def searched(self, ask: Ask, query: Query) -> Page:
        """A page of a search."""
        if self._away.served(query.place) is None:
            return await super().searched(ask, query)
        return await self._away.search(ask, query)

    async def create(self, request: Request, type_name: str) -> Answer:
        """A create."""
        if self._away.served(type_name) is None:
            return await super().create(request, type_name)
        if request.header(b"if-none-exist"):
            raise NotSupported(f"{type_name} is not created on a condition here.")
        return await self._changed(request, type_name, None)

    async def update(self, request: Request, type_name: str, name: str) -> Answer:
        """An update."""
        if self._away.served(type_name) is None:
            return await super().update(request, type_name, name)
        return await self._changed(request, type_name, name)

    async def delete(self, request: Request, type_name: str, name: str) -> Answer:
        """A delete."""
        if self._away.served(type_name) is None:
            return await super().delete(request, type_name, name)
        change = Change("DELETE", type_name, None, None, parse_id(name), if_match_of(request))
        await self._away.change_one(request.ask, change)
        return Answer(204, b"", ALWAYS)

    async def _changed(self, request: Request, type_name: str, name: str | None) -> Answer:
        if not self._writes(type_name, "POST" if name is None else "PUT"):
            raise MethodNotAllowed(f"{type_name} resources are not changed like that here.")
        raw = await request.json_body()
        resource = await aside(len(raw), lambda: self.sound(raw, type_name))
        if name is not None and resource.get("id") != name:
            raise BadRequest("The id of the resource must be the id of the URL.")
        method, identifier = ("POST", new_id()) if name is None else ("PUT", parse_id(name))
        change = Change(method, type_name, resource, raw, identifier, if_match_of(request))
        written = await self._away.change_one(request.ask, change)
        return await self.written(request, written, 201 if written.created else 200)

    def _writes(self, type_name: str, method: str) -> bool:
        served = self._away.served(type_name)
        return served is not None and method in served.shape.writes


def _may_see(ask: Ask, type_name: str) -> bool:
    """What other rooms serve is decided by themselves, and not by whose rows it tells of: an ask for one patient sees its own alone."""
    return not ask.for_one or type_name in _ONES_OWN


__all__ = ["AllInteractions", "Elsewhere"]
