"""Invariant 22: the application's role may call decided functions and may not select citizen data."""

import asyncpg
import pytest

from helhed.foundation.database import connect
from tests.support.world import World

#: tables of the rooms that hold nothing about citizens, or only what the application itself keeps
OPEN = {
    "registries.organisation",
    "registries.professional",
    "trust.role",
    "trust.persona",
    "foundation.outbox",
    "portals.session",
}
_TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('foundation', 'fhir', 'registries', 'trust', 'exchange', 'portals') order by 1
"""


async def test_the_application_role_can_select_only_what_is_listed_as_open(world: World) -> None:
    application = await connect(world.target.application)
    readable = set()
    for row in await world.owner.fetch(_TABLES):
        try:
            await application.fetch(f"select * from {row['name']} limit 1")
            readable.add(row["name"])
        except asyncpg.InsufficientPrivilegeError:
            pass
    await application.close()
    assert readable == OPEN


@pytest.mark.parametrize(
    "statement",
    [
        "update fhir.resource set body = ''",
        "delete from fhir.resource",
        "delete from foundation.access_log",
        "update trust.block set valid_to = now()",
        "copy fhir.resource to stdout",
        "set role helhed_fhir",
        "select * from fhir.versions_of(1::smallint, gen_random_uuid())",
        "create table fhir.mine (x int)",
    ],
)
async def test_the_application_role_cannot_go_around(world: World, statement: str) -> None:
    application = await connect(world.target.application)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute(statement)
    await application.close()
