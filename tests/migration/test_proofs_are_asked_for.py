"""Whether an earlier release may write without a proof for a while: in a network that is in use, and nowhere else."""

import pytest

from helhed.foundation.database import Target, connect
from helhed.foundation.migrations import all_migrations

_HOUR = 3600
_SINCE = "insert into foundation.proof_demand"


@pytest.mark.parametrize("in_use", [True, False])
async def test_a_network_in_use_has_a_day_and_a_new_one_nothing(target: Target, in_use: bool) -> None:
    (migration,) = [one for one in all_migrations() if one.name == "proofs"]
    (statement,) = [part for part in migration.sql.split(";") if _SINCE in part]
    owner = await connect(target.owner)
    try:
        if in_use:
            await owner.execute(
                "select trust.note(row(1, 1, null, '', 4, 'x', null, null, now(), gen_random_uuid())::fhir.ask, 9::smallint, null, null, null)"
            )
        await owner.execute("delete from foundation.proof_demand")
        await owner.execute(statement)
        left = await owner.fetchval(
            "select (extract(epoch from since) - extract(epoch from now()))::float8 from foundation.proof_demand"
        )
    finally:
        await owner.close()
    assert (23 * _HOUR < left <= 24 * _HOUR) if in_use else left < 0
