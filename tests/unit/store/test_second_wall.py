"""Invariant 22: the application's role may call decided functions and may not touch citizen data any other way.

What it may do is listed here. A new table or function that nobody decided about fails a test.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from helhed.foundation.database import Connection, connect
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCHEMAS = ("foundation", "fhir", "registries", "trust", "exchange", "portals")

#: table -> what the application may do there. Citizen data: nothing, or adding new rows of the store (every reader decides).
ALLOWED: dict[str, set[str]] = {
    "exchange.imported_document": set(),
    "exchange.rejected_entry": set(),
    "fhir.code_system": {"SELECT"},  # public: terminologies
    "fhir.concept": {"SELECT"},
    "fhir.concept_above": {"SELECT"},
    "fhir.concept_map": {"SELECT"},
    "fhir.concept_mapping": {"SELECT"},
    "fhir.terminology_state": {"SELECT"},
    "fhir.value_set": {"SELECT"},
    "fhir.resource": {"INSERT"},
    "fhir.resource_date": {"INSERT"},
    "fhir.resource_string": {"INSERT"},
    "fhir.version": set(),
    "foundation.access_log": set(),
    "foundation.outbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},  # ids of resources, no content
    "portals.session": {"SELECT", "INSERT", "UPDATE", "DELETE"},  # keyed by a hash of the cookie
    "registries.citizen": set(),
    "registries.citizen_identifier": set(),
    "registries.demo": set(),
    "registries.keeper": set(),
    "registries.organisation": {"SELECT"},  # public: SOR
    "registries.professional": {"SELECT"},  # public: names of professionals
    "registries.replacement_cpr": set(),
    "trust.block": set(),
    "trust.employment": set(),
    "trust.persona": {"SELECT"},  # demo mode only: synthetic people
    "trust.relation": set(),
    "trust.role": {"SELECT"},
    "fhir.artefact": {"SELECT"},  # public: profiles and value sets
    "fhir.conformance": {"SELECT"},  # what sources must conform to
    "fhir.index_work": {"SELECT"},  # how far indexing has come
    "fhir.knowledge": {"SELECT"},
    "fhir.package": {"SELECT"},
    "fhir.package_dependency": {"SELECT"},
    "trust.system_client": set(),
}

#: functions the application may call, by what keeps them from telling too much
DECIDED = {
    "fhir.admit", "fhir.citizen_rows", "fhir.claim", "fhir.everything_of", "fhir.history_between", "fhir.history_of", "fhir.history_of_types",
    "fhir.read_many", "fhir.read_version",
    "fhir.referenced", "fhir.explain_search", "fhir.search_any", "fhir.search_record_many", "registries.find_by_name", "registries.find_citizen",
    "registries.match_citizens", "registries.own_identity", "trust.blocks_of", "trust.declare_relation", "trust.end_block", "trust.held_relation",
    "trust.log_of", "trust.may_declare", "trust.may_see", "trust.set_block",
}  # fmt: skip
#: take facts in, and tell nothing but whether they were taken
TAKE_IN = {
    "fhir.log_writes", "fhir.replace", "fhir.put_version", "registries.note_received", "registries.put_citizen_identifiers",
    "registries.put_citizens", "registries.put_organisation", "registries.put_professionals",
    "registries.take_one_replacement_cpr", "registries.take_replacement_cpr", "trust.drop_sources", "trust.put_employments", "trust.put_relations",
    "trust.put_roles",
}  # fmt: skip
#: arithmetic on what the caller brings, or public facts
HARMLESS = {"fhir.bucket", "fhir.key", "trust.is_within"}
#: nothing unless this installation was loaded as a demo
DEMO = {"registries.demo_citizen", "registries.demo_citizens"}

_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name, array_remove(array_agg(
         case when has_table_privilege('helhed_app', c.oid, p) or has_any_column_privilege('helhed_app', c.oid, p) then p end), null) as may
from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(array['SELECT', 'INSERT', 'UPDATE']) p
where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') group by 1
"""
_WHOLE_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name, array_remove(array_agg(
         case when has_table_privilege('helhed_app', c.oid, p) then p end), null) as may
