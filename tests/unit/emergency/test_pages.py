"""The page that makes an emergency copy: by who has just proved who they are, never by a screen that was left."""

from datetime import timedelta

from tests.support.pages import Pages
from tests.support.world import World
from tests.unit.emergency.test_copies import Ward

PATH = "/hospital/noedkopi"


async def test_a_screen_that_was_left_makes_no_copy_and_says_what_to_do(world: World) -> None:
    ward = await Ward.built(world)
    pages = Pages(world)
    browser = await pages.person(ward.doctor)
    await browser.get(PATH)
    assert "Lav kopien på denne computer" in browser.text
    form = {"noegle": ward.device.seal_key.hex(), "tegn": ward.device.token_hash.hex()}
    pages.now += timedelta(minutes=10)
    await browser.post(PATH, **form)
    assert browser.status == 403
    assert await world.owner.fetchval("select count(*) from trust.emergency_copy") == 0
    await browser.get(PATH)
    assert "Bekræft, hvem du er" in browser.text
    assert "Vælg en kode" not in browser.text
    await browser.ask("GET", f"{PATH}?ny=1", follow=False)
    assert browser.location == "/bekraeft"
    await browser.get(browser.location)
    assert "lave en nødkopi" in browser.text


async def test_who_has_just_proved_who_they_are_makes_one(world: World) -> None:
    ward = await Ward.built(world)
    pages = Pages(world)
    browser = await pages.person(ward.doctor)
    pages.now += timedelta(minutes=9)
    await browser.post(PATH, noegle=ward.device.seal_key.hex(), tegn=ward.device.token_hash.hex())
    assert browser.status == 200
    assert await world.owner.fetchval("select count(*) from trust.emergency_copy") == 1
