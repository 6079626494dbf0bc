"""Somebody has the password of the application's role, or smuggles statements into one of its connections, and no key to prove with:
whatever they call, with whatever they make up, nobody comes to see more than before.
"""

from collections.abc import AsyncIterator, Sequence
from random import Random
from time import time
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, connect
from helhed.foundation.ids import key_of
from helhed.foundation.proving import Duty, proof, prove
from tests.generative.mutants import PROVEN, Mutant, mutate
from tests.support.world import NOW
from tests.unit.store import test_second_wall as wall
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TRIES = 3
#: what the decision reads, and what it is made of
_DECIDING = (
    "fhir.resource", "registries.citizen", "registries.citizen_identifier", "registries.citizen_link", "registries.keeper",
    "registries.organisation", "registries.professional", "registries.unit_fact", "registries.unit_listing", "registries.unit_plan", "trust.acting", "trust.age_limit", "trust.assertion_issuer", "trust.assistance",
    "trust.authorisation", "trust.authorisation_code", "trust.block", "trust.client", "trust.counter_act", "trust.counter_document", "trust.deadline", "trust.duty", "trust.emergency_rule", "trust.employment",
    "trust.exchange_client", "trust.log_office", "trust.mandate_offer", "trust.mask", "trust.opening", "trust.passkey",
    "trust.past_contact", "trust.recorder", "trust.refresh_token", "trust.relation", "trust.role", "trust.software_issuer",
    "trust.subscription", "trust.system_client",
)  # fmt: skip
_FUNCTIONS = """
select p.oid::regproc::text as name, array(select format_type(t, null) from unnest(p.proargtypes) t) as types
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any($1) and p.prokind = 'f' and has_function_privilege('helhed_app', p.oid, 'EXECUTE') order by p.oid::regprocedure::text"""


@pytest_asyncio.fixture(loop_scope="module")
async def stolen(library: Scene) -> AsyncIterator[Connection]:
    """The connection of a thief."""
    connection = await connect(library.world.target.application, statement_timeout="1000")
    yield connection
    await connection.close()


class Guesses:
    """Arguments by their type: real people, places and rows, in wrong hands."""

    def __init__(self, scene: Scene) -> None:
        self._keys = [key_of(one) for one in (scene.patient, scene.ward, scene.elsewhere, scene.hospital)]
        self._keys += [scene.doctor.actor, scene.stranger.actor, scene.gp.actor]
        self._ids = [scene.patient, scene.contact, scene.observation, scene.elsewhere, uuid4(), uuid4()]
        self._asks = [scene.doctor, scene.stranger, scene.gp, scene.citizen, scene.custodian]

    def call(self, rng: Random, name: str, types: Sequence[str]) -> str:
        """A call of a function."""
        return f"select * from {name}({', '.join(self.value(rng, one) for one in types)})"

    def value(self, rng: Random, type_name: str) -> str:
        """A value of a type, as SQL."""
        if type_name.endswith("[]"):
            return f"array[{self.value(rng, type_name[:-2])}]::{type_name}"
        return f"{self._plain(rng, type_name)}::{type_name}"

    def _plain(self, rng: Random, type_name: str) -> str:
        if type_name == "fhir.ask":
            return _ask(rng.choice(self._asks))
        if type_name == "trust.client":
            return "row('false', 'Falsk', 'smart', 'public', '{https://x.example}', null, null, null, 'user/*.rs', null, false, false, 'https://issuer.example', now(), 'infinity')"
        if type_name == "trust.authorisation":
            chosen = rng.choice(self._asks)
            return f"row('{uuid4()}', 'false', {chosen.kind:d}, {chosen.actor}, null, '', 'x', '{rng.choice(self._ids)}', 'x', '{{x}}', now(), now(), now(), 'infinity', 'infinity', null)"
        some: dict[str, list[Any]] = {
            "bigint": self._keys, "smallint": [1, 2, 3, 4, 5, 6, TYPE_NUMBERS["Patient"], TYPE_NUMBERS["Observation"]],
            "integer": [1, 60], "boolean": ["true", "false"], "double precision": [1.0],
            "uuid": [f"'{one}'" for one in self._ids], "bytea": [r"'\x00'", "sha256('x')"], "jsonb": ["'{}'", """'[{"role": "operator", "may_declare": true, "authorised": true}]'"""],
            "timestamp with time zone": [f"'{NOW}'", "'-infinity'", "'infinity'", "now()"],
            "text": ["'doctor'", "'{' || 7 || '}'", "'operator'", "'urn:oid:1.2.208.176.1.2'", "'0101010101'", "'because'"],
        }  # fmt: skip
        return str(rng.choice(some[type_name])) if type_name in some else "null"


def _ask(ask: Ask) -> str:
    place = "null" if ask.organisation is None else str(ask.organisation)
    return (
        f"row({ask.kind:d}, {ask.actor}, {place}, '{ask.role}', {ask.purpose:d}, 'x', null, null, '{NOW}', '{uuid4()}')"
    )


