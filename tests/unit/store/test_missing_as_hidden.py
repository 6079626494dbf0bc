"""What is missing costs what is hidden costs: the database looks into the same tables as often, so that no clock tells them apart."""

from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from tests.unit.store.scene import Scene

_READ = "select outcome from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
#: that nothing is scanned by chance of a small table: the lanes of the server say the same
_PLANS = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off"
_LOOKS = """
select schemaname || '.' || relname as name, coalesce(idx_scan, 0) as looks, coalesce(idx_tup_fetch, 0) as rows
from pg_stat_xact_user_tables where schemaname in ('fhir', 'trust', 'registries')"""


async def _looked_into(scene: Scene, ask: Ask, wanted: UUID) -> dict[str, tuple[int, int]]:
    """How often a read that finds nothing looks into each table, and how many rows it takes from there."""
    owner = scene.world.owner
    asked = (_READ, ask_row(ask), [TYPE_NUMBERS["Observation"]], [wanted])
    await owner.fetchval(*asked)  # planning looks into tables too
    async with owner.transaction():
        before = {row["name"]: (row["looks"], row["rows"]) for row in await owner.fetch(_LOOKS)}
        assert await owner.fetchval(*asked) == 0
        after = {row["name"]: (row["looks"], row["rows"]) for row in await owner.fetch(_LOOKS)}
    nothing = 0, 0
    spent = {name: (looks - before.get(name, nothing)[0], rows - before.get(name, nothing)[1]) for name, (looks, rows) in after.items()}  # fmt: skip
    return {name: one for name, one in spent.items() if one != nothing}


async def test_missing_looks_into_what_hidden_looks_into(scene: Scene) -> None:
    await scene.world.owner.execute(_PLANS)
    hidden = await _looked_into(scene, scene.stranger, scene.observation)
    missing = await _looked_into(scene, scene.stranger, UUID(int=scene.observation.int - 1))
    looks, rows = missing.pop("fhir.resource")
    assert (looks - 1, rows) == hidden.pop("fhir.resource")  # for itself, where nothing is, and for the one beside it
    assert missing == hidden
    assert {"trust.relation", "trust.block"} <= hidden.keys()
