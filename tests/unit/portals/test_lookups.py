"""Who looks many different people up is slowed, then stopped by a plain page; every attempt stands in the log."""

import pytest

from helhed.foundation.ask import Action
from helhed.trust.lookups.counting import limits
from tests.unit.portals.fakes import later

BY_WHO, PAUSE = limits()
SESSION = BY_WHO["session"][0]
ADDRESS = BY_WHO["address"][0]


def look_up(visitor, many, first=0):
    for n in range(first, first + many):
        visitor.post("/hospital/find", patient=f"0101{n:06}")


@pytest.fixture
def hurried(visitor):
    """A doctor who has tried as many numbers as are taken."""
    visitor.log_in("rune")
    visitor.get("/hospital")
    look_up(visitor, SESSION.refuse_after)
    assert visitor.status == 404
    return visitor


@pytest.mark.parametrize(
    ("language", "head", "advice"),
    [
        ("da", "Der er slået for mange op på kort tid", "bed en kollega slå op"),
        ("en", "Too many people were looked up in a short time", "ask a colleague"),
    ],
)
def test_one_number_too_many_gets_a_plain_page_with_what_to_do(hurried, language, head, advice):
    hurried.get(f"/hospital?lang={language}")
    hurried.open_patient("010250-9995")
    assert (hurried.status, hurried.headers["retry-after"]) == (429, "60")
    assert head in hurried.text
    assert advice in hurried.text
    assert "Bodil" not in hurried.page


def test_the_refused_attempt_stands_in_the_log_of_whom_it_named(hurried, network):
    before = len(network.log)
    hurried.open_patient("010250-9995")
    assert [entry.action for entry in network.log[before:]] == [Action.LOOKUP]


def test_names_count_like_numbers_and_a_refused_name_shows_nobody(hurried, network):
    before = len(network.log)
    hurried.open_patient("Bodil Test")
    assert hurried.status == 429
    assert "010250-9995" not in hurried.page
    assert [(entry.action, entry.permitted) for entry in network.log[before:]] == [(Action.LOOKUP, False)]


def test_a_name_that_nobody_has_is_an_attempt_in_the_log(visitor, network):
    visitor.log_in("rune")
    visitor.open_patient("Ingen Sådan")
    assert visitor.status == 404
    assert [(entry.action, entry.permitted) for entry in network.log] == [(Action.LOOKUP, False)]


def test_before_it_is_refused_it_is_slowed(visitor, network):
    visitor.log_in("rune")
    visitor.get("/hospital")
    look_up(visitor, SESSION.slow_after)
    assert network.pauses == []
    look_up(visitor, 1, first=900)
    assert network.pauses == [PAUSE]


def test_a_new_session_of_the_same_professional_changes_nothing(hurried):
    hurried.log_in("rune")
    hurried.open_patient("010250-9995")
    assert hurried.status == 429


def test_a_patient_opened_before_can_be_opened_again(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.get("/hospital")
    look_up(visitor, SESSION.refuse_after)
    assert visitor.status == 429
    visitor.open_patient("010250-9995")
    assert visitor.status == 200


def test_after_a_while_it_goes_on(hurried, network):
    later(network, minutes=11)
    hurried.open_patient("010250-9995")
    assert hurried.status == 200
