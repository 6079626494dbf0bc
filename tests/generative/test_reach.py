"""A search that begins with whom the asker may see at all leaves nobody out: of any base there is."""

from pathlib import Path

import pytest

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Target
from tests.generative.loading import Loaded
from tests.generative.mutants import Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.test_mutants import a_loaded_world
from tests.generative.worlds import some_asks

SEEDS = range(2)
MANY_SEEDS = range(100, 160)

_LEFT_OUT = """
select count(*) from fhir.resource r
cross join (select s from fhir.footing_of($1::fhir.ask) s) stood
cross join lateral fhir.basis($1::fhir.ask, stood.s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                              coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
where r.ownership = 1 and not r.citizen = any(fhir.reach_of($1::fhir.ask, stood.s, 100000))"""
_FOR_PROFESSIONALS, _FOR_CITIZENS = "trust.reach_of_professional", "trust.reach_of_citizen"
FORGETFUL = [
    Mutant("relations", _FOR_PROFESSIONALS, "where t.organisation = any(stand.places)", "where false"),
    Mutant("places above", _FOR_PROFESSIONALS, "t.organisation = any(stand.places)", "t.organisation = asker.organisation"),
    Mutant("contacts", _FOR_PROFESSIONALS, "where p.organisation = any(stand.places)", "where false"),
    Mutant("consents and tickets", _FOR_PROFESSIONALS, "where o.professional in (asker.actor, stand.principal)", "where false"),
    Mutant("consents to a place", _FOR_PROFESSIONALS, "where o.professional is null", "where false"),
    Mutant("those one acts for", _FOR_CITIZENS, "where a.actor", "where false and a.actor"),
    Mutant("oneself", _FOR_CITIZENS, "select asker.actor", "select asker.actor where false"),
    Mutant("other keys", "fhir.reach_of", "trust.keys_of(array_agg(distinct found.citizen))", "array_agg(found.citizen)"),
]  # fmt: skip


async def left_out(loaded: Loaded, asks: list[Ask]) -> int:
    """Rows that somebody may see and would not begin with."""
    return sum([await loaded.opened.owner.fetchval(_LEFT_OUT, ask_row(ask)) for ask in asks])


def asks_of(loaded: Loaded, seed: int) -> list[Ask]:
    return some_asks(Drawer.seeded(seed + 2_000_000), loaded.world, 60)


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.long) for seed in MANY_SEEDS)])
async def test_nobody_whom_the_asker_may_see_is_left_out(server_target: Target, tmp_path: Path, seed: int) -> None:
    async with a_loaded_world(server_target, tmp_path, seed) as loaded:
        assert await left_out(loaded, asks_of(loaded, seed)) == 0


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.sin, marks=() if one.sin == "contacts" else pytest.mark.long) for one in FORGETFUL],
)
async def test_a_base_that_is_forgotten_leaves_somebody_out(
    server_target: Target, tmp_path: Path, mutant: Mutant
) -> None:
    for seed in range(24):
        async with a_loaded_world(server_target, tmp_path, seed) as loaded:
            await mutate(loaded.opened.owner, mutant)
            if await left_out(loaded, asks_of(loaded, seed)):
                return
    pytest.fail("nobody was left out")
