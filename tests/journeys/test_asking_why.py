"""A citizen asks why, and the place answers."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, DOCTOR, KEEPER = "jens", "anders-emergency", "log-keeper"


def test_a_citizen_asks_why_the_hospital_answers_and_the_citizen_is_told(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    name = doctor.page.locator(".hh-who").inner_text().split(",")[0]

    citizen = journey.given(CITIZEN, size=PHONE, javascript=False)
    citizen.goes_to("/borger/log")
    citizen.page.locator(".hh-log > li", has_text=name).first.get_by_role("link", name="Spørg hvorfor").click()
    citizen.page.get_by_label("Vil du skrive noget til?").fill("Jeg var der ikke den dag.")
    citizen.page.get_by_role("button", name="Send spørgsmålet").click()
    expect(citizen.page.locator(".hh-move .is-now")).to_contain_text("skal svare senest")

    keeper = journey.given(KEEPER)
    expect(keeper.page.get_by_role("heading", level=1)).to_have_text("Spørgsmål fra borgere om opslag")
    keeper.page.get_by_role("link", name="Åbn").first.click()
    expect(keeper.page.locator("main")).to_contain_text("Jeg var der ikke den dag.")
    keeper.page.get_by_label("Dit svar").fill("Lægen skulle svare din egen læge på et brev.")
    keeper.page.get_by_role("button", name="Send svaret").click()
    expect(keeper.page.get_by_role("status")).to_contain_text("sendt til borgeren")

    citizen.goes_to("/borger/beskeder")
    expect(citizen.page.locator("main")).to_contain_text("Du har fået svar på")
    citizen.page.get_by_role("link", name="Læs mere Du har fået svar").first.click()
    expect(citizen.page.locator("main")).to_contain_text("Lægen skulle svare din egen læge på et brev.")
    citizen.goes_to("/borger/log")
    expect(citizen.page.locator("main")).to_contain_text("gennemgik sine egne medarbejderes opslag om dig")


def test_names_of_a_place_are_withheld_at_the_next_request_until_they_are_told_again(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    name = doctor.page.locator(".hh-who").inner_text().split(",")[0]

    keeper = journey.given(KEEPER)
    keeper.page.get_by_text("Skærm navne").first.click()
    keeper.page.get_by_label("Sagsnummer").first.fill("2026-17")
    keeper.page.get_by_label("Til og med").fill("2099-01-01")
    keeper.page.get_by_role("button", name="Skærm navnene").click()
    expect(keeper.page.get_by_role("alert")).to_be_visible()
    expect(keeper.page.get_by_label("Sagsnummer").first).to_have_value("2026-17")
    today = keeper.page.evaluate("new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10)")
    keeper.page.get_by_label("Til og med").fill(today)
    keeper.page.get_by_role("button", name="Skærm navnene").click()

    citizen = journey.given(CITIZEN)
    citizen.goes_to("/borger/log")
    expect(citizen.page.locator("main")).not_to_contain_text(name)
    expect(citizen.page.locator("main")).to_contain_text("navnet vises ikke")
    keeper.page.get_by_role("button", name="Vis navne igen").click()
    citizen.page.reload()
    expect(citizen.page.locator("main")).to_contain_text(name)
