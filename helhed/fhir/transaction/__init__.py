"""Transactions and batches (FHIR R4 http, section 3.1.0.11): a transaction is whole or absent."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import orjson

from helhed.fhir.changes import Change, Written
from helhed.fhir.definitions import type_definition
from helhed.fhir.references import references_in, rewrite_raw
from helhed.fhir.store import Store, WriteSession
from helhed.fhir.store.budget import Budget
from helhed.fhir.store.session import NOBODY
from helhed.fhir.transaction.conditions import conditional_references, existing, find_targets, lock_key
from helhed.fhir.transaction.entries import Item, check_storable, check_unique, in_order, items_of, take_target
from helhed.fhir.transaction.looking import Outcome, StoreLooks, is_known, look
from helhed.fhir.transaction.patches import patch_in, patched
from helhed.fhir.weight import check_weight
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError, InvalidResource, Issue, NotSupported
from helhed.foundation.ids import bucket_of, new_id, parse_id
from helhed.foundation.settings import RESOURCE_ELEMENTS

__all__ = ["Item", "Outcome", "alone", "batch", "check_storable", "existing", "is_known", "lock_key", "transact"]

Operate = Callable[
    [Item], Awaitable[bytes]
]  #: an entry's operation, done as if it had been asked alone; raises HelhedError


async def no_operation(item: Item) -> bytes:
    """Where operations are not known."""
    raise NotSupported(f"{item.where}: ${item.operation[:40]} is not supported here.")


class Elsewhere(Protocol):
    """Who serves entries about types that the store does not hold (``helhed.fhir.virtual``)."""

    def takes(self, item: Item) -> bool:
        """Whether an entry is about such a type."""

    async def look(self, ask: Ask, item: Item) -> Outcome:
        """An entry's GET."""

    async def change(self, ask: Ask, items: Sequence[Item]) -> Sequence[Written]:
        """Entries that change something, all or none."""


async def transact(
    store: Store,
    ask: Ask,
    raw: bytes,
    bundle: dict[str, Any],
    base_url: str = "",
    *,
    most_elements: int = RESOURCE_ELEMENTS,
    operate: Operate = no_operation,
    elsewhere: Elsewhere | None = None,
) -> list[Outcome]:
    """All entries or none. Raises what the first failing entry would; outcomes stand in the order of the entries.

    Operations are asked before anything is written, so that one that is refused leaves nothing behind.
    """
    away = elsewhere.takes if elsewhere is not None else _nowhere
    every = await aside(len(raw), lambda: _checked_items(raw, bundle, most_elements, away))
    outcomes = {item.position: Outcome() for item in every}
    budget = Budget(store.most_bytes)
    for item in every:
        if item.operation:
            outcomes[item.position] = await _operated(operate, item, budget)
    if elsewhere is not None:
        outcomes.update(await _served(elsewhere, ask, every))
    items = [item for item in every if not item.operation and not away(item)]
    session: WriteSession | None = None
    changes: list[Change] = []
    try:
        async with store.session(ask) as session:
            changes = await _prepare(session, items, base_url, most_elements)
            await _write(session, items, changes, outcomes)
            for item in items:
                if item.looks:
                    outcomes[item.position] = await look(session, item, base_url, budget)
    except HelhedError:
        if session is not None:
            await store.log_refusal(ask, session, changes)
        raise
    return list(outcomes.values())


def _nowhere(item: Item) -> bool:
    return False


async def _served(elsewhere: Elsewhere, ask: Ask, every: Sequence[Item]) -> dict[int, Outcome]:
    """The entries that another room serves. It does its own in a transaction of its own, so nothing else is changed beside."""
    own = [item for item in every if elsewhere.takes(item)]
    changing = [item for item in own if item.writes]
    if changing and any(item.writes and item not in changing for item in every):
        raise InvalidResource(
            issues=[Issue("not-supported", "What another room keeps is not changed together with resources of the store: send it by itself, or as a batch.", changing[0].where)]
        )  # fmt: skip
    outcomes = {}
    if changing:
        written = await elsewhere.change(ask, changing)
        outcomes = {item.position: Outcome(written=one) for item, one in zip(changing, written, strict=True)}
    return outcomes | {item.position: await elsewhere.look(ask, item) for item in own if not item.writes}


def _checked_items(
    raw: bytes, bundle: dict[str, Any], most_elements: int, away: Callable[[Item], bool] = _nowhere
) -> list[Item]:
    items = items_of(raw, bundle)
    check_unique(items)
    for item in items:
        if not item.operation and not away(item):
            _check(item, most_elements)
            take_target(item)
    return items


def _check(item: Item, most_elements: int) -> None:
    if item.method in {"POST", "PUT"} and item.resource is not None and item.raw is not None:
        where = f"{item.where}.resource"
        check_weight(item.raw, most_elements, where)
        check_storable(item.type_name, item.resource, where)


