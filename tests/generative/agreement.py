"""Whether the form of the decision that serves agrees with the form for reading: one check for each kind of look and change.

Each check raises AssertionError that names the ask and the row.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.definitions import type_definition
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, Gone, HelhedError, MethodNotAllowed, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.reference import Deny, Permit, Row, decide, may_read
from tests.generative.law import number_of
from tests.generative.loading import Loaded, former_of
from tests.generative.memory_search import PARAMETERS
from tests.generative.worlds import Kept

_LOG = "select trace, permitted, basis, citizen from foundation.access_log where action = $1"
_CITIZEN_TYPES = [name for name in PARAMETERS if type_definition(name).patient_paths or name == "Patient"]
_MANY = 500
Outcome = str


async def outcome_of(work: Any) -> Outcome:
    """What a read led to, in a word."""
    try:
        await work
    except Unknown:
        return "unknown"
    except Gone:
        return "gone"
    return "here"


def expected(loaded: Loaded, ask: Ask, row: Row, when_deleted: Outcome = "gone") -> Outcome:
    """What the reference says it must lead to."""
    if not may_read(ask, row, loaded.world.facts):
        return "unknown"
    return when_deleted if row.deleted else "here"


def name_of(kept: Kept) -> tuple[str, UUID]:
    """Type and id."""
    return kept.row.type_name, UUID(kept.resource["id"])


# --- looks ------------------------------------------------------------------------------------------------------------


async def check_reads(loaded: Loaded, asks: Sequence[Ask]) -> None:
    """Every ask reads every row; the log says the same, with the same basis."""
    questions = [(replace(ask, trace=uuid4()), one) for ask in asks for one in loaded.world.kept]
    store = loaded.opened.store
    found = await asyncio.gather(*(outcome_of(store.read(ask, *name_of(one))) for ask, one in questions))
    log = {row["trace"]: row for row in await loaded.opened.owner.fetch(_LOG, int(Action.READ))}
    for (ask, one), outcome in zip(questions, found, strict=True):
        decision = decide(ask, Action.READ, one.row, loaded.world.facts)
        told = (outcome, *log[ask.trace].values())
        wanted = expected(loaded, ask, one.row), ask.trace, isinstance(decision, Permit), number_of(decision)
        assert told == (*wanted, one.row.citizen), (ask, one)


async def check_past(loaded: Loaded, asks: Sequence[Ask]) -> None:
    """Every ask looks at the versions of every second row."""
    await asyncio.gather(*(_past(loaded, ask, loaded.world.kept[turn % 2 :: 2]) for turn, ask in enumerate(asks)))


async def _past(loaded: Loaded, ask: Ask, several: Sequence[Kept]) -> None:
    store = loaded.opened.store
    for one in several:
        name = name_of(one)
        current = loaded.versions[name[1]]
        assert await outcome_of(store.vread(ask, *name, current)) == expected(loaded, ask, one.row), (ask, one)
        assert await outcome_of(store.vread(ask, *name, current + 1)) == "unknown", (ask, one)
        seen = list(range(current, 1, -1)) if may_read(ask, one.row, loaded.world.facts) else []
        if saw_it_begin(loaded, ask, one):
            seen.append(1)
        if current > 1:
            wanted = "here" if 1 in seen else "unknown"
            assert await outcome_of(store.vread(ask, *name, 1)) == wanted, (ask, one)
        assert await versions_in_history(loaded, ask, one, len(seen)) == seen, (ask, one)


def saw_it_begin(loaded: Loaded, ask: Ask, one: Kept) -> bool:
    """Whether the first version may be read: by its own labels, and of a row that may be read as it stands."""
    facts = loaded.world.facts
    return may_read(ask, one.row, facts) and may_read(ask, former_of(one).row, facts)


async def versions_in_history(loaded: Loaded, ask: Ask, one: Kept, total: int) -> list[int]:
    """Version numbers of the history, read two by two to the end."""
    versions: list[int] = []
    cursor = None
    while True:
        try:
            page = await loaded.opened.store.history(ask, *name_of(one), count=2, cursor=cursor)
        except Unknown:
            return versions
        versions += [version.version for version in page.matches]
        assert page.total == total
        cursor = page.next_cursor
        if cursor is None:
            return versions


async def check_records(loaded: Loaded, asks: Sequence[Ask]) -> None:
    """What pages show of a citizen is what may be read of the citizen."""
    for ask in asks:
        for citizen in map(key_of, loaded.world.citizens):
            rows = await loaded.opened.store.citizen_rows(ask, citizen, _CITIZEN_TYPES, _MANY)
            keys = loaded.world.facts.keys(citizen)
            about = [one for one in loaded.world.kept if one.row.citizen in keys and not one.row.deleted]
            wanted = {name_of(one) for one in about if may_read(ask, one.row, loaded.world.facts)}
            assert {(row.version.type_name, row.version.id) for row in rows} == wanted, (ask, citizen)


# --- changes ----------------------------------------------------------------------------------------------------------


class _Undo(Exception):
    """Ends a session without keeping what it did."""


async def attempt(loaded: Loaded, ask: Ask, change: Change) -> type[HelhedError] | None:
    """What a change would lead to; nothing is kept."""
    try:
        async with loaded.opened.store.session(ask) as session:
            await session.write([change])
            raise _Undo
    except _Undo:
        return None
    except HelhedError as error:
        return type(error)


async def check_changes(loaded: Loaded, asks: Sequence[Ask]) -> None:
    """Every ask changes and deletes every second row: hidden is missing, and what is seen says why not."""
    for turn, ask in enumerate(asks):
        for one in loaded.world.kept[turn % 2 :: 2]:
            type_name, identifier = name_of(one)
            current = loaded.versions[identifier]
            change = Change("PUT", type_name, one.resource, orjson.dumps(one.resource), identifier, if_match=current)
            wanted = _changing(loaded, ask, one, Action.UPDATE, MethodNotAllowed)
            assert await attempt(loaded, ask, change) is wanted, (ask, one)
            wanted = _changing(loaded, ask, one, Action.DELETE, Unknown)
            led_to = await attempt(loaded, ask, Change("DELETE", type_name, None, None, identifier))
            assert led_to is (None if wanted is Gone else wanted), (ask, one)  # gone already: nothing to do


def _changing(
    loaded: Loaded, ask: Ask, one: Kept, action: Action, when_hidden: type[HelhedError]
) -> type[HelhedError] | None:
    facts = loaded.world.facts
    if isinstance(decide(ask, action, one.row, facts), Deny):
        return Forbidden if may_read(ask, one.row, facts) else when_hidden
    return Gone if one.row.deleted else None


async def check_creates(loaded: Loaded, asks: Sequence[Ask]) -> None:
    """Every ask writes what is like every second row: a new citizen, a place and what is like them have tests elsewhere."""
    for turn, ask in enumerate(asks):
        for one in loaded.world.kept[turn % 2 :: 2]:
            if one.row.type_name not in {"Patient", "Organization"}:
                led_to = await attempt(loaded, ask, _like(one))
                assert led_to in _creating(loaded, ask, one), (ask, one, led_to)


def _like(one: Kept) -> Change:
    bare = {name: value for name, value in one.resource.items() if name not in {"id", "meta"}}
    fresh = UUID(int=UUID(one.resource["id"]).int ^ 1)
    return Change("POST", one.row.type_name, bare, orjson.dumps(bare), fresh)


def _creating(loaded: Loaded, ask: Ask, one: Kept) -> set[type[HelhedError] | None]:
    if ask.organisation is None:
        return {Forbidden}
    row = replace(one.row, origin=ask.organisation, deleted=False)
    if isinstance(decide(ask, Action.CREATE, row, loaded.world.facts), Permit):
        return {None}
    return {Forbidden, Unprocessable}
