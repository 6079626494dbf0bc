"""Attacks 58-62 and 67: a request, a code and a launch are for one client, one browser, one person, and once."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from helhed.foundation.errors import Unknown
from tests.support.app_client import (
    CALLBACK,
    App,
    Network,
    code_of,
    fapi_app,
    say_yes,
    sent_back,
    smart_app,
)
from tests.support.identity import ISSUER, identity_of
from tests.unit.attacks.oauth.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def brought(house: House, address: str) -> Any:
    """A browser of the citizen that was sent to an address."""
    browser = await house.network.person(house.citizen)
    await browser.ask("GET", address, follow=False)
    return browser


def stays_here(browser: Any) -> None:
    assert (browser.status, browser.location) == (400, ""), browser.location


async def test_without_pkce_or_with_the_plain_kind_nobody_is_asked(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    for wrong in (
        {"code_challenge_method": "plain"}, {"code_challenge_method": ""}, {"code_challenge": ""}, {"code_challenge": "short"},
        {"code_challenge": "x" * 44}, {"code_challenge_method": "s256"},
    ):  # fmt: skip
        browser = await brought(house, await app.begin(**wrong))
        assert sent_back(browser)["error"] == "invalid_request"
        assert sent_back(browser)["iss"] == ISSUER
        assert "code" not in sent_back(browser)
    code = await app.code(house.citizen)
    for verifier in ("", "w" * 43, "v" * 42, "v" * 129, "é" * 43):
        told = (await app.redeem(code, code_verifier=verifier)).json()
        assert told["error"] == "invalid_grant"
        code = await app.code(house.citizen)


async def test_an_address_that_is_not_registered_letter_for_letter_is_never_gone_to(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    for wrong in (
        CALLBACK + "/more", CALLBACK + "?x=1", CALLBACK + "#part", CALLBACK[:-1], "https://app.example:444/callback",
        "https://app.example:443/callback", "https://user@app.example/callback", "https://app.example.evil.example/callback",
        "https://APP.example/callback", "http://app.example/callback", "https://app.example/a/../callback", "//app.example/callback",
        "javascript:alert(1)", "",
    ):  # fmt: skip
        stays_here(await brought(house, await app.begin(redirect_uri=wrong)))
    address = await app.begin()
    stays_here(await brought(house, address + "&" + urlencode({"redirect_uri": "https://evil.example"})))
    stays_here(await brought(house, address.replace(app.id, "unknown")))
    code = await app.code(house.citizen)
    assert (await app.redeem(code, redirect_uri=CALLBACK + "/more")).json()["error"] == "invalid_grant"


async def test_what_is_asked_in_another_way_is_refused_where_the_client_hears_it(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    for wrong, error in (
        ({"response_type": "token"}, "unsupported_response_type"), ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"), ({"aud": "https://evil.example/fhir"}, "invalid_target"),
        ({"aud": ""}, "invalid_target"), ({"scope": ""}, "invalid_scope"), ({"scope": "patient/*.rs system/*.rs"}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request"), ({"prompt": "none"}, "consent_required"),
        ({"max_age": "-1"}, "invalid_request"), ({"dpop_jkt": "short"}, "invalid_request"), ({"state": "a\nb"}, "invalid_request"),
    ):  # fmt: skip
        browser = await brought(house, await app.begin(**wrong))
        assert sent_back(browser)["error"] == error, wrong
    nobody = await house.network.person(None)
    await nobody.ask("GET", await app.begin(prompt="none"), follow=False)
    assert sent_back(nobody)["error"] == "login_required"


async def test_a_code_is_redeemed_once_and_who_comes_again_ends_what_was_given(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs offline_access")
    code = await app.code(house.citizen)
    tokens = (await app.redeem(code)).json()
    assert (await app.read(f"/fhir/Patient/{house.ane}", tokens["access_token"])).status_code == 200
    assert (await app.redeem(code)).json()["error"] == "invalid_grant"
    assert (await app.read(f"/fhir/Patient/{house.ane}", tokens["access_token"])).status_code == 401
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_many_who_bring_a_code_at_once_to_two_workers_none_keeps_a_token_that_holds(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    code = await app.code(house.citizen)
    other = Network(house.network.world, identity_of(house.network.world, lambda: house.network.now))
    twin = App(other, app.id, scope=app.scope)
    answers = await asyncio.gather(*(one.redeem(code) for one in (app, twin) * 3))
    given = [one.json() for one in answers if one.status_code == 200]
    assert len(given) == 1
    worker = (
        app if answers[0].status_code == 200 or answers[2].status_code == 200 or answers[4].status_code == 200 else twin
    )
    assert (await worker.read(f"/fhir/Patient/{house.ane}", given[0]["access_token"])).status_code == 401


async def test_a_code_is_for_its_client_and_for_a_minute(house: House) -> None:
    app, other = (
        await smart_app(house.network, "openid patient/*.rs"),
        await smart_app(house.network, "openid patient/*.rs"),
    )
    code = await app.code(house.citizen)
    assert (await other.redeem(code)).json()["error"] == "invalid_grant"
    house.network.now += timedelta(seconds=59)
    assert (await app.redeem(code)).status_code == 200
    late = await app.code(house.citizen)
    house.network.now += timedelta(seconds=61)
    assert (await app.redeem(late)).json()["error"] == "invalid_grant"


async def test_every_answer_says_whose_it_is(house: House) -> None:
    """A client that asks several servers tells them apart (attack 61)."""
    app = await smart_app(house.network, "openid patient/*.rs")
    browser = await brought(house, await app.begin())
    page = await browser.get(browser.location)
    assert "app.example" in page
    await browser.ask("POST", "/oauth/samtykke", {"anmodning": browser.field("anmodning"), "svar": "nej"}, follow=False)
    assert sent_back(browser) == {
        "error": "access_denied", "error_description": "The person did not allow it.", "state": "state-1", "iss": ISSUER,
    }  # fmt: skip


async def test_a_pushed_request_is_opened_once_by_its_own_client_in_time(house: House) -> None:
    app, other = await fapi_app(house.network, "openid user/*.rs"), await fapi_app(house.network, "openid user/*.rs")
    address = await app.begin()
    stays_here(await brought(house, address.replace(app.id, other.id)))
    stays_here(await brought(house, address + "x"))
    browser = await brought(house, address)
    assert browser.status == 303
    stays_here(await brought(house, address))
    late = await app.begin()
    house.network.now += timedelta(seconds=61)
    stays_here(await brought(house, late))
    app.fapi = False
    stays_here(await brought(house, await app.begin()))
    app.fapi = True
    told = await app.post("/oauth/par", {**app.asked, "request_uri": "urn:ietf:params:oauth:request_uri:x"})
    assert (told.status_code, told.json()["error"]) == (400, "invalid_request")
    elsewhere = await app.post("/oauth/par", {**app.asked, "redirect_uri": "https://evil.example/cb"})
    assert elsewhere.json()["error"] == "invalid_redirect_uri"


async def test_an_answer_is_given_once(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    browser = await brought(house, await app.begin())
    where = browser.location
    code_of(await say_yes(browser))
    await browser.get(where)
    assert browser.status == 404
    await browser.post("/oauth/samtykke", anmodning=where.partition("=")[2], svar="ja", lov1="patient/*.rs")
    assert browser.status == 404


async def test_a_forged_form_gives_nothing(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    browser = await brought(house, await app.begin())
    handle = browser.location.partition("=")[2]
    await browser.ask("POST", "/oauth/samtykke", {"csrf": "forged", "anmodning": handle, "svar": "ja"}, follow=False)
    assert (browser.status, browser.location) == (403, "")


async def test_a_launch_is_for_whoever_opened_the_app_in_that_app_with_that_patient_once(house: House) -> None:
    scope, world = "openid launch user/*.rs", house.network.world
    app = await smart_app(house.network, scope, initiate_login_uri="https://app.example/launch")
    other = await smart_app(house.network, scope, initiate_login_uri="https://other.example/launch")
    colleague = world.professional(await world.employee(house.ward), house.ward)
    server = house.network.server

    async def launched(by: App, person: Any, handle: str, **more: str) -> dict[str, str]:
        browser = await house.network.person(person)
        await browser.ask("GET", await by.begin(launch=handle, **more), follow=False)
        return await say_yes(browser)

    handle = await server.apps.launch(house.professional, app.id, house.ane)
    assert (await launched(other, house.professional, handle))["error"] == "invalid_request"
    assert (await launched(app, colleague, handle))["error"] == "invalid_request"
    assert (await launched(app, house.professional, handle + "x"))["error"] == "invalid_request"
    back = await launched(app, house.professional, handle, patient=str(house.bo))
    tokens = (await app.redeem(code_of(back), patient=str(house.bo))).json()
    assert tokens["patient"] == str(house.ane)
    assert (await launched(app, house.professional, handle))["error"] == "invalid_request", "it was used"
    late = await server.apps.launch(house.professional, app.id, house.ane)
    house.network.now += timedelta(minutes=6)
    assert (await launched(app, house.professional, late))["error"] == "invalid_request"
    with pytest.raises(Unknown):
        await server.apps.launch(house.professional, app.id, house.bo)