async def _prepare(session: WriteSession, items: list[Item], base_url: str, most_elements: int) -> list[Change]:
    """Conditions looked up, ids given, references rewritten: one change for each entry that writes."""
    await find_targets(session, items, base_url)
    await _patch(session, items, most_elements)
    mapping = await conditional_references(session, items, base_url)
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
    writing = [item for item in in_order(items) if item.writes]
    size = sum(len(item.raw or b"") for item in writing)
    return await aside(size, lambda: [_change(item, mapping) for item in writing])


async def _patch(session: WriteSession, items: list[Item], most_elements: int) -> None:
    """Each patch becomes the update that it means, of a version that is held until the transaction ends."""
    for item in items:
        if item.method == "PATCH":
            version = await session.held(item.type_name, item.id, item.if_match)
            work = partial(patched, version, item.patch or patch_in(item), most_elements, f"{item.where}.resource")
            item.raw, item.resource = await aside(len(version.body), work)
            item.if_match = version.version


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
            check_storable(item.type_name, resource, f"{item.where}.resource")  # of which types the references are
        for reference in references_in(resource):
            if reference.startswith("urn:uuid:") or reference in mapping:
                raise InvalidResource(
                    issues=[Issue("not-found", f"No entry is called {reference[:80]}.", f"{item.where}.resource")]
                )
    method = "PUT" if item.method == "PATCH" else item.method
    where = f"{item.where}.resource"
    return Change(method, item.type_name, resource, raw, item.id, item.if_match, digest, where)


async def _write(
    session: WriteSession, items: list[Item], changes: Sequence[Change], outcomes: dict[int, Outcome]
) -> None:
    writing = [item for item in in_order(items) if item.writes]
    for item, written in zip(writing, await session.write(changes), strict=True):
        outcomes[item.position].written = written
    for item in items:
        if item.hit is not None:
            outcomes[item.position].written = await session.as_found(item.type_name, item.hit)
        elif item.absent:
            outcomes[item.position].written = Written(
                item.type_name, NOBODY, 0, session.at, created=False, deleted=True
            )


async def batch(
    store: Store,
    ask: Ask,
    raw: bytes,
    bundle: dict[str, Any],
    base_url: str = "",
    *,
    most_elements: int = RESOURCE_ELEMENTS,
    operate: Operate = no_operation,
    elsewhere: Elsewhere | None = None,
) -> list[Outcome]:
    """Each entry on its own, in the order of a transaction; each has its own outcome."""
    items = await aside(len(raw), lambda: items_of(raw, bundle))
    outcomes = [Outcome() for _ in items]
    budget = Budget(store.most_bytes)
    for item in in_order(items):
        work = partial(_single, store, ask, item, base_url, budget, most_elements)
        if item.operation:
            work = partial(_operated, operate, item, budget)
        elif elsewhere is not None and elsewhere.takes(item):
            work = partial(_one_served, elsewhere, ask, item, most_elements)
        outcomes[item.position] = await _alone(work)
    return outcomes


async def _one_served(elsewhere: Elsewhere, ask: Ask, item: Item, most_elements: int) -> Outcome:
    if item.looks:
        return await elsewhere.look(ask, item)
    check_weight(item.raw or b"", most_elements, f"{item.where}.resource")
    return Outcome(written=(await elsewhere.change(ask, [item]))[0])


async def _operated(operate: Operate, item: Item, budget: Budget) -> Outcome:
    budget.check()
    told = await operate(item)
    budget.take(len(told))
    return Outcome(told=told)


async def _alone(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await work()
    except HelhedError as error:
        return Outcome(error=error)


async def alone(
    store: Store, ask: Ask, item: Item, base_url: str, *, most_elements: int = RESOURCE_ELEMENTS
) -> Written:
    """One change that is conditional or a patch, by itself. Raises what it was refused for."""
    outcome = await _single(store, ask, item, base_url, Budget(store.most_bytes), most_elements)
    assert outcome.written is not None
    return outcome.written


async def _single(store: Store, ask: Ask, item: Item, base_url: str, budget: Budget, most_elements: int) -> Outcome:
    if item.looks:
        return await look(StoreLooks(store, ask), item, base_url, budget)
    await aside(len(item.raw or b""), lambda: _check(item, most_elements))
    take_target(item)
    outcomes = {item.position: Outcome()}
    session: WriteSession | None = None
    changes: list[Change] = []
    try:
        async with store.session(ask) as session:
            changes = await _prepare(session, [item], base_url, most_elements)
            await _write(session, [item], changes, outcomes)
    except HelhedError:
        if session is not None:
            await store.log_refusal(ask, session, changes)
        raise
    return outcomes[item.position]
