"""An app in a browser, as the how-to writes it, with SMART Health IT's library (fhirclient for JavaScript)."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.browser_app import serving_the_how_to

pytestmark = pytest.mark.journey

CITIZEN, SOMEBODY_ELSE, DOCTOR = "jens", "ulla", "anders-emergency"
CLIENT = "browser-app"
NAME = "Min blodtryksapp"
#: what the library of a page answers: a body, or what it threw
ASKED = """async (path) => { const client = await FHIR.oauth2.ready();
  return client.request(path).then((body) => body.resourceType, (error) => String(error.status ?? error.message)); }"""
FOUND = """async (path) => { const client = await FHIR.oauth2.ready();
  return ((await client.request(path)).entry ?? []).map((one) => one.resource.resourceType); }"""
RENEWED = """async () => { const client = await FHIR.oauth2.ready(); const before = { ...client.state.tokenResponse };
  const after = (await client.refresh()).tokenResponse;
  return [before.access_token !== after.access_token, before.refresh_token !== after.refresh_token]; }"""
TOLD = "async () => (await FHIR.oauth2.ready()).state.tokenResponse"
#: what a page of any origin gets by a plain request with a token that it has
FETCHED = """async ([url, token]) => fetch(url, { headers: { authorization: "Bearer " + token } })
  .then((answer) => answer.status, (error) => error.name)"""


@pytest.fixture(scope="module")
def app(live_server, tmp_path_factory):
    with serving_the_how_to(live_server.url, CLIENT) as served:
        file = tmp_path_factory.mktemp("app") / "app.json"
        file.write_text(json.dumps(served.described))
        assert live_server.helhed("client", "register", str(file)) == CLIENT
        yield served


def allows(person, app):
    """Says yes on the page that asks, and comes back to the app."""
    page = person.page
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
    page.get_by_role("button", name="Giv adgang").click()
    page.wait_for_url(re.compile(re.escape(app.url)))


def test_a_citizens_app_reads_their_record_until_they_end_its_access(journey, app, live_server):
    name, _ = journey.identity_of(CITIZEN)
    own, others = live_server.reference(CITIZEN), live_server.reference(SOMEBODY_ELSE)
    citizen = journey.person()
    page = citizen.page
    page.goto(app.url + "launch.html")
    page.get_by_role("link", name=re.compile("MitID")).click()
    page.locator(f'form:has(input[name="person"][value="{CITIZEN}"]) button').click()
    allows(citizen, app)

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#measured > li")).not_to_have_count(0)
    assert "code=" not in page.url
    assert page.evaluate(TOLD)["patient"] == own.partition("/")[2]
    assert page.evaluate(ASKED, others) == "404"
    assert set(page.evaluate(FOUND, f"Observation?patient={own}")) == {"Observation"}
    assert "MedicationStatement" not in page.evaluate(FOUND, f"MedicationStatement?patient={own}")
    assert page.evaluate(RENEWED) == [True, True]
    assert page.evaluate(ASKED, own) == "Patient"

    token = page.evaluate(TOLD)["access_token"]
    page.goto(app.elsewhere)
    assert page.evaluate(FETCHED, [f"{live_server.url}/fhir/{own}", token]) == "TypeError"
    page.goto(app.url)
    assert page.evaluate(FETCHED, [f"{live_server.url}/fhir/{own}", token]) == 200

    citizen.goes_to("/borger/apps")
    page.get_by_role("button", name=f"Fjern adgang {NAME}").click()
    expect(page.get_by_role("status").first).to_contain_text("ikke længere adgang")
    page.goto(app.url)
    expect(page.locator("#problem")).not_to_be_empty()
    assert page.evaluate(FETCHED, [f"{live_server.url}/fhir/{own}", token]) == 401


def test_a_professional_opens_an_app_from_a_record_with_the_patient(journey, app, live_server):
    name, number = journey.identity_of(CITIZEN)
    doctor = journey.given(DOCTOR)
    doctor.looks_up(number)
    page = doctor.page
    page.get_by_role("link", name="Apps", exact=True).click()
    page.get_by_role("button", name=f"Åbn {NAME}").click()
    expect(page.get_by_text(name).first).to_be_visible()
    allows(doctor, app)

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    told = page.evaluate(TOLD)
    assert told["patient"] == live_server.reference(CITIZEN).partition("/")[2]
    assert (told["need_patient_banner"], "patient/" in told["scope"], "user/" in told["scope"]) == (True, True, False)