async def _facts(owner: Connection) -> dict[str, str]:
    """What every deciding table holds."""
    return {
        table: await owner.fetchval(
            f"select md5(coalesce(string_agg(md5(x::text), '' order by md5(x::text)), '')) from {table} x"
        )
        for table in _DECIDING
    }


async def _visible(scene: Scene) -> list[bool]:
    """Who sees the citizen's result."""
    return [await scene.reads(ask) for ask in (scene.doctor, scene.gp, scene.stranger, scene.citizen)]


async def _call_everything(connection: Connection, scene: Scene) -> None:
    guesses = Guesses(scene)
    functions = await scene.world.owner.fetch(_FUNCTIONS, list(wall.SCHEMAS))
    assert len(functions) > 200
    for row in functions:
        rng = Random(row["name"])  # its own: another function beside it changes nothing
        for _ in range(_TRIES):
            try:
                async with connection.transaction():
                    await connection.execute(guesses.call(rng, row["name"], row["types"]))
            except asyncpg.PostgresError:
                continue


async def test_nobody_sees_more_whatever_a_stolen_connection_calls(library: Scene, stolen: Connection) -> None:
    facts, visible = await _facts(library.world.owner), await _visible(library)
    await _call_everything(stolen, library)
    assert await _facts(library.world.owner) == facts
    assert await _visible(library) == visible == [True, True, False, True]


async def test_without_the_proof_the_same_calls_would_change_much(library: Scene) -> None:
    """The guesses are good ones: as somebody from whom no proof is asked, they change what decides."""
    owner = await connect(library.world.target.owner, statement_timeout="1000")
    transaction = owner.transaction()
    await transaction.start()
    try:
        facts = await _facts(owner)
        await owner.execute("set local role helhed_app")
        await _call_everything(owner, library)
        await owner.execute("reset role")
        changed = {table for table, told in (await _facts(owner)).items() if told != facts[table]}
    finally:
        await transaction.rollback()
        await owner.close()
    assert changed >= {"trust.age_limit", "trust.role"}
    assert len(changed) > 8


@pytest.mark.parametrize("table", _DECIDING)
async def test_every_deciding_table_asks_for_a_proof(library: Scene, table: str) -> None:
    guards = await library.world.owner.fetchval(
        "select count(*) from pg_trigger where tgrelid = $1::text::regclass and tgname = 'only_proven' and tgenabled = 'O'",
        table,
    )
    assert guards == 1


_DECLARE = "select trust.declare_relation({}::fhir.ask, gen_random_uuid(), {}, 'x', '2027-01-01')"


