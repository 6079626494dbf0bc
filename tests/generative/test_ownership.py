"""Whose a row is that an organisation keeps: whoever writes it without saying so, the database says it; nobody else would."""

from typing import Any
from uuid import UUID

import pytest

from helhed.fhir.definitions import Ownership, TypeDefinition
from helhed.fhir.store import session, writing
from tests.generative.loading import load
from tests.generative.resources import Drawer
from tests.generative.test_mutants import a_loaded_world, breaks_the_law
from tests.generative.worlds import a_world

_home_citizen = writing.home_citizen


@pytest.fixture
def an_earlier_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every row of a type for its organisation's, whomever it is about."""

    def by_type(definition: TypeDefinition, resource: dict[str, Any], own_id: UUID) -> int | None:
        if definition.ownership is not Ownership.CITIZEN:
            return None
        return _home_citizen(definition, resource, own_id)

    monkeypatch.setattr(writing, "home_citizen", by_type)
    monkeypatch.setattr(session, "home_citizen", by_type)


@pytest.mark.usefixtures("an_earlier_release")
async def test_what_an_earlier_release_writes_about_a_citizen_is_decided_as_that_citizens(server_target, tmp_path):
    async with a_loaded_world(server_target, tmp_path, 1) as loaded:
        assert any(one.row.type_name == "List" and one.row.citizen for one in loaded.world.kept)
        assert not await breaks_the_law(loaded, 1, ("reads",))


@pytest.mark.usefixtures("an_earlier_release")
async def test_a_row_that_is_taken_for_its_organisations_is_missed(world):
    await world.owner.execute("drop trigger resource_owner on fhir.resource")
    loaded = await load(world, a_world(Drawer.seeded(1)))
    assert await breaks_the_law(loaded, 1, ("reads",))
