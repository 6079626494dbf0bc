"""A child whose name and address CPR protects is opened to the parent with whom CPR says that it lives, and to no other, from the next request on."""

from typing import Any

import pytest

from helhed.registries.identifiers import CPR
from tests.support.door import Door
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
LABEL = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}


@pytest.mark.parametrize("home", [True, False], ids=["lives with the child", "lives elsewhere"])
async def test_custody_as_it_is_registered_holds_through_protection_only_at_home(doors: Doors, home: bool) -> None:
    await doors.keeper()
    place = doors.keeper_place
    assert place is not None
    keeper = await doors.professional(await doors.world.employee(place, "directory-keeper"), place, "directory-keeper")
    child = await doors.person(place, "Signe Test Lind", "2018-01-01")
    parent = await doors.person(place, "Tove Test Lind", "1980-01-01")
    await keeper.get("/register")
    fields = {"navn": "Signe Lind", "cpr": doors.numbers[child], "navn2": "Tove Lind", "cpr2": doors.numbers[parent]}
    more = {"hjemme": "ja"} if home else {}
    await keeper.post(
        "/register", grundlag="9", afgoerelse="Statsforvaltningen 2026-1", fra="2026-01-01", **fields, **more
    )
    assert keeper.status == 200, keeper.text

    async def sees() -> tuple[bool, bool]:
        status, _, _ = await Door(doors.world, doors.world.citizen(parent)).do("GET", f"/fhir/Patient/{child}")
        page = await (await doors.citizen(parent)).get("/borger/hvem")
        return status == 200, "Signe" in page.text

    async def says(**told: Any) -> None:
        body = {
            "resourceType": "Patient",
            "name": [{"family": "Lind", "given": ["Signe", "Test"]}],
            "birthDate": "2018-01-01",
        }
        own = {"identifier": [{"system": CPR, "value": doors.numbers[child]}]}
        await doors.world.change(doors.world.system(place), child, body | own | told)

    assert await sees() == (True, True)
    await says(meta=LABEL)
    assert await sees() == (home, home)
    await says()
    assert await sees() == (True, True), "when protection ends custody is what it was"
