"""What a citizen does."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, DOCTOR = "jens", "anders-emergency"
PAGES = (
    "/borger",
    "/borger/spaerringer",
    "/borger/spaerringer/ny?hvem=alle&hvad=alt",
    "/borger/samtykker/ny",
    "/borger/medicin",
    "/borger/log",
    "/borger/log/bevis",
    "/borger/log?hvem=alle&hvad=alt",
    "/om",
    "/tilgaengelighed",
)


def test_a_citizen_sees_who_opened_the_record_and_why(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    name = doctor.page.locator(".hh-who").inner_text().split(",")[0]

    citizen = journey.given(CITIZEN)
    citizen.page.get_by_role("link", name="Min log").first.click()

    entry = citizen.page.locator(".hh-log > li", has_text=name).first
    expect(entry).to_contain_text("fordi")
    expect(entry.locator("h4")).not_to_be_empty()


def test_a_block_empties_the_hospitals_page_at_the_next_request_until_it_is_ended(journey):
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    expect(doctor.page.get_by_role("heading", name=re.compile("^CAVE: (?!intet)"))).to_be_visible()
    name = doctor.page.locator(".hh-who").inner_text().split(",")[0]

    citizen = journey.given(CITIZEN)
    citizen.goes_to("/borger/log")
    citizen.page.locator(".hh-log > li", has_text=name).first.get_by_role("link", name="Spær for dette sted").click()
    expect(citizen.page.get_by_role("heading", name="se i nat?").first).to_be_visible()
    expect(citizen.page.get_by_role("heading", name="Det betyder mest").first).to_be_visible()
    citizen.page.get_by_role("button", name="Gem spærringen").click()
    expect(citizen.page.get_by_role("status").first).to_contain_text("gælder fra næste opslag")

    doctor.page.reload()
    expect(doctor.page.locator(".hh-sources")).to_contain_text("Intet vises her")
    expect(doctor.page.get_by_role("heading", name="CAVE: intet at vise her")).to_be_visible()

    citizen.page.get_by_role("button", name="Fjern spærringen").click()
    expect(citizen.page.get_by_text("Du har ingen spærringer, der gælder nu.")).to_be_visible()
    doctor.page.reload()
    expect(doctor.page.get_by_role("heading", name=re.compile("^CAVE: (?!intet)"))).to_be_visible()


def test_a_choice_on_the_timeline_stands_in_the_address_and_can_be_shared(journey):
    citizen = journey.given(CITIZEN)
    citizen.page.get_by_label("Slags").select_option("vaccine")
    citizen.page.wait_for_url(re.compile("slags=vaccine"))
    expect(citizen.page.locator(".hh-event--vaccine").first).to_be_visible()
    expect(citizen.page.locator(".hh-event--contact")).to_have_count(0)
    citizen.page.reload()
    expect(citizen.page.get_by_label("Slags")).to_have_value("vaccine")


def test_the_whole_portal_changes_language_and_remembers(journey):
    citizen = journey.given(CITIZEN)
    citizen.page.get_by_role("link", name="English").click()
    expect(citizen.page.locator("html")).to_have_attribute("lang", "en")
    citizen.page.get_by_role("link", name="My log").first.click()
    expect(citizen.page.get_by_role("heading", level=1)).to_have_text("Who has seen your data?")
    citizen.page.get_by_role("link", name="Dansk").click()
    expect(citizen.page.get_by_role("heading", level=1)).to_have_text("Hvem har set dine oplysninger?")


def test_everything_works_without_javascript(journey):
    citizen = journey.given(CITIZEN, javascript=False)
    citizen.page.get_by_label("Slags").select_option("vaccine")
    citizen.page.locator("#tidslinje").get_by_role("button", name="Vis").click()
    expect(citizen.page).to_have_url(re.compile("slags=vaccine"))
    citizen.goes_to("/borger/spaerringer/ny")
    citizen.page.get_by_label("Alle behandlere overalt").check()
    citizen.page.get_by_label("Alt i min journal").check()
    citizen.page.get_by_role("button", name="Se, hvad det betyder").click()
    expect(citizen.page.get_by_role("button", name="Gem spærringen")).to_be_visible()


def test_what_is_missing_in_the_block_form_is_said_at_the_field(journey):
    citizen = journey.given(CITIZEN, javascript=False)
    citizen.goes_to("/borger/spaerringer/ny")
    citizen.page.get_by_role("button", name="Se, hvad det betyder").click()
    expect(citizen.page.get_by_role("alert")).to_contain_text("Vælg, hvem spærringen gælder for.")
    citizen.page.get_by_role("alert").get_by_role("link").first.click()
    expect(citizen.page).to_have_url(re.compile("#hvem$"))


@pytest.mark.parametrize("page", PAGES)
def test_no_citizen_page_scrolls_sideways_on_a_small_phone(journey, page):
    citizen = journey.given(CITIZEN, size=PHONE)
    citizen.goes_to(page)
    for summary in citizen.page.locator("summary").all():
        summary.click()
    assert citizen.sideways == 0


def test_the_keyboard_alone_is_enough(journey):
    somebody = journey.person()
    somebody.goes_to("/")
    keyboard = somebody.page.keyboard
    keyboard.press("Tab")
    expect(somebody.page.get_by_role("link", name="Gå til indholdet")).to_be_focused()
    keyboard.press("Enter")
    for what, address in (
        ("document.activeElement.getAttribute('href') === '/log-ind/mitid'", "**/authorize?**"),
        (f"document.activeElement.form?.person?.value === '{CITIZEN}'", "**/borger"),
    ):
        for _ in range(60):
            keyboard.press("Tab")
            if somebody.page.evaluate(what):
                break
        outline = somebody.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "focus must be seen"
        keyboard.press("Enter")
        somebody.page.wait_for_url(address)
    expect(somebody.page.get_by_role("heading", level=1)).to_be_visible()


def test_a_log_out_ends_everything(journey):
    citizen = journey.given(CITIZEN)
    citizen.page.get_by_role("button", name="Log ud").click()
    citizen.goes_to("/borger")
    expect(citizen.page.get_by_role("heading", level=1)).to_have_text("Du er ikke logget ind")


def test_the_chart_has_its_numbers_behind_it(journey):
    citizen = journey.given(CITIZEN)
    figure = citizen.page.locator("figure.hh-chart").first
    expect(figure.locator("svg[role=img]")).to_be_visible()
    figure.locator("summary").click()
    expect(figure.get_by_role("table")).to_be_visible()
