"""A citizen says no, sees what it means, and somebody breaks the glass in an emergency: from the block to the outcome of the review."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

CITIZEN, DOCTOR, REVIEWER = "lene", "anders-emergency", "reviewer"


def test_a_blocked_record_is_opened_in_two_clicks_told_reviewed_and_answered(journey):
    _, number = journey.identity_of(CITIZEN)
    citizen = journey.given(CITIZEN, javascript=False)
    citizen.goes_to("/borger/spaerringer/ny")
    citizen.page.get_by_label("Alle behandlere overalt").check()
    citizen.page.get_by_label("Alt i min journal").check()
    citizen.page.get_by_role("button", name="Se, hvad det betyder").click()
    expect(
        citizen.page.get_by_role("heading", name=re.compile("^Hvad ville Akutmodtagelsen.* se i nat"))
    ).to_be_visible()
    citizen.page.get_by_role("button", name="Gem spærringen").click()
    expect(citizen.page.get_by_role("status")).to_contain_text("gælder fra næste opslag")

    doctor = journey.given(DOCTOR, size=PHONE, javascript=False)
    doctor.looks_up(number)
    doctor.page.get_by_role("link", name="Fare for liv eller førlighed").click()
    doctor.page.get_by_role("button", name="Bekræft og åbn journalen").click()
    expect(doctor.page.get_by_text("Glasset er brudt.")).to_be_visible()
    expect(doctor.page.get_by_role("heading", name="Medicinkort")).to_be_visible()
    assert doctor.sideways == 0
    doctor.page.get_by_role("button", name="Luk nu").click()
    expect(doctor.page.get_by_text("Glasset er brudt.")).to_have_count(0)

    reviewer = journey.person()
    reviewer.goes_to("/")
    reviewer.page.get_by_role("link", name=re.compile(r"Medarbejder-log-in \(demo\)$")).click()
    reviewer.page.locator(f'form:has(input[name="person"][value="{REVIEWER}"]) button').click()
    expect(reviewer.page.get_by_role("heading", level=1)).to_have_text("Gennemsyn af brudt glas")
    reviewer.page.get_by_label("Ja, det var berettiget").first.check()
    reviewer.page.get_by_label("Begrundelse til borgeren").first.fill("Det hastede.")
    reviewer.page.get_by_role("button", name="Gem og giv borgeren besked").first.click()
    expect(reviewer.page.get_by_role("status")).to_contain_text("borgeren har fået besked")

    citizen.goes_to("/borger/vaerdispring")
    expect(citizen.page.locator("main")).to_contain_text("det var berettiget. Det hastede.")
    citizen.goes_to("/borger/spaerringer")
    citizen.page.get_by_role("button", name="Fjern spærringen").click()
    expect(citizen.page.get_by_text("Du har ingen spærringer, der gælder nu.")).to_be_visible()
