"""Transactions and batches (FHIR R4 http, section 3.1.0.11): a transaction is whole or absent."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import msgspec
import orjson

from helhed.fhir.changes import Change, Page, Version, Written
from helhed.fhir.definitions import Ownership, type_definition
from helhed.fhir.query import Query, parse_search
from helhed.fhir.references import references_in, rewrite_raw
from helhed.fhir.store import Store, WriteSession
from helhed.fhir.validation import validate
from helhed.foundation.ask import Ask
from helhed.foundation.errors import (
    BadRequest,
    HelhedError,
    InvalidResource,
    Issue,
    MethodNotAllowed,
    NotSupported,
    PreconditionFailed,
)
from helhed.foundation.ids import bucket_of, new_id, parse_id

MOST_ENTRIES = 5000
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3, "HEAD": 3}
_MOST_CONDITIONS = 500


@dataclass(slots=True)
class Item:
    """One entry of a Bundle."""

    position: int
    method: str
    type_name: str
    target: str  #: what follows the type in the URL
    pairs: list[tuple[str, str]]
    full_url: str
    resource: dict[str, Any] | None
    raw: bytes | None
    if_match: int | None
    if_none_exist: str
    id: UUID | None = None
    hit: UUID | None = None  #: what If-None-Exist found

    @property
    def where(self) -> str:
        """FHIRPath to the entry."""
        return f"Bundle.entry[{self.position}]"


@dataclass(slots=True)
class Outcome:
    """What became of one entry."""

    written: Written | None = None
    version: Version | None = None
    page: Page | None = None
    query: Query | None = None
    error: HelhedError | None = None


_ABSENT = msgspec.Raw(b"")


class _RawRequest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    method: str = ""
    url: str = ""
    if_none_exist: str = ""
    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""
    id: str = ""
    extension: msgspec.Raw = _ABSENT


class _RawEntry(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    full_url: str = ""
    resource: msgspec.Raw = _ABSENT
    request: _RawRequest = msgspec.field(default_factory=_RawRequest)
    id: str = ""
    extension: msgspec.Raw = _ABSENT
    link: msgspec.Raw = _ABSENT
    search: msgspec.Raw = _ABSENT
    response: msgspec.Raw = _ABSENT


class _RawBundle(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    resource_type: str
    type: str
    entry: list[_RawEntry] = []
    id: str = ""
    meta: msgspec.Raw = _ABSENT
    implicit_rules: str = ""
    language: str = ""
    identifier: msgspec.Raw = _ABSENT
    timestamp: str = ""
    total: int = 0
    link: msgspec.Raw = _ABSENT
    signature: msgspec.Raw = _ABSENT


def items_of(raw: bytes, bundle: dict[str, Any]) -> list[Item]:
    """The entries of a parsed Bundle with their raw bytes. Raises BadRequest or InvalidResource naming the entry."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise BadRequest(f"A Bundle takes at most {MOST_ENTRIES} entries.")
    try:
        raws = msgspec.json.decode(raw, type=_RawBundle).entry
    except msgspec.ValidationError as error:
        raise InvalidResource(
            issues=[Issue("structure", f"The Bundle is not put together right: {error}", "Bundle.entry")]
        ) from None
    return [
        _item(position, raw_entry, entry) for position, (raw_entry, entry) in enumerate(zip(raws, entries, strict=True))
    ]


