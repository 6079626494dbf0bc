"""Work between sectors, the calendar of all of them, and the card that all of them read."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, GP, NURSE = "jens", "mette-gp", "karen-nurse"
ASKED, TEAM = "Kontrol af saltbalance", "Hjemmesygeplejen, Vestfjord Kommune"


def nurse_of(journey):
    """The nurse, who says from which of her places she comes."""
    nurse = journey.person()
    nurse.goes_to("/")
    nurse.page.get_by_role("link", name=re.compile(r"Medarbejder-log-in \(demo\)$")).click()
    nurse.page.locator(f'form:has(input[name="person"][value="{NURSE}"]) button').click()
    nurse.page.get_by_role("button", name=re.compile(TEAM)).click()
    return nurse


def opens(person, words):
    """A piece of the queue."""
    person.goes_to("/opgaver")
    person.page.get_by_role("row", name=re.compile(words)).get_by_role("link").first.click()


def test_a_task_goes_from_the_gp_to_the_municipality_is_acted_on_and_the_citizen_reads_it(journey):
    gp, nurse, citizen = journey.given(GP), nurse_of(journey), journey.given(CITIZEN, size=PHONE)
    opens(gp, ASKED)
    gp.page.get_by_role("button", name="Tag imod").click()
    gp.page.get_by_text("Giv videre til en anden enhed").first.click()
    gp.page.get_by_label("Enhed (navn)").fill(TEAM)
    gp.page.get_by_role("button", name="Giv videre til en anden enhed").click()
    expect(gp.page.locator("#hvad")).to_contain_text(f"{TEAM} skal tage imod")
    opens(nurse, ASKED)
    nurse.page.get_by_role("button", name="Tag imod").click()
    nurse.page.get_by_role("button", name="Gjort", exact=True).click()
    expect(nurse.page.get_by_text(f"{TEAM} har gjort det")).to_be_visible()
    citizen.goes_to("/borger/hvis-tur")
    over = citizen.page.get_by_role("region", name="Slut").get_by_role("listitem").filter(has_text=ASKED)
    expect(over).to_contain_text("Gjort")
    assert citizen.sideways == 0


def test_the_citizen_answers_what_was_asked_of_them_without_javascript(journey):
    citizen = journey.given(CITIZEN, size=PHONE, javascript=False)
    citizen.goes_to("/borger/hvis-tur")
    mine = citizen.page.get_by_role("region", name=re.compile("^Din tur"))
    mine.get_by_label("Jeg kan ikke").check()
    mine.get_by_role("button", name=re.compile("^Send svaret")).click()
    expect(citizen.page.get_by_role("alert")).to_contain_text("Skriv hvorfor du ikke kan")
    assert citizen.sideways == 0
    mine.get_by_label("Det er gjort").check()
    mine.get_by_role("button", name=re.compile("^Send svaret")).click()
    expect(citizen.page.get_by_role("status").first).to_contain_text("Stedet kan se, at det er gjort")
    citizen.goes_to("/borger/log")
    assert "svarede på en opgave" in citizen.reads()


def test_a_calendar_link_is_made_and_ended_and_what_collides_is_said(journey):
    citizen = journey.given(CITIZEN)
    citizen.goes_to("/borger/kalender")
    citizen.page.get_by_role("button", name="Lav link").click()
    address = citizen.page.get_by_label("Adressen", exact=True).input_value()
    path = "/" + address.split("/", 3)[3]
    fetched = citizen.context.request.get(citizen.url + path)
    assert (fetched.status, fetched.text().startswith("BEGIN:VCALENDAR")) == (200, True)
    citizen.goes_to("/borger/kalender")
    citizen.page.get_by_role("button", name="Luk linket").last.click()
    assert citizen.context.request.get(citizen.url + path).status == 404
    assert "passer ikke sammen" in citizen.reads()


def test_a_new_telephone_number_on_the_card_is_read_where_the_patient_is_treated(journey):
    citizen = journey.given(CITIZEN)
    citizen.goes_to("/borger/stamkort")
    citizen.page.get_by_label("Mobiltelefon").fill("21 43 65 87")
    citizen.page.get_by_role("button", name="Gem", exact=True).first.click()
    expect(citizen.page.get_by_role("status").first).to_contain_text("Det er gemt")
    nurse = nurse_of(journey)
    nurse.looks_up(journey.identity_of(CITIZEN)[1])
    assert re.search("21 ?43 ?65 ?87", nurse.reads())
