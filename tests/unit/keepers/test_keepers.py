"""The operator says who keeps the directory, and it holds from the next request on."""

from uuid import uuid4

import pytest

from helhed.commands.keepers import add_keeper, end_keeper, list_keepers
from helhed.foundation.errors import BadRequest, Forbidden, Unknown
from helhed.registries.linking import Linking
from tests.support.world import World


async def test_a_keeper_links_citizens_from_the_next_request_on_until_it_is_none(world: World) -> None:
    hospital, national = await world.organisation("Sygehus"), await world.organisation("Registret")
    one, other = await world.patient(hospital), await world.patient(hospital)
    linking, system = Linking(world.store.pool), world.system(national)
    with pytest.raises(Forbidden):
        await linking.link(system, one, other, "same fingerprints")
    await add_keeper(world.owner, f"Organization/{national}")
    await add_keeper(world.owner, f"Organization/{national}")
    assert [(keeper.organisation, keeper.name) for keeper in await list_keepers(world.owner)] == [
        (national, "Registret")
    ]
    await linking.link(system, one, other, "same fingerprints")
    await end_keeper(world.owner, f"Organization/{national}")
    with pytest.raises(Forbidden):
        await linking.unlink(system, one, other, "they were two")
    assert await list_keepers(world.owner) == []


async def test_only_an_organisation_that_is_registered_keeps_the_directory(world: World) -> None:
    for wrong, refused in (
        ("nobody", BadRequest),
        ("Patient/1", BadRequest),
        (f"Organization/{uuid4()}", Unknown),
    ):
        with pytest.raises(refused):
            await add_keeper(world.owner, wrong)
        with pytest.raises(refused):
            await end_keeper(world.owner, wrong)
    assert await list_keepers(world.owner) == []
