"""Logging in by a provider: somebody known gets a session of their own, anybody else a page that says why not."""

import re

import httpx
import pytest

from helhed.portals import build_portal_app


@pytest.fixture
def busy(network):
    """Somebody who works in two places."""
    from dataclasses import replace

    rune = next(one for one in network.people if one.key == "rune")
    other = next(place for place in network.places.values() if place.name == "Sygehus Fjernby")
    principal = replace(rune.principal, organisation=other.key, organisation_name=other.name, persona="rune-2")
    network.people.append(replace(rune, key="rune-2", principal=principal))
    return "rune,rune-2"


def test_the_front_page_shows_who_vouches_and_says_loudly_when_one_of_them_is_the_demos(visitor):
    visitor.get("/")
    assert visitor.status == 200
    assert "Dette er en demo, ikke et rigtigt log-ind" in visitor.text
    assert "Log ind med Enhver" in visitor.text


@pytest.mark.parametrize(("person", "page"), [("bodil", "/borger"), ("rune", "/hospital"), ("maja", "/hospital")])
def test_everybody_begins_at_their_own_page(visitor, person, page):
    visitor.log_in(person)
    assert (visitor.status, visitor.address) == (200, f"http://localhost{page}")


def test_those_whose_door_is_not_built_are_told_so(visitor):
    visitor.log_in("rune")
    assert "egne sider endnu" not in visitor.text
    visitor.log_in("maja")
    assert "Praksis har ikke egne sider endnu" in visitor.text
    visitor.log_in("ida")
    assert "Kommunen har ikke egne sider endnu" in visitor.text


def test_who_keeps_the_network_running_gets_no_door_to_patients(visitor, network):
    network.professional("drift", "Ib Test Drift", "operator", next(iter(network.places)), "drift")
    visitor.log_in("drift")
    assert visitor.address == "http://localhost/drift", (
        "what stands there is tested on a real network: test_operations_page"
    )
    visitor.get("/hospital")
    assert visitor.status == 403
    assert 'href="/drift"' in visitor.page
    visitor.log_in("rune")
    visitor.get("/drift")
    assert visitor.status == 403


def test_somebody_nobody_knows_is_told_so_and_is_not_logged_in(visitor):
    visitor.log_in("stranger")
    assert visitor.status == 403
    assert "Vi kender dig ikke her" in visitor.text
    assert "helhed" not in visitor.cookies


def test_an_answer_that_was_not_begun_in_this_browser_logs_nobody_in(visitor):
    visitor.get("/log-ind/anybody/retur?person=bodil")
    assert visitor.status == 400
    assert "hører ikke til et log-ind, som er begyndt her i browseren" in visitor.text
    assert "helhed" not in visitor.cookies


def test_an_answer_counts_once(visitor):
    visitor.get("/log-ind/anybody")
    cookie = visitor.cookies["helhed-log-ind"]
    visitor.get("/log-ind/anybody/retur?person=bodil")
    visitor.cookies.set("helhed-log-ind", cookie, domain="localhost.local", path="/")
    visitor.get("/log-ind/anybody/retur?person=rune")
    assert visitor.status == 400


def test_an_answer_of_one_provider_is_none_of_another(visitor):
    visitor.get("/log-ind/job")
    visitor.get("/log-ind/anybody/retur?person=bodil")
    assert visitor.status == 400
    assert "helhed" not in visitor.cookies


def test_an_answer_comes_too_late(visitor, network):
    from tests.unit.portals.fakes import later

    visitor.get("/log-ind/anybody")
    later(network, minutes=11)
    visitor.get("/log-ind/anybody/retur?person=bodil")
    assert visitor.status == 400


def test_there_is_no_log_in_at_a_provider_nobody_set_up(visitor):
    visitor.get("/log-ind/nobody")
    assert visitor.status == 404


async def test_the_answer_is_awaited_at_our_own_address_whatever_the_browser_calls_us(network):
    transport = httpx.ASGITransport(build_portal_app(network.ports()))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as browser:
        answer = await browser.get("/log-ind/job")
    assert answer.headers["location"] == "http://localhost/log-ind/job"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("onward", "address"),
    [
        ("/borger/medicin", "/borger/medicin"),
        ("/borger/log?hvem=alle", "/borger/log?hvem=alle"),
        ("//evil.example/", "/borger"),
        ("https://evil.example/", "/borger"),
        ("/\\evil.example", "/borger"),
        ("/borger\\..", "/borger"),
        ("/borger?cpr=010250-9995", "/borger"),
        ("/borger/" + "a" * 2000, "/borger"),
        ("", "/borger"),
    ],
)
def test_after_the_log_in_one_comes_to_where_one_was_going_but_nowhere_else(visitor, onward, address):
    from urllib.parse import quote

    visitor.get("/log-ind/anybody?tilbage=" + quote(onward))
    visitor.get("/log-ind/anybody/retur?person=bodil")
    assert visitor.chain[0].headers["location"] == address


def test_who_works_in_several_places_chooses_before_anything_opens(visitor, busy):
    visitor.log_in(busy)
    assert "Hvor arbejder du nu?" in visitor.text
    visitor.get("/hospital")
    assert visitor.address.endswith("/log-ind/sted")
    visitor.post("/log-ind/sted", sted="1")
    assert visitor.address.endswith("/hospital")
    assert "Sygehus Fjernby" in visitor.text


