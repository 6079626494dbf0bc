"""The pages on which people answer apps: what they say, what they let a browser do, and whom they are for."""

from datetime import timedelta

import pytest

from helhed.portals.sessions import Opened, key_of_cookie
from tests.support.app_client import code_of, fapi_app, say_yes, sent_back, smart_app
from tests.support.identity import ISSUER
from tests.support.pages import Clicker
from tests.unit.attacks.oauth.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(house: House, browser: Clicker) -> None:
    """The doctor found Ane in this session."""
    key = key_of_cookie(browser._cookie)
    session = await house.network.ports.sessions.get(key)
    assert session is not None
    citizen = house.network.world.citizen(house.ane).actor
    _, session = session.with_opened(Opened(citizen, house.ane, "Ane Test", "", False, None, "female", True))
    await house.network.ports.sessions.put(key, session)


async def test_the_page_says_who_asks_for_what_for_how_long_and_where_the_answer_goes(house: House) -> None:
    app = await smart_app(
        house.network, "openid patient/Observation.rs patient/QuestionnaireResponse.cu offline_access"
    )
    browser = await house.network.person(house.citizen, "Ane Test")
    await browser.ask("GET", await app.begin(), follow=False)
    await browser.get(browser.location)
    for said in (
        "Prøveapp",
        "Ane Test",
        "at se svar og målinger",
        "at skrive spørgeskemaer",
        "90 dage",
        "https://app.example",
    ):
        assert said in browser.text, said
    assert "form-action 'self' https://app.example;" in browser.headers["content-security-policy"]
    await browser.get("/borger/apps")
    assert "form-action 'self';" in browser.headers["content-security-policy"]


async def test_nobody_is_asked_before_they_log_in_and_they_come_back_to_where_they_were(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    browser = await house.network.person(None)
    await browser.ask("GET", await app.begin(), follow=False)
    await browser.ask("GET", browser.location, follow=False)
    assert browser.location.startswith("/?tilbage=%2Foauth%2Fsamtykke%3Fanmodning%3D")


async def test_an_app_that_wants_a_young_log_in_sends_an_old_one_to_log_in_again(house: House) -> None:
    app = await fapi_app(house.network, "openid user/*.rs")
    browser = await house.network.person(house.professional)
    house.network.now += timedelta(minutes=5)
    for more in ({"max_age": "60"}, {"prompt": "login"}):
        await browser.ask("GET", await app.begin(**more), follow=False)
        await browser.ask("GET", browser.location, follow=False)
        assert browser.location.startswith("/?tilbage="), more
    await browser.ask("GET", await app.begin(max_age="3600"), follow=False)
    code_of(await say_yes(browser))


async def test_a_professional_opens_an_app_from_a_record_and_it_comes_back_with_that_patient(house: House) -> None:
    scope = "openid launch user/*.rs"
    app = await smart_app(house.network, scope, initiate_login_uri="https://app.example/launch")
    browser = await house.network.person(house.professional)
    await opened(house, browser)
    session = await house.network.ports.sessions.get(key_of_cookie(browser._cookie))
    assert session is not None
    (handle,) = session.opened
    await browser.get(f"/hospital/patient/{handle}/apps")
    assert "Ane Test" in browser.text
    await browser.ask("POST", f"/hospital/patient/{handle}/apps", {"app": app.id}, follow=False)
    assert browser.location.startswith("https://app.example/launch?")
    launched = sent_back(browser)
    assert launched["iss"] == f"{ISSUER}/fhir"
    await browser.ask("GET", await app.begin(launch=launched["launch"]), follow=False)
    tokens = (await app.redeem(code_of(await say_yes(browser)))).json()
    assert tokens["patient"] == str(house.ane)
    await browser.post("/hospital/patient/not-there/apps", app=app.id)
    assert browser.status == 404


async def test_a_professional_chooses_among_those_they_found_and_nobody_else(house: House) -> None:
    app = await smart_app(house.network, "openid launch/patient user/*.rs")
    browser = await house.network.person(house.professional)
    await browser.ask("GET", await app.begin(), follow=False)
    await browser.get(browser.location)
    await browser.post("/oauth/samtykke", anmodning=browser.field("anmodning"), svar="ja", patient=str(house.ane))
    assert browser.status == 422
    await opened(house, browser)
    await browser.ask("GET", await app.begin(), follow=False)
    where = browser.location
    await browser.get(where)
    chosen = browser.field("patient") if 'type="hidden" name="patient"' in browser.page else _radio(browser)
    browser.location = where
    tokens = (await app.redeem(code_of(await say_yes(browser, patient=chosen)))).json()
    assert tokens["patient"] == str(house.ane)


async def test_an_app_is_allowed_in_person_and_never_by_whoever_keeps_the_network_running(house: House) -> None:
    world = house.network.world
    operator = world.professional(await world.employee(house.ward, "operator"), house.ward, "operator")
    app = await fapi_app(house.network, "openid user/*.rs")
    tokens = await app.tokens(operator)
    answer = await app.read(f"/fhir/Patient/{house.ane}", tokens["access_token"])
    assert answer.status_code == 404, "a scope is no basis"


@pytest.mark.parametrize("who", ["citizen", "professional"])
async def test_a_screen_that_was_left_allows_no_app_not_even_by_a_page_that_was_open_before(
    house: House, who: str
) -> None:
    scope = {"citizen": "patient/*.rs", "professional": "user/*.rs"}[who]
    app = await smart_app(house.network, f"openid {scope} offline_access")
    browser = await house.network.person(getattr(house, who), "Ane Test")
    await browser.ask("GET", await app.begin(), follow=False)
    consent = browser.location
    await browser.get(consent)
    fields = {"anmodning": browser.field("anmodning"), "svar": "ja", "lov0": scope}
    house.network.now += timedelta(minutes=9, seconds=59)
    page = browser.page
    house.network.now += timedelta(seconds=1)
    await browser.ask("POST", "/oauth/samtykke", fields, follow=False)
    assert browser.location == consent, "back to the page, which asks who it is"
    await browser.ask("GET", browser.location, follow=False)
    assert browser.location == "/bekraeft"
    assert scope in page
    given = "select count(*) from trust.authorisation where client = $1"
    assert await house.network.world.owner.fetchval(given, app.id) == 0


def _radio(browser: Clicker) -> str:
    return browser.page.partition('type="radio" name="patient" value="')[2].partition('"')[0]