async def _declares(connection: Connection, scene: Scene) -> bool:
    """Whether the doctor's declaration is written, and undone."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return bool(await connection.fetchval(_DECLARE.format(_ask(scene.doctor), key_of(scene.patient))))
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await transaction.rollback()


#: duty, whose connection (0: its own), seconds since it was made, by a key that is known; whether it proves
_PROOFS: dict[str, tuple[Duty, int, int, bool, bool]] = {
    "its own": (Duty.PERSON, 0, 0, True, True),
    "for another duty": (Duty.APPS, 0, 0, True, False),
    "of another connection": (Duty.PERSON, 1, 0, True, False),
    "an old one": (Duty.PERSON, 0, 301, True, False),
    "one of tomorrow": (Duty.PERSON, 0, -301, True, False),
    "by another key": (Duty.PERSON, 0, 0, False, False),
}


async def _believed(library: Scene, stolen: Connection, name: str) -> bool:
    """Whether something is written by such a proof."""
    duty, beside, late, known, _ = _PROOFS[name]
    (key,) = library.world.target.proofs()
    process = await stolen.fetchval("select pg_backend_pid()") + beside
    said = proof(key if known else bytes(32), duty, process, int(time()) - late)
    await stolen.execute("select set_config('helhed.proof', $1, false)", said)
    try:
        return await _declares(stolen, library)
    finally:
        await stolen.execute("select set_config('helhed.proof', '', false)")


@pytest.mark.parametrize("name", _PROOFS)
async def test_a_proof_is_for_its_duty_its_connection_and_some_minutes(
    library: Scene, stolen: Connection, name: str
) -> None:
    assert await _believed(library, stolen, name) is _PROOFS[name][-1]


@pytest.mark.parametrize("said", ["", "person", "person x y", "person 1 2 3", "person 99999999999999999999 0"])
async def test_nonsense_proves_nothing(library: Scene, stolen: Connection, said: str) -> None:
    await stolen.execute("select set_config('helhed.proof', $1, false)", said)
    with pytest.raises(asyncpg.PostgresError):
        await stolen.fetchval(_DECLARE.format(_ask(library.doctor), key_of(library.patient)))
    await stolen.execute("select set_config('helhed.proof', '', false)")


async def test_the_keys_of_proofs_are_nobodys_to_read(library: Scene, stolen: Connection) -> None:
    for statement in (
        "select * from foundation.proof_key",
        "update foundation.proof_demand set since = 'infinity'",
        "select foundation.put_proof_keys(array['\\x'::bytea], array['\\x'::bytea])",
        "alter table trust.relation disable trigger only_proven",
        "set session_replication_role = replica",
        "set session authorization helhed_trust",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stolen.execute(statement)


async def test_a_pooled_connection_keeps_no_proof_after_its_use(library: Scene) -> None:
    async with library.world.store.pool.acquire() as connection:
        async with connection.transaction():
            await prove(connection, Duty.PERSON)  # type: ignore[arg-type]
            assert await connection.fetchval("select current_setting('helhed.proof', true)") != ""
        assert await connection.fetchval("select current_setting('helhed.proof', true)") in {None, ""}


_OWN = "select trust.add_own_relations(array[$1::uuid], array[$2::bigint], array[$3::bigint], array[3::smallint], array['-infinity'::timestamptz], array['infinity'::timestamptz], array[$3::bigint])"
_PUT = "select trust.put_relations('{}', array[$1::uuid], array[$2::bigint], array[$3::bigint], array[3::smallint], array['-infinity'::timestamptz], array['infinity'::timestamptz], array[$3::bigint])"
_JOB = "select trust.put_employments(array[$1::uuid], array[$2::bigint], array[$3::bigint], array['doctor'], array['-infinity'::timestamptz], array['infinity'::timestamptz], array[$3::bigint])"
_PAST = "select trust.put_past_contacts('{}', array[$1::uuid], array[$2::bigint], array[$3::bigint], array[now()], array['{}'], array[$3::bigint])"


_SOURCES = ["nothing", "an older row", "a row about somebody else", "a row just stored"]


async def _taken(library: Scene, statement: str, table: str, source: str) -> bool:
    """Whether a fact is taken up from such a source, by somebody who can prove; undone."""
    owner, clinic = await connect(library.world.target.owner), key_of(library.elsewhere)
    transaction = owner.transaction()
    await transaction.start()
    try:
        row = uuid4() if source == "nothing" else library.observation
        if source not in {"nothing", "an older row"}:
            await owner.execute("update fhir.resource set updated = updated where id = $1", row)
        citizen = key_of(library.elsewhere if source == "a row about somebody else" else library.patient)
        before = await owner.fetchval(f"select count(*) from {table}")
        await owner.execute(statement, row, citizen, clinic)
        return bool(await owner.fetchval(f"select count(*) from {table}") - before)
    finally:
        await transaction.rollback()
        await owner.close()


@pytest.mark.parametrize(
    ("statement", "table"),
    [(_OWN, "trust.relation"), (_PUT, "trust.relation"), (_JOB, "trust.employment"), (_PAST, "trust.past_contact")],
    ids=["own registrations", "relations", "jobs", "past contacts"],
)
@pytest.mark.parametrize("source", _SOURCES)
async def test_facts_follow_from_a_row_of_the_same_transaction(
    library: Scene, statement: str, table: str, source: str
) -> None:
    """Even somebody who can prove makes nothing up: no relation without the registration that it follows from."""
    by_a_row = source == "a row just stored" or (source == "a row about somebody else" and table == "trust.employment")
    assert await _taken(library, statement, table, source) is by_a_row


async def _keep_the_law(library: Scene, stolen: Connection) -> None:
    for name, (*_, good) in _PROOFS.items():
        assert await _believed(library, stolen, name) is good
    for source in _SOURCES:
        assert await _taken(library, _PUT, "trust.relation", source) is (source == "a row just stored")


@pytest.mark.parametrize("mutant", PROVEN, ids=lambda mutant: mutant.sin)
async def test_a_guard_that_is_taken_away_is_missed(library: Scene, stolen: Connection, mutant: Mutant) -> None:
    owner = library.world.owner
    await _keep_the_law(library, stolen)
    text = await owner.fetchval("select pg_get_functiondef($1::text::regproc)", mutant.function)
    await mutate(owner, mutant)
    try:
        with pytest.raises(AssertionError):
            await _keep_the_law(library, stolen)
    finally:
        await owner.execute(text)


@pytest.mark.parametrize(("left", "good"), [("1 hour", True), ("-1 second", False)], ids=["until then", "not after"])
async def test_an_earlier_release_writes_unproved_for_as_long_as_the_upgrade_may_take(
    library: Scene, stolen: Connection, left: str, good: bool
) -> None:
    owner = library.world.owner
    before = await owner.fetchval("select since from foundation.proof_demand")
    await owner.execute("update foundation.proof_demand set since = clock_timestamp() + $1::text::interval", left)
    try:
        assert await _declares(stolen, library) is good
    finally:
        await owner.execute("update foundation.proof_demand set since = $1", before)
