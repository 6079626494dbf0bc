"""Invariant 18: blocks and labels are unreadable to others, and nobody else ends what a citizen set."""

from dataclasses import replace
from typing import cast
from uuid import uuid4

import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of
from helhed.foundation.proving import Duty, prove
from helhed.trust.policy import BASIS_NUMBERS
from helhed.trust.reference import Acting, Basis, Block, Consent, Facts, Mask, acts_in, responsible, sees_block
from tests.generative.loading import Loaded, load
from tests.generative.mutants import BY_THEMSELVES, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.worlds import World, a_world, some_asks

SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))]
_MUTANTS = [one for one in BY_THEMSELVES if 18 in one.invariants]
_LABELS = {"authors", "contents", "concerns", "ownership", "clinical_lo", "clinical_hi", "tokens", "digest"}
_ACTS_IN = "select trust.acts_in($1::fhir.ask, $2, $3::smallint)"
_BLOCKS = "select id from trust.blocks_seen($1::fhir.ask, $2, $3::smallint)"
_GIVEN = "select id from trust.consents_seen($1::fhir.ask, $2, $3::smallint)"
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
    """A world in which half of the blocks may be shown, every job keeps the log of its place, and somebody has let others act."""
    loaded = await load(world, _with_those_who_act(a_world(Drawer.seeded(seed))))
    await world.owner.execute("update trust.block set shown = (hashtext(id::text) % 2 = 0)")
    await world.owner.execute(
        "insert into trust.log_office select distinct role from trust.employment on conflict do nothing"
    )
    return loaded


def _with_those_who_act(world: World) -> World:
    """A citizen has blocked a row that a clinician has hidden, and consented past that block; one acts for them in all, one in the log."""
    row = next(one.row for one in world.kept if one.row.citizen is not None and one.row.id is not None)
    assert row.citizen is not None
    assert row.id is not None
    others = [key for key in map(key_of, world.citizens) if key not in world.facts.keys(row.citizen)]
    parts = (None, frozenset({"AuditEvent"}))
    acting = [Acting(who, row.citizen, Basis.MANDATE, types) for who, types in zip(others, parts, strict=False)]
    block, mask = Block(row.citizen, document=row.id, id=uuid4()), Mask(row.citizen, row.id)
    past = Consent(row.citizen, professional=key_of(world.professionals[0]), block=block.id)
    facts = world.facts
    more = replace(
        facts, acting=[*facts.acting, *acting], blocks=[*facts.blocks, block], masks=[*facts.masks, mask],
        consents=[*facts.consents, past],
    )  # fmt: skip
    return replace(world, facts=more)


def _asks(seed: int, loaded: Loaded) -> list[Ask]:
    """Some of every kind, and each citizen."""
    asks = some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 24)
    citizen = next(one for one in asks if one.kind is ActorKind.CITIZEN)
    whole = replace(citizen, read_types=None, at=loaded.world.now)
    return [*asks, *(replace(whole, actor=key_of(one)) for one in loaded.world.citizens)]


async def own_facts_keep_the_law(loaded: Loaded, asks: list[Ask]) -> None:
    """Raises AssertionError when somebody reads, or ends, what is another's to read and to end."""
    owner, facts = loaded.opened.owner, loaded.world.facts
    shown = {row["id"] for row in await owner.fetch("select id from trust.block where shown")}
    for ask in asks:
        row = ask_row(ask)
        async with loaded.opened.store.pool.acquire() as connection, _undone(connection):
            await prove(cast("Connection", connection), Duty.PERSON)
            own = facts.keys(ask.actor) if ask.kind is ActorKind.CITIZEN else frozenset()
            found = await connection.fetch("select id from trust.blocks_of($1::fhir.ask)", row)
            wanted = {one.id for one in facts.blocks if one.citizen in own and _is_not_over(one, ask)}
            assert {one["id"] for one in found} == wanted, ask
            await _others_are_read_by_who_acts_for_them(connection, ask, loaded)
            for citizen in map(key_of, loaded.world.citizens):
                tells = await connection.fetchval("select trust.blocks_are_shown($1::fhir.ask, $2)", row, citizen)
                assert tells is _stopped_by_one_that_shows(ask, citizen, facts, shown), (ask, citizen)
            for block in facts.blocks:
                ends = await connection.fetchval("select trust.end_block($1::fhir.ask, $2)", row, block.id)
                assert ends is (block.id in wanted), (ask, block)
            for consent in await _consents(owner, ask):
                ends = await connection.fetchval("select trust.end_consent($1::fhir.ask, $2)", row, consent["id"])
                assert ends is (consent["citizen"] in own and consent["holds"]), (ask, consent)


async def _others_are_read_by_who_acts_for_them(connection, ask: Ask, loaded: Loaded) -> None:
    """Blocks and consents of another citizen, by whoever acts for them in these: without those that tell of a masked row."""
    facts, row = loaded.world.facts, ask_row(ask)
    given = await loaded.opened.owner.fetch("select id, citizen, block from trust.opening where basis = 13")
    for citizen in map(key_of, loaded.world.citizens):
        keys = facts.keys(citizen)
        for name in ("Consent", "AuditEvent"):
            basis = await connection.fetchval(_ACTS_IN, row, citizen, TYPE_NUMBERS[name])
            wanted = acts_in(ask, citizen, name, facts)
            assert basis == (None if wanted is None else BASIS_NUMBERS[wanted.value]), (ask, citizen, name)
        found = await connection.fetch(_BLOCKS, row, citizen, TYPE_NUMBERS["Consent"])
        seen = {one.id for one in facts.blocks if one.citizen in keys and sees_block(ask, one, facts)}
        assert {one["id"] for one in found} == seen, (ask, citizen)
        acts = acts_in(ask, citizen, "Consent", facts) is not None
        told = {one["id"] for one in given if acts and one["citizen"] in keys and one["block"] in {None, *seen}}
        found = await connection.fetch(_GIVEN, row, citizen, TYPE_NUMBERS["Consent"])
        assert {one["id"] for one in found} == told, (ask, citizen)


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
