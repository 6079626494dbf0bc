"""Invariant 18: blocks and labels are unreadable to others, and nobody else ends what a citizen set."""

import pytest

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.ids import key_of
from helhed.trust.reference import Block, Facts, responsible
from tests.generative.loading import Loaded, load
from tests.generative.mutants import BY_THEMSELVES, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.worlds import a_world, some_asks

SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))]
_MUTANTS = [one for one in BY_THEMSELVES if 18 in one.invariants]
_LABELS = {"authors", "contents", "concerns", "ownership", "clinical_lo", "clinical_hi", "tokens", "digest"}
_COLUMNS = """
select p.oid::regprocedure::text as function, a.name from pg_proc p, unnest(p.proargnames, p.proargmodes) as a(name, mode)
where p.pronamespace in ('fhir'::regnamespace, 'trust'::regnamespace) and a.mode in ('t', 'o')
  and has_function_privilege('helhed_app', p.oid, 'execute')"""


@pytest.mark.parametrize("seed", SEEDS)
async def test_only_the_citizen_reads_and_ends_what_the_citizen_set(world, seed):
    loaded = await _loaded(world, seed)
    await own_facts_keep_the_law(loaded, _asks(seed, loaded))


@pytest.mark.parametrize("mutant", _MUTANTS, ids=[one.sin for one in _MUTANTS])
async def test_a_guard_of_own_facts_that_is_taken_away_is_missed(world, mutant: Mutant):
    loaded = await _loaded(world, 0)
    await mutate(world.owner, mutant)
    for seed in range(6):
        try:
            await own_facts_keep_the_law(loaded, _asks(seed, loaded))
        except AssertionError:
            return
    pytest.fail("nobody missed it")


async def test_no_function_that_the_application_calls_answers_with_labels(world):
    """By the catalogue: whoever adds a function that returns them meets this test."""
    told = [(row["function"], row["name"]) for row in await world.owner.fetch(_COLUMNS) if row["name"] in _LABELS]
    assert sorted({function.partition("(")[0] for function, _ in told}) == [
        "fhir.claim"
    ]  # for the store, of a row that may be changed


async def _loaded(world, seed: int) -> Loaded:
    """A world in which half of the blocks may be shown."""
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    await world.owner.execute("update trust.block set shown = (hashtext(id::text) % 2 = 0)")
    return loaded


def _asks(seed: int, loaded: Loaded) -> list[Ask]:
    return some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 24)


async def own_facts_keep_the_law(loaded: Loaded, asks: list[Ask]) -> None:
    """Raises AssertionError when somebody reads, or ends, what is another's to read and to end."""
    owner, facts = loaded.opened.owner, loaded.world.facts
    shown = {row["id"] for row in await owner.fetch("select id from trust.block where shown")}
    for ask in asks:
        row = ask_row(ask)
        async with loaded.opened.store.pool.acquire() as connection, _undone(connection):
            own = facts.keys(ask.actor) if ask.kind is ActorKind.CITIZEN else frozenset()
            found = await connection.fetch("select id from trust.blocks_of($1::fhir.ask)", row)
            wanted = {one.id for one in facts.blocks if one.citizen in own and _is_not_over(one, ask)}
            assert {one["id"] for one in found} == wanted, ask
            for citizen in map(key_of, loaded.world.citizens):
                tells = await connection.fetchval("select trust.blocks_are_shown($1::fhir.ask, $2)", row, citizen)
                assert tells is _stopped_by_one_that_shows(ask, citizen, facts, shown), (ask, citizen)
            for block in facts.blocks:
                ends = await connection.fetchval("select trust.end_block($1::fhir.ask, $2)", row, block.id)
                assert ends is (block.id in wanted), (ask, block)
            for consent in await _consents(owner, ask):
                ends = await connection.fetchval("select trust.end_consent($1::fhir.ask, $2)", row, consent["id"])
                assert ends is (consent["citizen"] in own and consent["holds"]), (ask, consent)


async def _consents(owner, ask: Ask):
    text = "select id, citizen, valid_to > $1 as holds from trust.opening where basis = 13 order by id"
    return await owner.fetch(text, ask.at)


def _undone(connection):
    """A transaction that is always undone."""

    class Undone:
        async def __aenter__(self):
            self._transaction = connection.transaction()
            await self._transaction.start()

        async def __aexit__(self, *error):
            await self._transaction.rollback()

    return Undone()


def _is_not_over(block: Block, ask: Ask) -> bool:
    return block.validity.ends is None or block.validity.ends > ask.at


def _stopped_by_one_that_shows(ask: Ask, citizen: int, facts: Facts, shown: set) -> bool:
    """Whether a professional at work is told that there is a block: one that stops them, and that may be shown."""
    at_work = any(
        (job.professional, job.organisation, job.role) == (ask.actor, ask.organisation, ask.role)
        and job.validity.holds(ask.at)
        for job in facts.employments
    )
    role = facts.roles.get(ask.role)
    if ask.kind is not ActorKind.PROFESSIONAL or not at_work or role is None:
        return False
    under = responsible(ask, facts)
    if role.assists and under is None:
        return False
    people = {ask.actor} | ({under.principal} if under else set())
    line = (facts.line(ask.organisation) if ask.organisation is not None else None) or ()
    return any(
        one.id in shown
        and one.citizen in facts.keys(citizen)
        and one.validity.holds(ask.at)
        and (one.who is None or (one.who == ask.organisation if one.who_alone else one.who in line))
        and (one.person is None or one.person in people)
        for one in facts.blocks
    )
