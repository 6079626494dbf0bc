"""What becomes of a ward and of somebody whom nobody knows: the register of organisations and the replacement numbers."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, Person

pytestmark = pytest.mark.journey

KEEPER, DOCTOR = "unit-keeper", "anders-emergency"
LATER = (date.today() + timedelta(40)).isoformat()


def finds(person: Person, text: str, name: str) -> None:
    """A unit by parts of its name."""
    person.goes_to("/enheder")
    person.page.get_by_label("Navn eller nummer").fill(text)
    person.page.get_by_role("button", name="Find", exact=True).click()
    person.page.get_by_role("link", name=re.compile(name)).first.click()
    expect(person.page.get_by_role("heading", level=1)).to_contain_text(name)


def test_a_relative_finds_a_ward_on_a_phone_from_half_its_name_and_sees_where_it_belongs(journey):
    relative = journey.person(size=PHONE)
    finds(relative, "hjertem vestf", "Hjertemedicinsk Afdeling")
    expect(relative.page.get_by_role("navigation", name="Hører under")).to_contain_text("Sygehus Vestfjord")
    expect(relative.page.get_by_role("heading", name="Ordn enheden")).to_have_count(0)
    assert relative.sideways == 0


def test_a_keeper_plans_where_letters_go_and_a_move_and_takes_both_back(journey):
    keeper = journey.given(KEEPER)
    finds(keeper, "endokrin ambul", "Endokrinologisk Ambulatorium")
    page = keeper.page
    form = page.locator('form[action$="/flyt"]')
    form.get_by_label("SOR-kode eller navn").fill("Medicinsk Afdeling, Sygehus Vestfjord")
    form.get_by_label("Fra og med").fill(LATER)
    form.get_by_role("button", name="Flyt").click()
    expect(page.get_by_text("Flytningen er gemt.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Tag tilbage Flyttes under Medicinsk")).click()
    expect(page.get_by_text("Planen er taget tilbage.")).to_be_visible()

    form = page.locator('form[action$="/modtag"]')
    form.get_by_label("Meddelelse").select_option("xdis91")
    form.get_by_label(re.compile("^Modtages på")).fill("https://breve.sygehus.example")
    form.get_by_label("Fra og med").fill(LATER)
    form.get_by_role("button", name="Tilføj").click()
    expect(page.get_by_text("Stedet er tilføjet.")).to_be_visible()
    anybody = journey.person()
    anybody.goes_to(page.url.removeprefix(journey.url))
    expect(anybody.page.get_by_role("heading", name="Begynder eller slutter")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Tag tilbage Korrespondancebrev")).click()
    expect(page.get_by_text("Planen er taget tilbage.")).to_be_visible()
    anybody.page.reload()
    expect(anybody.page.get_by_role("heading", name="Begynder eller slutter")).to_have_count(0)


def test_somebody_whom_nobody_knows_gets_a_number_after_a_search(journey):
    doctor = journey.given(DOCTOR, size={"width": 390, "height": 844})
    doctor.goes_to("/hospital/nyt-nummer")
    page = doctor.page
    page.get_by_role("radio", name=re.compile("ukendt|Ingen ved", re.IGNORECASE)).check()
    page.get_by_label(re.compile("^(Anslået|Skønnet|Alder)")).fill("70")
    page.get_by_role("radio", name="Mand", exact=True).check()
    page.get_by_role("button", name=re.compile("^Søg")).click()
    page.get_by_role("radio", name=re.compile("^Kan ikke sige")).check()
    if page.get_by_label(re.compile("ingen af dem|Hvorfor", re.IGNORECASE)).count():
        page.get_by_label(re.compile("ingen af dem|Hvorfor", re.IGNORECASE)).fill("Har et ar på armen")
    page.get_by_role("button", name=re.compile("^Giv")).click()
    number = re.search(r"\d{6}-?\d[A-Z]{2}\d", doctor.reads())
    assert number
    assert doctor.sideways == 0
