"""A message between two places: written, read, acted on, and followed by all three."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, WARD, CLINIC, CLINIC_NAME = "jens", "anders-emergency", "mette-gp", "Lægerne Havnegade"
TOPIC, TEXT = "Saturation efter udskrivelse", "Vil I måle hans saturation i næste uge?"


def opens_messages(staff, number):
    """The messages of a patient."""
    staff.looks_up(number)
    staff.goes_to(re.sub(r"^https?://[^/]+", "", staff.page.url).split("?")[0].rstrip("/") + "/beskeder")


def test_a_message_is_sent_read_and_acted_on_and_its_way_is_there_to_follow(journey):
    _, number = journey.identity_of(CITIZEN)
    writer = journey.given(WARD)
    opens_messages(writer, number)
    form = writer.page.locator("form", has=writer.page.locator('input[name="traad"][value=""]'))
    form.get_by_label("Modtager").fill(CLINIC_NAME)
    form.get_by_label("Emne").fill(TOPIC)
    form.get_by_label("Besked").fill(TEXT)
    form.get_by_role("button", name="Send").click()
    expect(writer.page.get_by_text("Beskeden er modtaget og gemt.")).to_be_visible()

    reader = journey.given(CLINIC)
    opens_messages(reader, number)
    expect(reader.page.get_by_text(TEXT).first).to_be_visible()
    reader.goes_to("/opgaver")
    reader.page.locator("tr", has_text=TOPIC).get_by_role("link").first.click()
    reader.page.get_by_role("button", name=re.compile("^Tag imod")).click()
    reader.page.get_by_role("button", name=re.compile("^Gjort")).first.click()

    opens_messages(writer, number)
    expect(writer.page.get_by_text("Der er handlet på den").first).to_be_visible()
    assert "set hos modtageren" in writer.reads()

    citizen = journey.given(CITIZEN, size=PHONE)
    citizen.goes_to("/borger/breve")
    expect(citizen.page.get_by_text("Der er handlet på den").first).to_be_visible()
    assert TEXT not in citizen.reads()
    assert citizen.sideways == 0
