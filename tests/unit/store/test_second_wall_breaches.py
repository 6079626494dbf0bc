"""Invariant 22, from the other side: whatever is granted to the application that nobody decided on, a test of the second wall notices.

The breaches are drawn from the catalogue: every closed table or column, every inner function, every right.
"""

from collections.abc import Sequence
from random import Random

import asyncpg
import pytest

from helhed.foundation.database import Connection
from tests.unit.store import test_second_wall as wall
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SOME = 40
_TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_COLUMN_RIGHTS = ("SELECT", "UPDATE")
_COLUMNS = "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped"
_INNER = """
select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any($1) and p.prokind = 'f' and not has_function_privilege('helhed_app', p.oid, 'EXECUTE') order by 1"""


async def breaches(owner: Connection) -> list[str]:
    """Every grant that would be one too many."""
    found = []
    for table, may in wall.ALLOWED.items():
        found += [f"grant {right} on {table} to helhed_app" for right in _TABLE_RIGHTS if right not in may]
        for column in [row["attname"] for row in await owner.fetch(_COLUMNS, table)]:
            found += [
                f'grant {right} ("{column}") on {table} to helhed_app' for right in _COLUMN_RIGHTS if right not in may
            ]
    names = [row["name"] for row in await owner.fetch(_INNER, list(wall.SCHEMAS))]
    decided = (
        wall.DECIDED
        | wall.IDENTITY
        | wall.BY_A_TOKEN
        | wall.TAKE_IN
        | wall.WHO_IS_IT
        | wall.RECOGNISE
        | wall.HARMLESS
        | wall.COURIER
        | wall.DEMO
        | wall.WATCH
    )
    return found + [
        f"grant execute on function {name} to helhed_app" for name in names if name.partition("(")[0] not in decided
    ]


async def test_a_grant_that_nobody_decided_on_is_noticed(library: Scene) -> None:
    some = Random(22).sample(await breaches(library.world.owner), _SOME)
    assert {statement.split()[1] for statement in some} >= {"SELECT", "UPDATE", "execute"}
    assert await _unnoticed(library, some) == []


@pytest.mark.long
async def test_every_grant_that_nobody_decided_on_is_noticed(library: Scene) -> None:
    assert await _unnoticed(library, await breaches(library.world.owner)) == []


async def _unnoticed(library: Scene, statements: Sequence[str]) -> list[str]:
    owner, missed = library.world.owner, []
    for statement in statements:
        transaction = owner.transaction()
        await transaction.start()
        try:
            await owner.execute(statement)
            if not await _is_noticed(library):
                missed.append(statement)
        except asyncpg.PostgresError as error:
            missed.append(f"{statement}: {error}")
        finally:
            await transaction.rollback()
    return missed


async def _is_noticed(library: Scene) -> bool:
    try:
        await wall.test_every_table_has_a_decision_and_grants_no_more(library)
        await wall.test_every_function_has_a_decision_and_the_inner_ones_are_closed(library)
    except AssertionError:
        return True
    return False
