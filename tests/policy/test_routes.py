"""Every address of every door, asked as everybody; what each is answered stands in a golden file that was reviewed.

A new page, interaction or operation changes the file: nobody adds a way in without saying who may take it. What each says
about one row rather than another has tests of its own; here it is who comes through the door.
"""

import re
from collections.abc import Callable
from pathlib import Path

from helhed.api.oauth import PLACES
from helhed.foundation.ask import Ask
from helhed.foundation.errors import NotAuthenticated
from tests.policy.doors import Knock, Town, address, knocks, new_row, pages, without_example
from tests.support.door import Door
from tests.support.pages import Pages
from tests.support.world import World

FILE = "routes.txt"
CHANGING = ("PUT", "PATCH", "DELETE")
HEAD = "# Who comes through which door. The professionals work at the ward that treats the citizen, unless it says elsewhere."
HOW = (
    "{} is not in tests/policy/routes.txt. Say who may: run\n"
    "  HELHED_UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/policy/test_routes.py\n"
    "read what is written there about it (git diff) as a lawyer would, and commit the file with the route."
)
WORDS = {
    200: "answered", 201: "created", 204: "done", 303: "done, or sent on", 400: "not understood", 401: "has to log in",
    403: "refused", 404: "no such thing", 405: "not in that way", 409: "not now", 412: "not met", 422: "something is missing",
    428: "has to say which", 413: "too large", 415: "not of that kind",
}  # fmt: skip
#: the authorisation server, where clients speak for themselves
OAUTH = {
    **dict.fromkeys(
        ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/smart-configuration",
         "/fhir/.well-known/smart-configuration", "/oauth/jwks"), "anybody"),
    **dict.fromkeys(
        ("/oauth/par", "/oauth/token", "/oauth/revoke"), "registered clients, by their keys; public ones by what only they know"),
    "/oauth/introspect": "registered clients with keys, about their own tokens; those that serve by tokens, about all",
    "/oauth/register": "software that an issuer on the trust list vouches for",
    "/oauth/userinfo": "who bears an access token with the scope openid, about themselves",
}  # fmt: skip
#: doors beside the pages and the FHIR door, which the application itself answers, and who may
TOP = {
    "/openapi.json": "anybody",
    "/health": "anybody",
    "/metrics": "anybody",
    "/log/": "anybody: nothing about a person",
    "/insight/": "anybody: nothing about a person",
    "/demo-log-ind/": "anybody, in demo mode alone",
    "/demo-kilder/": "anybody, in demo mode alone: synthetic data of sources that are asked",
    "/fhir": "as above",
}


def folded(answers: dict[str, str]) -> list[str]:
    """Who got which answer, the answer first."""
    by_answer: dict[str, list[str]] = {}
    for who, answer in answers.items():
        by_answer.setdefault(answer, []).append(who)
    return [f"    {answer}: {'; '.join(people)}" for answer, people in sorted(by_answer.items())]


def said(status: int, more: str = "") -> str:
    assert status < 500, "a door broke"
    return f"{status} {WORDS.get(status, '')}{more}".strip()


async def of_a_page(portal: Pages, town: Town, method: str, path: str) -> list[str]:
    answers = {}
    for who, ask in town.people.items():
        if ask is None or ask.kind != 3:  # no system has a session
            person = await portal.person(ask)
            await person.ask(method, address(path), follow=False)
            answers[who] = said(person.status)
    return [f"{method} {path}", *folded(answers)]


class _Nobody:
    def ask(self, authorization: bytes | None) -> Ask:
        raise NotAuthenticated


async def of_the_fhir_door(town: Town, knock: Knock) -> list[str]:
    answers = {}
    for who, ask in town.people.items():
        path, body, kind = knock.made(town, await new_row(town) if knock.method in CHANGING else town.result)
        door = Door(town.world, ask or town.world.citizen(town.patient))
        if ask is None:
            door._api._verifier = _Nobody()
        raw = body.encode() if isinstance(body, str) else body
        status, _, content = await door.do(knock.method, f"/fhir{path}", raw, content_type=kind)
        answers[who] = said(status, _found(content))
    return [f"{knock.told}", *folded(answers)]


def _found(content: object) -> str:
    if not isinstance(content, dict) or content.get("resourceType") != "Bundle":
        return ""
    entries = content.get("entry", [])
    statuses = {
        entry["response"]["status"][:3] for entry in entries if "response" in entry and content["type"] != "history"
    }
    return f", {'/'.join(sorted(statuses))}" if statuses else ", something" if entries else ", nothing"


def golden_heads(folder: Path) -> set[str]:
    return {
        line for line in (folder / FILE).read_text("utf-8").splitlines() if line and not line.startswith((" ", "#"))
    }


async def test_who_comes_through_each_door_is_what_was_reviewed(
    world: World, golden: Callable[[str, str], None]
) -> None:
    town = await Town.built(world)
    portal = Pages(world)
    lines = [HEAD, "", "# Pages"]
    for method, path in pages(portal.app):
        lines += await of_a_page(portal, town, method, path)
    lines += ["", "# The FHIR door, about a measurement of the citizen"]
    for knock in knocks():
        lines += await of_the_fhir_door(town, knock)
    lines += ["", "# Beside them", *(f"{path}\n    {who}" for path, who in TOP.items())]
    lines += ["", "# The authorisation server", *(f"{path}\n    {who}" for path, who in OAUTH.items())]
    golden(FILE, "\n".join(lines) + "\n")


async def test_no_route_is_without_an_access_test(world: World) -> None:
    known = golden_heads(Path(__file__).parent)
    wanted = [f"{method} {path}" for method, path in pages(Pages(world).app)] + [knock.told for knock in knocks()]
    assert not [HOW.format(one) for one in wanted if one not in known]


def test_no_operation_is_without_an_example() -> None:
    assert not without_example(), "Say in tests/policy/doors.py, EXAMPLES, what the operation is given."


def test_no_place_of_the_authorisation_server_is_without_its_word() -> None:
    assert set(PLACES) == set(OAUTH)


def test_no_door_is_opened_beside_these() -> None:
    source = "".join(one.read_text("utf-8") for one in (Path(__file__).parents[2] / "helhed" / "app").glob("*.py"))
    asked = re.findall(r"path(?: == |\.startswith\()([^:]+?)\)*:", source)
    doors = {door for one in asked for door in re.findall(r'"(/[^"]+)"', one)}
    assert doors == set(TOP), (
        "A door of helhed/app that no access test knows: add it to TOP in tests/policy/test_routes.py, and its own tests."
    )
