"""A parent sets blocks for a child; whoever acts by a mandate, or no longer acts, does not."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from tests.support.world import NOW, at

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/borger/spaer-for"
EVER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="module")
async def family(doors):
    clinic = await doors.world.organisation("Klinikken")
    mother = await doors.person(clinic, "Mona Test Moder", "1980-01-01")
    child = await doors.person(clinic, "Bo Test Barn", "2011-11-24")
    await doors.world.contact(child, clinic)
    return clinic, mother, child, await doors.world.observation(child, clinic)


async def _as_child(doors, family, basis):
    _clinic, mother, child, _ = family
    ask = await doors.keeper() if basis == "custody" else doors.world.citizen(child)
    await doors.acting.let_act(ask, key_of(child), key_of(mother), basis, NOW, EVER)
    browser = await doors.citizen(mother)
    await browser.get("/borger/hvem")
    return await browser.post("/borger/hvem", hvem=str(child))


async def _sees(doors, clinic, row):
    doctor = doors.world.professional(await doors.world.employee(clinic), clinic)
    try:
        await doors.world.store.read(at(doctor, doors.now), "Observation", row)
    except Unknown:
        return False
    return True


async def test_a_parent_sets_and_ends_a_block_for_a_child_in_their_own_name(doors, family):
    clinic, mother, child, row = family
    browser = await _as_child(doors, family, "custody")
    await browser.get(PAGE)
    assert "Spærringer for Bo Test Barn" in browser.text
    await browser.post(PAGE, hvem=str(key_of(clinic)))
    assert "Spærringen er sat" in browser.text
    assert not await _sees(doors, clinic, row)
    await browser.post(f"{PAGE}/fjern", spaer=browser.value("spaer"))
    assert "Spærringen er fjernet" in browser.text
    assert await _sees(doors, clinic, row)
    rows = [one for one in await doors.log_of(child) if one["action"] in (Action.SET_BLOCK, Action.END_BLOCK)]
    assert [(one["actor"], one["basis"]) for one in rows] == [(key_of(mother), 9)] * 2


async def test_a_form_that_waits_for_proof_is_not_sent_on_behalf_of_somebody_else(doors, family):
    clinic, mother, _, _ = family
    browser = await _as_child(doors, family, "custody")
    sister = await doors.person(clinic, "Ida Test Barn", "2013-05-05")
    await doors.acting.let_act(await doors.keeper(), key_of(sister), key_of(mother), "custody", NOW, EVER)
    await browser.get(PAGE)
    await browser.post(PAGE, hvem=str(key_of(clinic)))
    doors.now = NOW + timedelta(minutes=11)
    await browser.post(f"{PAGE}/fjern", spaer=browser.value("spaer"))
    assert browser.address == "/bekraeft"
    await browser.get("/borger/hvem")
    await browser.post("/borger/hvem", hvem=str(sister))
    await browser.get("/bekraeft")
    assert browser.address == "/borger", "what waited was for the brother"


async def test_a_mandate_sets_no_blocks_and_custody_none_from_the_fifteenth_birthday(doors, family):
    _clinic, mother, child, _ = family
    browser = await _as_child(doors, family, "mandate")
    await browser.get(PAGE)
    assert browser.status == 403
    await browser.get("/borger")
    await browser.post(PAGE, hvem="alle")
    assert browser.status == 403
    late = at(doors.world.citizen(mother), NOW + timedelta(days=2))
    await doors.acting.let_act(await doors.keeper(), key_of(child), key_of(mother), "custody", NOW, EVER)
    with pytest.raises(Unknown):
        await doors.ports.acting.set_block_for(late, key_of(child), None)
    assert not await doors.world.owner.fetchval("select count(*) from trust.block where citizen = $1", key_of(child))


async def test_nobody_blocks_for_a_stranger(doors, family):
    _, mother, child, _ = family
    with pytest.raises(Unknown):
        await doors.ports.acting.set_block_for(doors.world.citizen(mother), key_of(child), None)