def _item(position: int, raw: _RawEntry, entry: dict[str, Any]) -> Item:
    where = f"Bundle.entry[{position}]"
    method = raw.request.method
    if method not in _ORDER:
        raise InvalidResource(
            issues=[
                Issue(
                    "value",
                    "An entry's request has the method GET, HEAD, POST, PUT or DELETE.",
                    f"{where}.request.method",
                )
            ]
        )
    try:
        parts = urlsplit(raw.request.url)
    except ValueError:
        raise InvalidResource(issues=[Issue("value", "This is no address.", f"{where}.request.url")]) from None
    type_name, _, target = unquote(parts.path).strip("/").partition("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    _check_url(where, method, type_name, entry.get("resource"), bool(parts.scheme or parts.netloc))
    body = bytes(raw.resource) or None
    return Item(
        position, method, type_name, target, pairs, raw.full_url, entry.get("resource"), body,
        _version(where, raw.request.if_match), raw.request.if_none_exist,
    )  # fmt: skip


def _check_url(where: str, method: str, type_name: str, resource: Any, absolute: bool) -> None:
    try:
        if absolute:
            raise KeyError
        type_definition(type_name)
    except KeyError:
        raise InvalidResource(
            issues=[
                Issue(
                    "value",
                    "An entry's request names a resource type, as in Observation or Observation/id.",
                    f"{where}.request.url",
                )
            ]
        ) from None
    if method in {"POST", "PUT"}:
        if not isinstance(resource, dict):
            raise InvalidResource(issues=[Issue("required", "This entry must have a resource.", f"{where}.resource")])
        if resource.get("resourceType") != type_name:
            raise InvalidResource(
                issues=[
                    Issue(
                        "value",
                        "The resource is not of the type that the request names.",
                        f"{where}.resource.resourceType",
                    )
                ]
            )


def _version(where: str, text: str) -> int | None:
    if not text:
        return None
    digits = text.removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidResource(issues=[Issue("value", 'ifMatch reads W/"3".', f"{where}.request.ifMatch")])
    return int(digits)


def check_storable(type_name: str, resource: dict[str, Any], where: str = "") -> None:
    """A resource that clients may store and that follows the definitions. Raises InvalidResource or MethodNotAllowed."""
    if type_definition(type_name).ownership is Ownership.VIRTUAL:
        raise MethodNotAllowed(f"{type_name} resources are not stored by clients here.")
    issues = validate(resource, where)
    if issues:
        raise InvalidResource(issues=issues)


async def transact(store: Store, ask: Ask, raw: bytes, bundle: dict[str, Any], base_url: str = "") -> list[Outcome]:
    """All entries or none. Raises what the first failing entry would; outcomes stand in the order of the entries."""
    items = items_of(raw, bundle)
    _check_unique(items)
    for item in items:
        if item.method in {"POST", "PUT"} and item.resource is not None:
            check_storable(item.type_name, item.resource, f"{item.where}.resource")
        _target(item)
    outcomes = [Outcome() for _ in items]
    session: WriteSession | None = None
    changes: list[Change] = []
    try:
        async with store.session(ask) as session:
            changes = await _prepare(session, items, base_url)
            await _write(session, items, changes, outcomes)
            for item in items:
                if _ORDER[item.method] == _ORDER["GET"]:
                    outcomes[item.position] = await _look(session, item, base_url)
    except HelhedError:
        if session is not None:
            await store.log_refusal(ask, session, changes)
        raise
    return outcomes


def _target(item: Item) -> None:
    """The id that an update or delete names. Raises NotSupported or InvalidResource."""
    if item.method not in {"PUT", "DELETE"}:
        return
    if item.pairs:
        raise NotSupported("Conditional update and delete are not supported yet: name the resource by its id.")
    if item.resource is not None and item.resource.get("id") != item.target:
        issue = Issue("value", "The id of the resource must be the id of the request.", f"{item.where}.resource.id")
        raise InvalidResource(issues=[issue])
    item.id = parse_id(item.target)


def _check_unique(items: Sequence[Item]) -> None:
    seen: set[str] = set()
    for item in items:
        names = [item.full_url] if item.full_url else []
        if item.method in {"PUT", "DELETE"}:
            names.append(f"{item.type_name}/{item.target}")
        for name in names:
            if name in seen:
                raise InvalidResource(
                    issues=[Issue("duplicate", "Two entries are about the same resource.", item.where)]
                )
            seen.add(name)


async def _prepare(session: WriteSession, items: Sequence[Item], base_url: str) -> list[Change]:
    """Conditions looked up, ids given, references rewritten: one change for each entry that writes."""
    await _find_existing(session, items, base_url)
    mapping = await _conditional_references(session, items, base_url)
    creates = [item for item in items if item.method == "POST" and item.hit is None]
    for item in creates:
        if item.type_name == "Patient":
            item.id = new_id()
            mapping[item.full_url] = f"Patient/{item.id}"
    for item in items:
        if item.method != "POST" and item.id is not None and item.full_url:
            mapping[item.full_url] = f"{item.type_name}/{item.id}"
        elif item.hit is not None:
            mapping[item.full_url] = f"{item.type_name}/{item.hit}"
    for item in creates:
        if item.id is None and item.resource is not None:
            item.id = new_id(_bucket(item, mapping))
            mapping[item.full_url] = f"{item.type_name}/{item.id}"
    mapping.pop("", None)
    return [
        _change(item, mapping)
        for item in _in_order(items)
        if item.method in {"POST", "PUT", "DELETE"} and item.hit is None
    ]


def _in_order(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (_ORDER[item.method], item.position))


def _bucket(item: Item, mapping: dict[str, str]) -> int | None:
    assert item.resource is not None
    definition = type_definition(item.type_name)
    for text in definition.patient_references(item.resource):
        local = mapping.get(text, text)
        if local.startswith("Patient/") and (patient := parse_id(local[8:])):
            return bucket_of(patient)
    return None


def _change(item: Item, mapping: dict[str, str]) -> Change:
    resource, raw, digest = item.resource, item.raw, None
    if resource is not None and raw is not None:
        fresh = rewrite_raw(raw, mapping)
        if fresh != raw:
            digest = hashlib.sha256(raw).digest()
            resource, raw = orjson.loads(fresh), fresh
        for reference in references_in(resource):
            if reference.startswith("urn:uuid:") or reference in mapping:
                raise InvalidResource(
                    issues=[Issue("not-found", f"No entry is called {reference[:80]}.", f"{item.where}.resource")]
                )
    return Change(item.method, item.type_name, resource, raw, item.id, item.if_match, digest)


async def _find_existing(session: WriteSession, items: Sequence[Item], base_url: str) -> None:
    """If-None-Exist: one match is taken instead of creating; several are a refusal (FHIR R4 http, section 3.1.0.8.1)."""
    conditional = [item for item in items if item.method == "POST" and item.if_none_exist]
    if len(conditional) > _MOST_CONDITIONS:
        raise BadRequest(f"A Bundle takes at most {_MOST_CONDITIONS} conditions.")
    await session.lock(lock_key(item.type_name, item.if_none_exist) for item in conditional)
    for item in conditional:
        item.hit = await existing(session, item.type_name, item.if_none_exist, base_url)


def lock_key(type_name: str, condition: str) -> int:
    """What conditional creates of the same thing take turns on."""
    digest = hashlib.sha256(f"{type_name}?{condition}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def existing(session: WriteSession, type_name: str, condition: str, base_url: str) -> UUID | None:
    """The one visible resource that meets the condition. PreconditionFailed for several."""
    pairs = parse_qsl(condition.lstrip("?"), keep_blank_values=True)
    if not pairs or any(name.startswith("_") and name not in {"_id", "_lastUpdated"} for name, _ in pairs):
        raise BadRequest("A condition is made of search parameters of the resource, and of nothing else.")
    query = parse_search(type_name, pairs, strict=True, base_url=base_url)
    found = (await session.matching(query)).matches
    if len(found) > 1:
        raise PreconditionFailed("More than one resource meets the condition.")
    return found[0].id if found else None


async def _conditional_references(session: WriteSession, items: Sequence[Item], base_url: str) -> dict[str, str]:
    """``Patient?identifier=…`` in references: exactly one visible match each."""
    mapping: dict[str, str] = {}
    for item in items:
        for reference in references_in(item.resource) if item.resource else ():
            type_name, mark, condition = reference.partition("?")
            if mark and reference not in mapping and not reference.startswith(("urn:", "http:", "https:", "#")):
                found = await _referenced(session, item, type_name, condition, base_url)
                mapping[reference] = f"{type_name}/{found}"
                if len(mapping) > _MOST_CONDITIONS:
                    raise BadRequest(f"A Bundle takes at most {_MOST_CONDITIONS} conditions.")
    return mapping


async def _referenced(session: WriteSession, item: Item, type_name: str, condition: str, base_url: str) -> UUID:
    try:
        type_definition(type_name)
    except KeyError:
        raise InvalidResource(
            issues=[Issue("value", "A conditional reference names a resource type.", f"{item.where}.resource")]
        ) from None
    found = await existing(session, type_name, condition, base_url)
    if found is None:
        raise PreconditionFailed(
            issues=[Issue("not-found", "A conditional reference matches nothing here.", f"{item.where}.resource")]
        )
    return found


async def _write(
    session: WriteSession, items: Sequence[Item], changes: Sequence[Change], outcomes: list[Outcome]
) -> None:
    writing = [item for item in _in_order(items) if item.method in {"POST", "PUT", "DELETE"} and item.hit is None]
    for item, written in zip(writing, await session.write(changes), strict=True):
        outcomes[item.position].written = written
    for item in items:
        if item.hit is not None:
            outcomes[item.position].written = await session.as_found(item.type_name, item.hit)


class Looks(Protocol):
    """Where an entry's GET looks: inside the transaction, or in the store."""

    async def read(self, type_name: str, identifier: UUID | None) -> Version:
        """The current version."""

    async def vread(self, type_name: str, identifier: UUID | None, version: int) -> Version:
        """One version."""

    async def search(self, query: Query) -> Page:
        """A page of a search."""


@dataclass(frozen=True, slots=True)
class _StoreLooks:
    store: Store
    ask: Ask

    async def read(self, type_name: str, identifier: UUID | None) -> Version:
        return await self.store.read(self.ask, type_name, identifier)

    async def vread(self, type_name: str, identifier: UUID | None, version: int) -> Version:
        return await self.store.vread(self.ask, type_name, identifier, version)

    async def search(self, query: Query) -> Page:
        return await self.store.search(self.ask, query)


async def _look(looks: Looks, item: Item, base_url: str) -> Outcome:
    if item.target:
        name, _, rest = item.target.partition("/")
        if rest.startswith("_history/") and rest[9:].isdecimal() and len(rest) < 19:
            return Outcome(version=await looks.vread(item.type_name, parse_id(name), int(rest[9:])))
        if rest:
            raise NotSupported("Inside a Bundle, GET reads, reads a version, or searches.")
        return Outcome(version=await looks.read(item.type_name, parse_id(name)))
    query = parse_search(item.type_name, item.pairs, strict=True, base_url=base_url)
    return Outcome(page=await looks.search(query), query=query)


async def batch(store: Store, ask: Ask, raw: bytes, bundle: dict[str, Any], base_url: str = "") -> list[Outcome]:
    """Each entry on its own, in the order of a transaction; each has its own outcome."""
    items = items_of(raw, bundle)
    outcomes = [Outcome() for _ in items]
    for item in _in_order(items):
        outcomes[item.position] = await _alone(lambda item=item: _single(store, ask, item, base_url))  # type: ignore[misc]
    return outcomes


async def _alone(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await work()
    except HelhedError as error:
        return Outcome(error=error)


async def _single(store: Store, ask: Ask, item: Item, base_url: str) -> Outcome:
    if _ORDER[item.method] == _ORDER["GET"]:
        return await _look(_StoreLooks(store, ask), item, base_url)
    if item.method in {"POST", "PUT"} and item.resource is not None:
        check_storable(item.type_name, item.resource, f"{item.where}.resource")
    _target(item)
    outcomes = [Outcome() for _ in range(item.position + 1)]
    session: WriteSession | None = None
    changes: list[Change] = []
    try:
        async with store.session(ask) as session:
            changes = await _prepare(session, [item], base_url)
            await _write(session, [item], changes, outcomes)
    except HelhedError:
        if session is not None:
            await store.log_refusal(ask, session, changes)
        raise
    return outcomes[item.position]