def test_the_place_is_changed_without_logging_in_again_and_what_was_opened_is_closed(visitor, busy):
    visitor.log_in(busy)
    visitor.post("/log-ind/sted", sted="0")
    visitor.open_patient("010250-9995")
    patient = visitor.address
    cookie = visitor.cookies["helhed"]
    visitor.get("/log-ind/sted")
    visitor.post("/log-ind/sted", sted="1")
    assert "Sygehus Fjernby" in visitor.text
    assert visitor.cookies["helhed"] != cookie
    visitor.get(patient)
    assert visitor.status == 404


@pytest.mark.parametrize("number", ["2", "-1", "x", "", "9" * 50, "٣"])
def test_only_ones_own_places_can_be_chosen(visitor, busy, number):
    visitor.log_in(busy)
    visitor.post("/log-ind/sted", sted=number)
    assert visitor.status == 404


def test_a_job_that_ended_meanwhile_cannot_be_chosen(visitor, network, busy):
    visitor.log_in(busy)
    network.ended_jobs.add("rune-2")
    visitor.post("/log-ind/sted", sted="1")
    assert visitor.status == 404


def test_a_job_that_ends_ends_the_session_at_the_next_request_and_says_why(visitor, network):
    visitor.log_in("rune")
    network.ended_jobs.add("rune")
    visitor.get("/hospital")
    assert visitor.status == 401
    assert "Du arbejder ikke længere det sted" in visitor.text
    network.ended_jobs.clear()
    visitor.get("/hospital")
    assert visitor.status == 401
    assert "Du er ikke logget ind" in visitor.text


def test_logging_out_ends_the_session_on_the_server(visitor):
    visitor.log_in("bodil")
    cookie = visitor.cookies["helhed"]
    visitor.post("/log-ud")
    visitor.cookies.set("helhed", cookie, domain="localhost.local", path="/")
    visitor.get("/borger")
    assert visitor.status == 401


def test_who_came_by_another_provider_is_offered_to_log_out_there_too(visitor):
    visitor.get("/log-ind/job")
    visitor.get("/log-ind/job/retur?person=bodil")
    visitor.post("/log-ud")
    assert 'action="https://provider.example/end"' in visitor.page
    assert "form-action 'self' https://provider.example;" in visitor.headers["content-security-policy"]
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', visitor.page)
    assert not any("token" in one for one in addresses), "what proves the log-in is sent in a form"
    visitor.get("/borger")
    assert visitor.status == 401


def test_another_site_cannot_log_somebody_out(visitor):
    visitor.log_in("bodil")
    visitor.post("/log-ud", headers={"sec-fetch-site": "cross-site"})
    assert visitor.status == 403
    visitor.get("/borger")
    assert visitor.status == 200


def test_logging_in_makes_a_new_cookie_and_ends_the_old_session(visitor):
    visitor.log_in("bodil")
    first = visitor.cookies["helhed"]
    visitor.log_in("rune")
    assert visitor.cookies["helhed"] != first
    visitor.cookies.set("helhed", first, domain="localhost.local", path="/")
    visitor.get("/borger")
    assert visitor.status == 401


def test_a_cookie_that_somebody_planted_is_never_the_sessions(visitor):
    visitor.cookies.set("helhed", "planted", domain="localhost.local", path="/")
    visitor.log_in("bodil")
    assert all(cookie.value != "planted" for cookie in visitor.cookies.jar if cookie.name == "helhed" and cookie.value)
    visitor.cookies.clear()
    visitor.cookies.set("helhed", "planted", domain="localhost.local", path="/")
    visitor.get("/borger")
    assert visitor.status == 401


def test_the_language_chosen_is_kept(visitor):
    visitor.get("/?lang=en")
    assert "This is a demo, not a real log-in" in visitor.text
    visitor.log_in("bodil")
    assert '<html lang="en">' in visitor.page
    visitor.get("/borger?lang=da&slags=vaccine")
    assert '<html lang="da">' in visitor.page
    assert "slags=vaccine" in visitor.page.split('hreflang="en"')[0].rsplit("<a", 1)[1]


@pytest.mark.parametrize("role", ["operator", "reviewer", "log-keeper"])
def test_the_menus_of_those_without_patients_lead_nowhere_that_is_closed_to_them(visitor, network, role):
    network.professional("desk", "Ea Test Bord", role, next(iter(network.places)), "uden patienter")
    visitor.log_in("desk")
    todo, seen = [visitor.address.removeprefix("http://localhost")], set()
    while todo:
        address = todo.pop()
        seen.add(address)
        visitor.get(address)
        assert visitor.status == 200, address
        frame = re.sub(r"<main.*</main>", "", visitor.page, flags=re.DOTALL)
        links = re.findall(r'href="(/[a-z-]+(?:/[a-z-]+)*)"', frame)
        todo += [link for link in dict.fromkeys(links) if link not in seen | set(todo)]
    assert not seen & {"/hospital", "/hospital/apps", "/hospital/erklaeringer"}


@pytest.mark.parametrize("role", ["security-officer", "citizen-service", "directory-keeper"])
def test_who_has_no_patients_is_sent_to_no_page_of_clinicians(visitor, network, role):
    network.professional("tea", "Tea Test Vagt", role, next(iter(network.places)), "uden patienter")
    visitor.log_in("tea")
    visitor.get("/mine-log-ind")
    assert (visitor.status, "/hospital" in visitor.page) == (200, False)


def test_the_citizens_menu_says_where_pages_beneath_belong(visitor):
    visitor.log_in("bodil")
    for address, menu in (("/borger/spoergsmaal", "/borger/log"), ("/borger/vaerdispring", "/borger/log")):
        visitor.get(address)
        assert f'href="{menu}" aria-current="page"' in visitor.page
