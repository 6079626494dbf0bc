"""Messages on pages: written and answered by staff, followed by the citizen, kept running by the operator."""

import re

import pytest

from helhed.exchange.messages.intake import Intake
from tests.support.pages import Pages
from tests.unit.exchange.letters import HOSPITAL, Post, communication, letter, raw

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def post(world):
    """Everybody in place."""
    return await Post.opened(world)


async def opened(post: Post, pages: Pages, place, role="doctor"):
    """A professional of a place with the patient before them, and the address of the patient's messages."""
    await post.world.contact(post.patient, place)
    doctor = post.world.professional(await post.world.employee(place, role), place, role)
    person = await pages.person(doctor, "Vera Test")
    await person.ask("POST", "/hospital/find", {"patient": "0101709995"})
    found = re.search(r"/hospital/patient/([\w-]+)", person.page)
    assert found
    return person, f"/hospital/patient/{found[1]}/beskeder"


async def test_staff_write_to_another_place_and_that_place_reads_and_answers(post):
    pages = Pages(post.world)
    writer, base = await opened(post, pages, post.hospital)
    fields = {
        "modtager": "klinik",
        "emne": "Opfølgning",
        "kategori": "discharge",
        "tekst": "Se pt. om en uge",
        "traad": "",
        "telefon": "12345678",
    }
    await writer.ask("POST", base, fields)
    await writer.ask("GET", base)
    assert "Se pt. om en uge" in writer.page
    reader, other = await opened(post, pages, post.clinic)
    await reader.ask("GET", other)
    assert "Se pt. om en uge" in reader.page
    assert "Vera Test" in reader.page
    thread = re.search(r'name="traad" value="(urn:uuid:[^"]+)"', reader.page)
    assert thread
    await reader.ask("POST", other, {**fields, "modtager": HOSPITAL, "tekst": "Det gør vi", "traad": thread[1]})
    await writer.ask("GET", base)
    assert "Det gør vi" in writer.page
    assert writer.page.count("Se pt. om en uge") == 1
    assert writer.page.count("<h1") == 1
    assert "set hos modtageren" in writer.page


async def test_what_was_written_stays_in_the_form_when_the_receiver_is_not_one(post):
    writer, base = await opened(post, Pages(post.world), post.hospital)
    await writer.ask("POST", base, {"modtager": "k", "emne": "x", "kategori": "other", "tekst": "Vigtigt", "traad": ""})
    assert writer.status == 422
    assert "Vigtigt" in writer.page


async def test_the_citizen_reads_who_wrote_to_whom_and_nobody_elses(post):
    await Intake(post.world.store).take(post.world.system(post.hospital), raw(letter(focus=communication("hemmeligt"))))
    pages = Pages(post.world)
    citizen = await pages.person(post.world.citizen(post.patient))
    await citizen.ask("GET", "/borger/breve")
    assert "Fra Sygehus til Klinik" in citizen.page
    assert "hemmeligt" not in citizen.page
    other = await pages.person(post.world.citizen(await post.world.patient(post.hospital)))
    await other.ask("GET", "/borger/breve")
    assert "Sygehus" not in other.page


async def test_the_operator_sees_why_something_was_put_aside_and_mends_it(post):
    await Intake(post.world.store).take(post.world.system(post.hospital), raw(letter(number="0202029996")))
    pages = Pages(post.world)
    role = "operator"
    operator = await pages.person(
        post.world.professional(await post.world.employee(post.hospital, role), post.hospital, role)
    )
    await operator.ask("GET", "/drift/beskeder")
    assert operator.page.count("<table") == operator.page.count("<caption") > 0
    assert '<a href="/drift">Tilbage til driften</a>' in operator.page
    assert "Kan ikke modtages endnu" in operator.page
    assert "0202029996" not in operator.page
    wanted = re.search(r'name="besked" value="([^"]+)"', operator.page)
    assert wanted
    await operator.ask("POST", "/drift/beskeder", {"besked": wanted[1], "hvad": "igen"})
    assert operator.status == 422
    await post.world.patient(post.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": "0202029996"}])
    await operator.ask("GET", "/drift/beskeder")
    wanted = re.search(r'name="besked" value="([^"]+)"', operator.page)
    assert wanted
    await operator.ask("POST", "/drift/beskeder", {"besked": wanted[1], "hvad": "igen"})
    await operator.ask("GET", "/drift/beskeder")
    assert "Intet er lagt til side" in operator.page
