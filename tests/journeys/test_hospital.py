"""What a clinician does."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, OTHER_CITIZEN, DOCTOR, OUTSIDER = "jens", "ulla", "anders-emergency", "outsider"
PARTS = ("Problemer", "Kontakter", "Pårørende", "Medicinkort", "Svar og målinger", "Planer og tider")


def test_the_patient_is_on_one_screen_after_the_number(journey):
    name, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    expect(doctor.page.get_by_role("heading", level=1)).to_have_text(name)
    for part in PARTS:
        expect(doctor.page.get_by_role("heading", name=part, exact=True)).to_be_visible()
    sources = doctor.page.locator(".hh-sources").bounding_box()
    cave = doctor.page.get_by_role("heading", name=re.compile("^CAVE")).first.bounding_box()
    medicine = doctor.page.get_by_role("heading", name="Medicinkort").bounding_box()
    assert sources
    assert cave
    assert medicine
    assert sources["y"] < cave["y"] < medicine["y"] < 900


def test_nothing_in_address_title_or_history_names_the_patient(journey):
    name, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    shown = doctor.page.url + doctor.page.title()
    assert number not in shown
    assert number.replace("-", "") not in shown
    assert name.split()[-1] not in shown


def test_somebody_without_a_relation_is_told_why_and_may_declare_one_which_the_citizen_sees(journey):
    _, number = journey.identity_of(OTHER_CITIZEN)
    outsider = journey.given(OUTSIDER)
    outsider.looks_up(number)
    expect(outsider.page.get_by_role("heading", name="Du har ingen registreret behandlingsrelation")).to_be_visible()
    expect(outsider.page.get_by_role("heading", name="Medicinkort")).to_have_count(0)

    outsider.page.get_by_label("Ja, jeg undersøger eller behandler patienten nu").check()
    outsider.page.get_by_role("button", name="Ja, åbn patienten").click()
    expect(outsider.page.get_by_text("Du har selv erklæret")).to_be_visible()
    expect(outsider.page.get_by_role("heading", name="Medicinkort")).to_be_visible()
    name = outsider.page.locator(".hh-who").inner_text().split(",")[0]

    citizen = journey.given(OTHER_CITIZEN)
    citizen.goes_to("/borger/log?vis=andre")
    expect(citizen.page.locator(".hh-log > li", has_text=f"{name}").filter(has_text="erklærede").first).to_be_visible()


def test_a_number_that_nobody_has_says_what_to_do(journey):
    doctor = journey.given(DOCTOR)
    doctor.looks_up("999999-9999")
    expect(doctor.page.get_by_role("alert")).to_contain_text("Ingen patient fundet")
    expect(doctor.page.get_by_label("CPR-nummer, erstatnings-CPR eller navn")).to_have_value("999999-9999")


def test_the_overview_becomes_cards_on_a_small_phone(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR, size=PHONE)
    doctor.looks_up(number)
    assert doctor.sideways == 0
    for summary in doctor.page.locator("summary:visible").all():
        summary.click()
    assert doctor.sideways == 0
    doctor.page.get_by_role("link", name="Tidslinje").click()
    assert doctor.sideways == 0


def test_the_number_is_all_it_takes_from_the_keyboard(journey):
    name, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    expect(doctor.page.get_by_label("CPR-nummer, erstatnings-CPR eller navn")).to_be_focused()
    doctor.page.keyboard.type(number)
    doctor.page.keyboard.press("Enter")
    expect(doctor.page.get_by_role("heading", level=1)).to_have_text(name)


def test_the_patients_timeline_is_one_click_away(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR, javascript=False)
    doctor.looks_up(number)
    doctor.page.get_by_role("link", name="Tidslinje").click()
    expect(doctor.page.locator(".hh-event").first).to_be_visible()
    doctor.page.get_by_label("Slags").select_option("contact")
    doctor.page.get_by_role("button", name="Vis", exact=True).click()
    expect(doctor.page.locator(".hh-event:not(.hh-event--contact)")).to_have_count(0)
