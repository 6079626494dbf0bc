"""Before an act that opens records people prove again who they are, and come back to what they wrote."""

import re
from datetime import timedelta

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from helhed.portals.context import visit
from helhed.portals.language import Words
from helhed.trust.identity.session_policy import session_policy

DONE: list[dict[str, str]] = []


async def change(request):
    """A page that changes a consent."""
    visitor = await visit(request)
    fields = await visitor.form() if request.method == "POST" else {}
    await visitor.require_fresh(request.path_params["purpose"], excused=bool(fields.get("acute")))
    DONE.append({name: value for name, value in fields.items() if name != "csrf"})
    return PlainTextResponse("changed")


class Prover:
    """Somebody who can prove again who they are."""

    def __init__(self, visitor):
        self._visitor = visitor

    def __getattr__(self, name):
        return getattr(self._visitor, name)

    def proves(self, who="bodil"):
        self._visitor.get("/log-ind/anybody?igen=1")
        self._visitor.get(f"/log-ind/anybody/retur?person={who}")


@pytest.fixture
def person(visitor):
    DONE.clear()
    visitor = Prover(visitor)
    visitor.app.router.routes.insert(0, Route("/proeve/{purpose}", change, methods=["GET", "POST"]))
    visitor.log_in("bodil")
    return visitor


def later(network, minutes=15):
    network.now += timedelta(minutes=minutes)


def hidden(page):
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return {name: value for name, value in fields.items() if name != "csrf"}


def test_who_has_just_logged_in_is_not_asked(person):
    person.post("/proeve/consent", hvem="alle")
    assert (person.page, DONE) == ("changed", [{"hvem": "alle"}])


def test_who_logged_in_a_while_ago_is_asked_to_prove_it_and_nothing_is_changed_until_then(person, network):
    later(network)
    person.post("/proeve/consent", hvem="alle")
    assert person.address.endswith("/bekraeft")
    assert "Intet er ændret endnu" in person.text
    assert DONE == []


def test_what_was_written_comes_back_and_is_sent_by_one_press(person, network):
    later(network)
    person.post("/proeve/consent", hvem="alle", grund='"><script>alert(1)</script>')
    person.proves()
    assert DONE == []
    assert hidden(person.page)["hvem"] == "alle"
    assert "<script>alert" not in person.page
    person.post("/proeve/consent", **hidden(person.page) | {"grund": "x"})
    assert DONE == [{"hvem": "alle", "grund": "x"}]


def test_a_page_that_was_only_opened_opens(person, network):
    later(network)
    person.get("/proeve/mandate?trin=2")
    person.proves()
    assert (person.page, person.address) == ("changed", "http://localhost/proeve/mandate?trin=2")


def test_the_proof_comes_with_a_new_cookie_and_the_old_one_is_worth_nothing(person, network):
    later(network)
    person.post("/proeve/consent", hvem="alle")
    old = person.cookies["helhed"]
    person.proves()
    assert person.cookies["helhed"] != old
    person.cookies.set("helhed", old, domain="localhost.local", path="/")
    person.get("/borger")
    assert person.status == 401


def test_a_proof_does_not_lengthen_the_session(person, network):
    start = network.now
    while person.get("/borger") and person.status == 200:
        person.post("/proeve/consent")
        person.proves()
        later(network, 20)
    assert person.status == 401
    assert network.now - start == session_policy().absolute


def test_a_proof_grows_old_before_it_is_used(person, network):
    later(network)
    person.post("/proeve/consent", hvem="alle")
    person.proves()
    later(network)
    person.get("/bekraeft/videre")
    assert person.address.endswith("/bekraeft")


def test_an_acute_ward_is_not_held_up(person, network):
    later(network)
    person.post("/proeve/break-glass", acute="1")
    assert len(DONE) == 1


def test_nobody_else_proves_it_for_somebody(person, network):
    later(network)
    person.post("/proeve/consent", hvem="alle")
    person.proves("rune")
    assert person.status == 403
    assert "Den, der bekræftede, er ikke den, der er logget ind" in person.text
    person.post("/proeve/consent", hvem="alle")
    assert DONE == []
    person.get("/mine-log-ind")
    assert "Afvist: en anden bekræftede" in person.text


def test_who_was_about_to_do_nothing_is_sent_home(person):
    person.get("/bekraeft")
    assert person.address.endswith("/borger")
    person.get("/bekraeft/videre")
    assert person.address.endswith("/borger")


@pytest.mark.parametrize("path", ["/bekraeft", "/bekraeft/videre"])
def test_nobody_is_asked_to_prove_it_who_is_not_logged_in(visitor, path):
    visitor.get(path)
    assert visitor.status == 401


def test_every_purpose_says_in_words_what_one_is_about_to_do(person, network):
    later(network, 31)
    for purpose in session_policy().fresh:
        person.log_in("bodil")
        later(network, 29)
        person.post(f"/proeve/{purpose}")
        assert "proof." not in person.page


@pytest.mark.parametrize("purpose", sorted(session_policy().fresh))
@pytest.mark.parametrize("language", ["da", "en"])
def test_every_act_that_asks_for_it_says_which_act_it_is(purpose, language):
    assert Words(language)(f"proof.act.{purpose}")
