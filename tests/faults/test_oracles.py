"""The oracles of the fault runs find what they are for: each loss is made by hand, once."""

import pytest

from tests.faults.oracles import hold, terms_are_those_of_the_content
from tests.faults.ward import Ward
from tests.support.world import World

LOSSES = {
    "an acknowledged version is gone": "delete from fhir.resource where id = $1::uuid",
    "an acknowledged content is another": "update fhir.resource set body = replace(convert_from(body, 'utf8'), 'final', 'amended')::bytea where id = $1::uuid",
    "a version is missing from the past": "update fhir.resource set version = version + 1 where id = $1::uuid",
    "a deletion was not asked for": "update fhir.resource set deleted = true where id = $1::uuid",
    "an answer has no log row": "delete from foundation.access_log where $1::uuid = any(resources)",
    "terms are left behind": "insert into fhir.resource_string (bucket, type, parameter, id, value, written) select -7, 1, 1, $1::uuid, 'x', 'x'",
}
STALE = {
    "a token is missing": "update fhir.resource set tokens = tokens[2:] where id = $1::uuid",
    "a date is another": "update fhir.resource set date_lo = date_lo - interval '1 day' where id = $1::uuid",
}


@pytest.fixture
async def ward(world: World) -> Ward:
    """A ward where all kinds of requests were answered."""
    opened = await Ward(world).open()
    await opened.transaction()
    await opened.create()
    await opened.update()
    await opened.read()
    await opened.search()
    return opened


async def test_nothing_is_found_where_nothing_was_lost(ward: Ward) -> None:
    await ward.delete()
    assert ward.failures == []
    assert ward.promised.shown
    await hold(ward.world.owner, ward.promised)
    await terms_are_those_of_the_content(ward.world.owner)


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_loss_is_found(ward: Ward, loss: str) -> None:
    await ward.world.owner.execute(LOSSES[loss], ward.written[-1][0])
    with pytest.raises(AssertionError):
        await hold(ward.world.owner, ward.promised)


async def test_an_attempt_that_is_there_in_part_is_found(ward: Ward) -> None:
    """Nobody acknowledged it, and nobody asked for a part of it."""
    known = ward.observation()
    ward.promised.attempted.append([known["identifier"][0]["value"], "never stored"])
    await hold(ward.world.owner, ward.promised)
    await ward.system.post("/fhir/Observation", known)
    with pytest.raises(AssertionError, match="in part"):
        await hold(ward.world.owner, ward.promised)


@pytest.mark.parametrize("stale", STALE)
async def test_a_stale_index_is_found(ward: Ward, stale: str) -> None:
    await ward.world.owner.execute(STALE[stale], ward.written[-1][0])
    with pytest.raises(AssertionError):
        await terms_are_those_of_the_content(ward.world.owner)
