"""The form of the decision that serves agrees with the form for reading, on every row of every generated world."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.fhir.changes import Change
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, Gone, HelhedError, MethodNotAllowed, Unknown, Unprocessable
from helhed.trust.reference import Deny, Permit, Row, decide, may_read
from tests.generative.law import number_of
from tests.generative.loading import Loaded, load
from tests.generative.resources import Drawer
from tests.generative.worlds import Kept, a_world, some_asks
from tests.support.world import World

SEEDS = [*range(7), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(7, 150))]
ASKS = 12
_READ_LOG = "select trace, permitted, basis, citizen, versions from foundation.access_log where action = any($1)"
Outcome = str


@pytest.fixture(params=SEEDS)
async def loaded(world: World, request: pytest.FixtureRequest) -> Loaded:
    """A generated world, loaded; the seed is in the name of the test."""
    return await load(world, a_world(Drawer.seeded(request.param)))


@pytest.fixture
def asks(loaded: Loaded, request: pytest.FixtureRequest) -> list[Ask]:
    """Asks of every kind."""
    seed = request.node.callspec.params["loaded"]
    return some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, ASKS)


def fresh(ask: Ask) -> Ask:
    """The same ask, told apart in the log."""
    return replace(ask, trace=uuid4())


async def outcome_of(work: Any) -> Outcome:
    """What a read led to, in a word."""
    try:
        found = await work
    except Unknown:
        return "unknown"
    except Gone:
        return "gone"
    return "gone" if getattr(found, "deleted", False) else "here"


def expected(ask: Ask, row: Row, loaded: Loaded, when_deleted: Outcome = "gone") -> Outcome:
    """What the reference says it must lead to."""
    if not may_read(ask, row, loaded.world.facts):
        return "unknown"
    return when_deleted if row.deleted else "here"


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_read_shows_exactly_what_the_reference_permits_and_logs_the_same_basis(loaded, asks):
    questions = [(fresh(ask), one) for ask in asks for one in loaded.world.kept]
    store = loaded.opened.store
    found = await asyncio.gather(*(outcome_of(store.read(ask, *_name(one))) for ask, one in questions))
    log = {row["trace"]: row for row in await loaded.opened.owner.fetch(_READ_LOG, [int(Action.READ)])}
    for (ask, one), outcome in zip(questions, found, strict=True):
        assert outcome == expected(ask, one.row, loaded), (ask, one)
        decision = decide(ask, Action.READ, one.row, loaded.world.facts)
        logged = log[ask.trace]
        assert logged["permitted"] == isinstance(decision, Permit), (ask, one)
        assert logged["basis"] == number_of(decision), (ask, one)
        assert logged["citizen"] == one.row.citizen


async def test_vread_and_history_see_what_read_sees(loaded, asks):
    await asyncio.gather(*(_see_the_past(loaded, ask, asks.index(ask)) for ask in asks[:8]))


async def _see_the_past(loaded: Loaded, ask: Ask, turn: int) -> None:
    """Every second row; each row is somebody's turn."""
    store = loaded.opened.store
    for one in loaded.world.kept[turn % 2 :: 2]:
        type_name, identifier = _name(one)
        current = loaded.versions[identifier]
        first = "here" if current > 1 or not one.row.deleted else "gone"
        assert await outcome_of(store.vread(ask, type_name, identifier, 1)) == expected(ask, one.row, loaded, first)
        assert await outcome_of(store.vread(ask, type_name, identifier, current)) == expected(ask, one.row, loaded)
        assert await outcome_of(store.vread(ask, type_name, identifier, current + 1)) == "unknown"
        seen = list(range(current, 0, -1)) if may_read(ask, one.row, loaded.world.facts) else []
        assert await versions_in_history(loaded, ask, one) == seen


async def versions_in_history(loaded: Loaded, ask: Ask, one: Kept) -> list[int]:
    """Version numbers of the history, read two by two to the end."""
    versions: list[int] = []
    cursor = None
    while True:
        try:
            page = await loaded.opened.store.history(ask, *_name(one), count=2, cursor=cursor)
        except Unknown:
            return versions
        versions += [version.version for version in page.matches]
        assert page.total == loaded.versions[UUID(one.resource["id"])]
        cursor = page.next_cursor
        if cursor is None:
            return versions


def _name(one: Kept) -> tuple[str, UUID]:
    return one.row.type_name, UUID(one.resource["id"])


# --- writing ----------------------------------------------------------------------------------------------------------


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


async def test_changing_and_deleting_are_open_to_whom_the_reference_permits(loaded, asks):
    for turn, ask in enumerate(asks):
        for one in loaded.world.kept[turn % 2 :: 2]:
            type_name, identifier = _name(one)
            current = loaded.versions[identifier]
            change = Change("PUT", type_name, one.resource, orjson.dumps(one.resource), identifier, if_match=current)
            led_to = await attempt(loaded, ask, change)
            assert led_to is changing(loaded, ask, one, Action.UPDATE, MethodNotAllowed), (ask, one)
            led_to = await attempt(loaded, ask, Change("DELETE", type_name, None, None, identifier))
            wanted = changing(loaded, ask, one, Action.DELETE, Unknown)
            assert led_to is (None if wanted is Gone else wanted), (ask, one)


def changing(
    loaded: Loaded, ask: Ask, one: Kept, action: Action, when_hidden: type[HelhedError]
) -> type[HelhedError] | None:
    """Hidden is missing; what is seen says why not."""
    facts = loaded.world.facts
    if isinstance(decide(ask, action, one.row, facts), Deny):
        return Forbidden if may_read(ask, one.row, facts) else when_hidden
    return Gone if one.row.deleted else None


async def test_creating_is_open_to_whom_the_reference_permits(loaded, asks):
    for turn, ask in enumerate(asks):
        for one in loaded.world.kept[turn % 2 :: 2]:
            if one.row.type_name in {"Patient", "Organization"}:
                continue  # a citizen of one's own is nobody's yet; places have rules of their own
            bare = {name: value for name, value in one.resource.items() if name not in {"id", "meta"}}
            identifier = UUID(int=UUID(one.resource["id"]).int ^ 1)
            led_to = await attempt(loaded, ask, Change("POST", one.row.type_name, bare, orjson.dumps(bare), identifier))
            assert led_to in _creating(loaded, ask, one), (ask, one, led_to)


def _creating(loaded: Loaded, ask: Ask, one: Kept) -> set[type[HelhedError] | None]:
    if ask.organisation is None:
        return {Forbidden}
    row = replace(one.row, origin=ask.organisation, deleted=False)
    if isinstance(decide(ask, Action.CREATE, row, loaded.world.facts), Permit):
        return {None}
    return {Forbidden, Unprocessable}