from pg_class c join pg_namespace n on n.oid = c.relnamespace,
     unnest(array['DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') group by 1
"""
_FUNCTIONS = """
select format('%I.%I', n.nspname, p.proname) as name, p.prosecdef as definer, p.proconfig as settings,
       pg_get_userbyid(p.proowner) as owner, has_function_privilege('helhed_app', p.oid, 'EXECUTE') as callable
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any($1)
"""


@pytest_asyncio.fixture(loop_scope="module")
async def application(library: Scene) -> AsyncIterator[Connection]:
    """What a program could do that has stolen the application's connection."""
    connection = await connect(library.world.target.application)
    yield connection
    await connection.close()


async def test_every_table_has_a_decision_and_grants_no_more(library: Scene) -> None:
    granted: dict[str, set[str]] = {}
    for statement in (_TABLES, _WHOLE_TABLES):
        for row in await library.world.owner.fetch(statement, list(SCHEMAS)):
            granted.setdefault(row["name"], set()).update(row["may"])
    assert granted == ALLOWED


@pytest.mark.parametrize("table", sorted(name for name, may in ALLOWED.items() if "SELECT" not in may))
async def test_a_closed_table_is_closed(library: Scene, application: Connection, table: str) -> None:
    column = await library.world.owner.fetchval(
        "select quote_ident(attname) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 order by attnum desc limit 1",
        table,
    )
    for statement in (
        f"select * from {table}",
        f"select count(*) from {table}",
        f"select {column} from {table}",
        f"select * from {table} for update",
        f"update {table} set {column} = {column}",
        f"delete from {table}",
        f"truncate {table}",
        f"copy {table} to stdout",
        f"insert into {table} default values returning *",
        f"create temp view peek as select * from {table}; select * from peek",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)


async def test_every_function_has_a_decision_and_the_inner_ones_are_closed(library: Scene) -> None:
    rows = await library.world.owner.fetch(_FUNCTIONS, list(SCHEMAS))
    assert {row["name"] for row in rows if row["callable"]} == DECIDED | TAKE_IN | HARMLESS | DEMO


async def test_a_function_with_rights_of_its_own_looks_names_up_where_its_owner_says(library: Scene) -> None:
    rows = [row for row in await library.world.owner.fetch(_FUNCTIONS, list(SCHEMAS)) if row["definer"]]
    assert rows
    for row in rows:
        (path,) = [one for one in row["settings"] or () if one.startswith("search_path=")]
        assert path.endswith(", pg_temp"), row["name"]
        assert row["owner"] == f"helhed_{row['name'].split('.')[0]}"


@pytest.mark.parametrize("name", sorted(DECIDED))
async def test_a_decided_function_asks_who_is_asking(library: Scene, name: str) -> None:
    definition = await library.world.owner.fetchval(
        "select pg_get_functiondef(oid) from pg_proc where format('%I.%I', pronamespace::regnamespace, proname) = $1",
        name,
    )
    assert "fhir.stand(" in definition or "asker.kind = 1" in definition or "asker.kind <> 1" in definition


async def test_the_application_is_nobody_else(library: Scene) -> None:
    role = await library.world.owner.fetchrow("select * from pg_roles where rolname = 'helhed_app'")
    assert role is not None
    rights = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert not [right for right in rights if role[right]]
    assert await library.world.owner.fetchval(
        "select count(*) from pg_auth_members where member = 'helhed_app'::regrole"
    ) == 0  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "set role helhed_fhir",
        "set session authorization helhed",
        "select * from fhir.versions_of(1::smallint, gen_random_uuid())",
        "select trust.register_system(1)",
        "select * from fhir.basis(null, null, 1, 1, 1::smallint, 1::smallint)",
        "create table fhir.mine (x int)",
        "create table public.mine (x int)",
        "create function trust.mine() returns int language sql return 1",
        "create or replace function fhir.stand(asker fhir.ask) returns setof fhir.standing language sql as 'select true, null::bigint[], null::smallint[], null::smallint[]'",
        "alter table fhir.resource disable trigger all",
        "drop table foundation.access_log",
        "select pg_read_file('postgresql.conf')",
        "copy registries.organisation to program 'true'",
        "alter system set fsync = off",
        "select * from pg_authid",
    ],
)
async def test_the_application_role_cannot_go_around(application: Connection, statement: str) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
        await application.execute(statement)


async def test_statistics_tell_nothing_of_closed_tables(library: Scene, application: Connection) -> None:
    await library.world.owner.execute("analyze")
    seen = await application.fetch(
        "select distinct schemaname, tablename from pg_stats where schemaname = any($1)", list(SCHEMAS)
    )
    assert {f"{row['schemaname']}.{row['tablename']}" for row in seen} <= {
        name for name, may in ALLOWED.items() if "SELECT" in may
    }


async def test_a_stranger_who_calls_the_functions_directly_gets_nothing(
    library: Scene, application: Connection
) -> None:
    """An ask that claims to be a doctor of the ward, by somebody who has no job there."""
    ask = "row(2, 42, $1, 'doctor', 1, 'x', null, null, now(), gen_random_uuid())::fhir.ask"
    where = (library.stranger.organisation, library.observation)
    assert library.stranger.organisation is not None
    rows = await application.fetch(
        f"select outcome, body from fhir.read_many(array[{ask}], array[96]::smallint[], array[$2]::uuid[])", *where
    )
    assert [(row["outcome"], row["body"]) for row in rows] == [(0, None)]
    found = await application.fetch(
        f"select * from registries.find_by_name({ask.replace('$1', '$1::bigint')}, array['ane'], 10)", where[0]
    )
    assert found == []
