"""Logging in as somebody from the demo."""

import pytest


def test_the_front_page_says_loudly_that_it_is_no_real_log_in(visitor):
    visitor.get("/")
    assert visitor.status == 200
    assert "Dette er en demo, ikke et rigtigt log-ind" in visitor.text


def test_people_stand_at_their_doors(visitor):
    visitor.get("/")
    assert (
        visitor.text.index("Bodil Test Prøvesen")
        < visitor.text.index("Rune Test Dahl")
        < visitor.text.index("Maja Test Lind")
    )
    assert "Læge, Akutmodtagelsen, Sygehus Prøvefjord" in visitor.text


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
    assert (visitor.status, visitor.address) == (200, "http://localhost/drift")
    assert "Driftens sider er ikke bygget endnu" in visitor.text
    visitor.get("/hospital")
    assert visitor.status == 403
    assert 'href="/drift"' in visitor.page
    visitor.log_in("rune")
    visitor.get("/drift")
    assert visitor.status == 403


def test_any_citizen_can_be_found_by_name_or_number_and_logged_in_as(visitor):
    visitor.get("/")
    visitor.post("/soeg", soeg="importado")
    assert "1 borger fundet" in visitor.text
    visitor.post("/soeg", soeg="070693-1t7k")
    assert "Alberto Test Importado" in visitor.text
    patient = visitor.page.split('name="borger" value="')[1].split('"')[0]
    visitor.post("/log-ind", borger=patient)
    assert "Alberto Test Importado" in visitor.text
    assert visitor.address.endswith("/borger")


def test_the_number_searched_for_stands_in_no_address(visitor):
    visitor.get("/")
    visitor.post("/soeg", soeg="010250-9995")
    assert all("010250" not in str(answer.url) for answer in visitor.chain)


def test_a_search_of_one_letter_is_asked_for_more_and_keeps_what_was_written(visitor):
    visitor.get("/")
    visitor.post("/soeg", soeg="B")
    assert visitor.status == 422
    assert "Skriv mindst to tegn" in visitor.text
    assert 'value="B"' in visitor.page


@pytest.mark.parametrize(
    "fields", [{"person": "nobody"}, {"borger": "no-uuid"}, {"borger": "01900000-0000-7000-8000-000000000000"}, {}]
)
def test_nobody_else_can_be_logged_in_as(visitor, fields):
    visitor.get("/")
    visitor.post("/log-ind", **fields)
    assert visitor.status == 404


def test_logging_out_ends_the_session_on_the_server(visitor):
    visitor.log_in("bodil")
    cookie = visitor.cookies["helhed"]
    visitor.post("/log-ud")
    visitor.cookies.set("helhed", cookie, domain="localhost.local", path="/")
    visitor.get("/borger")
    assert visitor.status == 401


def test_logging_in_makes_a_new_cookie_and_ends_the_old_session(visitor):
    visitor.log_in("bodil")
    first = visitor.cookies["helhed"]
    visitor.log_in("rune")
    assert visitor.cookies["helhed"] != first


def test_the_language_chosen_is_kept(visitor):
    visitor.get("/?lang=en")
    assert "Who do you want to be?" in visitor.text
    visitor.log_in("bodil")
    assert '<html lang="en">' in visitor.page
    visitor.get("/borger?lang=da&slags=vaccine")
    assert '<html lang="da">' in visitor.page
    assert "slags=vaccine" in visitor.page.split('hreflang="en"')[0].rsplit("<a", 1)[1]
