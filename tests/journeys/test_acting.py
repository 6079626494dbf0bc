"""On somebody else's behalf, and citizens who are helped."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE

pytestmark = pytest.mark.journey

GIVER, FRIEND, CLERK, DOCTOR = "birthe", "lene", "bodil-service", "anders-emergency"


def test_a_mandate_is_given_accepted_used_under_a_banner_and_taken_back(journey):
    name, number = journey.identity_of(FRIEND)
    giver_name, _ = journey.identity_of(GIVER)
    giver = journey.given(GIVER)
    giver.goes_to("/borger/fuldmagter")
    giver.page.get_by_label("Fulde navn").fill(name)
    giver.page.get_by_label("CPR-nummer").fill(number)
    giver.page.get_by_label("Medicin, allergier og vacciner").check()
    giver.page.get_by_label("Til og med").fill((datetime.now(UTC) + timedelta(days=7)).date().isoformat())
    giver.page.get_by_role("button", name="Send fuldmagten").click()
    expect(giver.page.get_by_role("status").first).to_contain_text("Fuldmagten er sendt")

    friend = journey.given(FRIEND, size=PHONE)
    friend.goes_to("/borger/fuldmagter")
    friend.page.get_by_role("button", name=re.compile("^Ja, jeg vil")).click()
    friend.goes_to("/borger/hvem")
    friend.page.get_by_role("button", name=re.compile(giver_name)).click()
    expect(friend.page.get_by_role("complementary", name="På en andens vegne")).to_contain_text(giver_name)
    assert friend.sideways == 0

    giver.goes_to("/borger/fuldmagter")
    giver.page.get_by_role("button", name=re.compile("^Tag tilbage nu")).first.click()
    friend.goes_to("/borger")
    expect(friend.page.get_by_role("heading", level=1)).to_contain_text("Hvem vil du se")


def test_a_citizen_without_a_screen_is_helped_to_a_block_and_gets_a_letter(journey):
    name, number = journey.identity_of(GIVER)
    clerk = journey.given(CLERK)
    clerk.page.get_by_label("Borgerens fulde navn").fill(name)
    clerk.page.get_by_label("CPR-nummer").fill(number)
    clerk.page.get_by_label("pas", exact=True).check()
    clerk.page.get_by_label("Borgeren har selv bedt om hjælpen").check()
    clerk.page.get_by_role("button", name="Begynd").click()
    clerk.page.get_by_role("button", name="Sæt spærringen").click()
    expect(clerk.page.get_by_role("status").first).to_contain_text("Det er gjort")
    clerk.page.get_by_role("button", name=re.compile("^Fjern spærret")).click()
    clerk.page.get_by_role("link", name="Breve, der skal sendes").click()
    clerk.page.get_by_role("link", name=re.compile("^Vis og udskriv")).first.click()
    expect(clerk.page.locator("article")).to_contain_text(name)
