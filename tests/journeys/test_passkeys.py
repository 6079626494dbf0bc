"""A passkey in a real browser: made, used to log in, and removed."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, Person

pytestmark = pytest.mark.journey
DOCTOR = "mette-gp"
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def doctor(journey):
    """Somebody with a security device in their browser, which knows this machine by its name."""
    found: Person = journey.person()
    found.url = found.url.replace("127.0.0.1", "localhost")
    device = found.context.new_cdp_session(found.page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    found.logs_in_as(DOCTOR)
    return found


def logs_in_with_the_key(person):
    person.goes_to("/")
    person.page.get_by_role("link", name="Log ind med adgangsnøgle").click()
    person.page.get_by_role("button", name="Brug adgangsnøgle").click()


def test_a_passkey_is_made_used_and_removed(doctor):
    doctor.goes_to("/mine-log-ind")
    doctor.page.get_by_role("link", name="Dine adgangsnøgler").click()
    doctor.page.get_by_label("Hvad vil du kalde den?").fill("Klinikkens computer")
    doctor.page.get_by_role("button", name="Lav adgangsnøgle").click()
    expect(doctor.page.get_by_role("status").first).to_contain_text("Nøglen er gemt")
    expect(doctor.page.get_by_text("Klinikkens computer").first).to_be_visible()

    doctor.page.get_by_role("button", name="Log ud").click()
    logs_in_with_the_key(doctor)
    doctor.page.wait_for_url(re.compile("/hospital$"))
    doctor.goes_to("/mine-log-ind")
    expect(doctor.page.locator("#seneste ~ ul > li").first).to_contain_text("Adgangsnøgle")

    doctor.goes_to("/mine-noegler")
    doctor.page.get_by_role("button", name="Fjern Klinikkens computer").click()
    expect(doctor.page.get_by_role("status").first).to_contain_text("Nøglen er fjernet")
    doctor.page.get_by_role("button", name="Log ud").click()
    logs_in_with_the_key(doctor)
    expect(doctor.page.get_by_role("heading", level=1)).to_have_text("Nøglen eller koden passer ikke")


def test_the_pages_of_log_ins_fit_a_phone_and_say_what_they_need_without_javascript(journey):
    person = journey.given(DOCTOR, size=PHONE, javascript=False)
    for path in ("/mine-log-ind", "/mine-noegler", "/log-ind/invitation", "/log-ind"):
        person.goes_to(path)
        assert person.sideways == 0, path
    person.goes_to("/mine-noegler")
    assert "Adgangsnøgler kræver JavaScript" in person.reads()
