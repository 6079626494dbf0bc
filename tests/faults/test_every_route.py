"""Attack 78 at every address that there is: what a request carries is in no log, no metric, no header, no link and no refusal."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.test_nothing_gets_out import Doors
from tests.faults.walk import Place, addresses_in, kind_of, leaks, places, requests_at, words_of
from tests.support.live import LiveServer
from tests.support.logging_in import log_in
from tests.support.plants import Plant

REFUSED = 400
PEOPLE = ("nobody", "jens", "mette-gp", "operator")


@pytest.fixture(scope="module")
def doors(two_workers: LiveServer) -> Doors:
    return Doors(two_workers)


@pytest.fixture(scope="module")
def browsers(doors: Doors) -> Iterator[dict[str, httpx.Client]]:
    """Somebody of each door, logged in, and somebody who is not."""
    opened = {
        who: httpx.Client(base_url=doors.server.url, headers={"origin": doors.server.url}, timeout=20) for who in PEOPLE
    }
    for who, browser in opened.items():
        if who != "nobody":
            log_in(browser, who)
    yield opened
    for browser in opened.values():
        browser.close()


def told_of(doors: Doors, place: Place, answer: httpx.Response) -> list[str]:
    """What an answer gives away: in its headers, in the links of its body, and in its words when it refuses."""
    found = [f"header {name}: {one}" for name, value in answer.headers.items() for one in leaks(value, doors.garden)]
    found += [f"link {one}" for address in addresses_in(answer.text) for one in leaks(address, doors.garden)]
    if answer.status_code >= REFUSED:
        found += [f"refusal {one}" for one in doors.garden.found(words_of(answer.text), number_only=place.of_fhir)]
    if "referrer-policy" not in answer.headers and (
        answer.is_redirect or "html" in answer.headers.get("content-type", "")
    ):
        found.append("a browser may tell the next site where it was")
    return found


def csrf_of(browser: httpx.Client, who: str) -> str:
    """What the forms of somebody's pages carry."""
    if who == "nobody":
        return ""
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.get("/mine-log-ind").text)[0])


def walked(doors: Doors, browser: httpx.Client, who: str, one: Plant) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    csrf = csrf_of(browser, who)
    for place in sorted(places(), key=lambda place: place.path == "/log-ud"):  # whoever logs out goes no further
        for sent in requests_at(place, one, csrf):
            headers = {**sent.headers, "content-type": kind_of(place)}
            if who == "nobody" or place.of_fhir:
                bearer = doors.tokens.get(who, one.secret)
                headers["authorization"] = f"Bearer {bearer}"
            answer = browser.request(sent.method, sent.address, headers=headers, content=sent.body)
            assert answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR, (who, place.told())
            if bad := told_of(doors, place, answer):
                found[f"{place.told()} {answer.status_code}"] = bad[:3]
    return found


@pytest.mark.parametrize("who", PEOPLE)
def test_no_route_gives_away_what_was_sent_to_it(doors: Doors, browsers: dict[str, httpx.Client], who: str) -> None:
    doors.begin()
    answers = walked(doors, browsers[who], who, doors.garden.plant(f"every route as {who}"))
    written = {name: leaked for name, text in doors.written() if (leaked := doors.garden.found(text))}
    assert (answers, written) == ({}, {})
    if who != "nobody":
        assert browsers[who].get("/mine-log-ind").status_code == httpx.codes.UNAUTHORIZED, "the walk was to its end"


def test_every_route_is_walked() -> None:
    paths = {place.path for place in places()}
    assert {
        "/oauth/token",
        "/log-ind/{provider}/retur",
        "/borger/log/hent",
        "/hjaelp/breve/{letter:uuid}",
        "/fhir",
    } <= paths
    assert len(places()) > 200
