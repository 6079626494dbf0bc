"""Where one is logged in, and ending the others: by oneself, or by the provider."""

import pytest

from tests.unit.portals.conftest import Visitor
from tests.unit.portals.fakes import later

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1"


@pytest.fixture
def phone(visitor, network):
    """The same network, from another browser."""
    other = Visitor(network)
    other.app = visitor.app
    return other


def in_with(visitor, person, agent=""):
    visitor.get("/log-ind/anybody", **({"user-agent": agent} if agent else {}))
    visitor.get(f"/log-ind/anybody/retur?person={person}", **({"user-agent": agent} if agent else {}))


def test_one_sees_where_one_is_logged_in_and_ends_the_others(visitor, phone):
    in_with(phone, "bodil", PHONE)
    visitor.log_in("bodil")
    visitor.get("/mine-log-ind")
    assert "Safari, iPhone" in visitor.text
    assert "denne skærm" in visitor.text
    visitor.post("/mine-log-ind/slut", session="alle")
    assert "iPhone" not in visitor.text.split("Seneste log-ind")[0]
    phone.get("/borger")
    assert phone.status == 401
    visitor.get("/borger")
    assert visitor.status == 200


def test_one_session_is_ended_by_its_own_button(visitor, phone):
    in_with(phone, "bodil", PHONE)
    visitor.log_in("bodil")
    visitor.get("/mine-log-ind")
    handle = visitor.page.split('name="session" value="')[1].split('"')[0]
    visitor.post("/mine-log-ind/slut", session=handle)
    phone.get("/borger")
    assert phone.status == 401


def test_nobody_sees_or_ends_the_sessions_of_another(visitor, phone):
    in_with(phone, "rune", PHONE)
    visitor.log_in("bodil")
    visitor.get("/mine-log-ind")
    assert "iPhone" not in visitor.text
    phone.get("/mine-log-ind")
    visitor.post("/mine-log-ind/slut", session="alle")
    phone.get("/hospital")
    assert phone.status == 200


def test_the_latest_log_ins_are_there_to_see(visitor, network):
    visitor.log_in("bodil")
    later(network, minutes=5)
    visitor.log_in("bodil")
    visitor.get("/mine-log-ind")
    assert visitor.text.split("Seneste log-ind")[1].count("Logget ind") == 2


def test_no_page_names_a_session_by_what_opens_it(visitor):
    visitor.log_in("bodil")
    cookie = visitor.cookies["helhed"]
    visitor.get("/mine-log-ind")
    from helhed.portals.sessions import key_of_cookie

    assert cookie not in visitor.page
    assert key_of_cookie(cookie) not in visitor.page


def test_who_logs_out_at_the_provider_is_logged_out_here(visitor, phone):
    visitor.log_in("bodil")
    phone.send("POST", "/log-ind/anybody/log-ud", b"logout_token=good", "application/x-www-form-urlencoded")
    assert phone.status == 200
    visitor.get("/borger")
    assert visitor.status == 401


def test_a_logout_token_is_used_once_and_one_that_proves_nothing_ends_nothing(visitor, phone):
    kind = "application/x-www-form-urlencoded"
    phone.send("POST", "/log-ind/anybody/log-ud", b"logout_token=good", kind)
    visitor.log_in("bodil")
    for body in (b"logout_token=good", b"logout_token=bad", b"", b"logout_token="):
        phone.send("POST", "/log-ind/anybody/log-ud", body, kind)
        assert phone.status == 400
    phone.send("POST", "/log-ind/nobody/log-ud", b"logout_token=good", kind)
    visitor.get("/borger")
    assert visitor.status == 200


def test_nobody_without_a_session_sees_the_page(visitor):
    visitor.get("/mine-log-ind")
    assert visitor.status == 401
