"""Attacks 50, 52-54, 57 and 63-65: a token is what we signed, for what it says, as long as it holds, and no longer."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.app_client import App, claims, fapi_app, new_key, say_yes, smart_app, system_client
from tests.support.identity import ISSUER
from tests.unit.attacks.oauth.conftest import House, signed_by_hand

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def reads(app: App, token: str, house: House) -> int:
    return (await app.read(f"/fhir/Patient/{house.ane}", token)).status_code


async def test_a_token_that_we_did_not_sign_so_is_none(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    token = (await app.tokens(house.citizen))["access_token"]
    told, key = claims(token), house.network.server.keys.signing
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint()}

    def signed(changed: dict[str, Any], by: Any = key, **head: Any) -> str:
        whole = {name: value for name, value in {**told, **changed}.items() if value is not None}
        return jwt.encode({**header, **head}, whole, by, algorithms=[head.get("alg", "ES256")])

    now = int(house.network.now.timestamp())
    assert await reads(app, signed({}), house) == 200, "the way of making them is right"
    wrong: list[dict[str, Any]] = [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "https://evil.example"}, {"aud": app.id}, {"aud": None},
        {"exp": now + 301}, {"exp": now - 1, "nbf": now - 100}, {"nbf": now + 30}, {"jti": None}, {"jti": "1"}, {"sub": f"Patient/{uuid4()}x"},
        {"sub": f"Device/{uuid4()}"}, {"purpose": "TREAT"}, {"grant_id": "x"}, {"grant_id": str(uuid4())}, {"client_id": "unknown"},
        {"cnf": {"jkt": "x"}}, {"org": f"Organization/{house.ward}", "role": "doctor"},
    ]  # fmt: skip
    for changed in wrong:
        assert await reads(app, signed(changed), house) == 401, changed
    for head in ({"typ": "JWT"}, {"typ": "dpop+jwt"}, {"kid": "made-up"}, {"kid": "../key"}):
        assert await reads(app, signed({}, **head), house) == 401, head
    stranger = new_key()
    assert await reads(app, signed({}, stranger), house) == 401
    for public in (key.as_pem(private=False), orjson.dumps(key.as_dict(private=False))):
        for head in ({"alg": "HS256"}, {"alg": "none"}):
            assert await reads(app, signed_by_hand({**header, **head}, told, public), house) == 401
    own = ECKey.import_key(stranger.as_dict(private=True))
    public_half = stranger.as_dict(private=False)
    brought = jwt.encode({**header, "jwk": public_half}, told, own, algorithms=["ES256"])
    assert await reads(app, brought, house) == 401


async def test_an_id_token_opens_nothing(house: House) -> None:
    app = await smart_app(house.network, "openid fhirUser patient/*.rs")
    tokens = await app.tokens(house.citizen)
    assert await reads(app, tokens["id_token"], house) == 401
    for place in ("/oauth/userinfo", f"/fhir/Patient/{house.ane}"):
        door = house.network.oauth if place.startswith("/oauth") else house.network.fhir
        answer = await house.network.ask(
            "GET", place, headers={"authorization": f"Bearer {tokens['id_token']}"}, app=door
        )
        assert answer.status_code == 401
    good = await house.network.ask(
        "GET", "/oauth/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert good.json() == {"sub": f"Patient/{house.ane}", "fhirUser": f"{ISSUER}/fhir/Patient/{house.ane}"}


async def test_a_token_in_an_address_is_no_token(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    token = (await app.tokens(house.citizen))["access_token"]
    answer = await house.network.ask("GET", f"/fhir/Patient/{house.ane}?access_token={token}", app=house.network.fhir)
    assert answer.status_code == 401
    posted = await house.network.ask("POST", f"/oauth/introspect?token={token}", form={})
    assert (posted.status_code, posted.json()["error"]) == (400, "invalid_request")


async def test_a_refresh_never_gives_more_and_what_a_person_cannot_give_is_not_given(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.cruds user/*.cruds system/*.cruds offline_access")
    browser = await house.network.person(house.citizen)
    await browser.ask(
        "GET", await app.begin(scope="openid patient/Observation.rs user/*.rs offline_access"), follow=False
    )
    tokens = (await app.redeem((await say_yes(browser))["code"])).json()
    assert tokens["scope"] == "openid patient/Observation.rs offline_access"
    token = tokens["refresh_token"]
    for more in (
        "patient/*.rs",
        "patient/Observation.cruds",
        "user/*.rs",
        "system/*.rs",
        "patient/Condition.rs",
        "fhirUser",
    ):
        assert (await app.refresh(token, scope=more)).json()["error"] == "invalid_scope", more
    less = (await app.refresh(token, scope="patient/Observation.r")).json()
    assert less["scope"] == "patient/Observation.r"
    nobody = await system_client(house.network, house.ward)
    asked = await nobody.post("/oauth/token", {"grant_type": "client_credentials", "scope": "user/*.rs patient/*.rs"})
    assert asked.json()["error"] == "invalid_scope"
    person = await app.post("/oauth/token", {"grant_type": "client_credentials", "scope": "system/*.rs"})
    assert person.json()["error"] == "unauthorized_client"


async def test_a_refresh_token_that_comes_again_ends_the_family(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs offline_access")
    first = await app.tokens(house.citizen)
    second = (await app.refresh(first["refresh_token"])).json()
    assert await reads(app, second["access_token"], house) == 200
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert await reads(app, second["access_token"], house) == 401
    assert (await app.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    third = await app.tokens(house.citizen)
    answers = await asyncio.gather(*(app.refresh(third["refresh_token"]) for _ in range(4)))
    assert sum(one.status_code == 200 for one in answers) <= 1


async def test_a_refresh_token_is_for_its_client_and_a_public_ones_for_its_key(house: House) -> None:
    mine, theirs = [await smart_app(house.network, "openid patient/*.rs offline_access") for _ in range(2)]
    tokens = await mine.tokens(house.citizen)
    assert (await theirs.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    mine.dpop = new_key()
    bound = await mine.tokens(house.citizen)
    mine.dpop = new_key()
    assert (await mine.refresh(bound["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_app_without_keys_may_refresh_without_saying_its_name_and_nothing_else(house: House) -> None:
    def form(token: str) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": token}

    async def asked(told: dict[str, str]) -> Any:
        return (await house.network.ask("POST", "/oauth/token", form=told)).json()

    app = await smart_app(house.network, "openid patient/*.rs offline_access")
    first = await app.tokens(house.citizen)
    second = await asked(form(first["refresh_token"]))
    assert await reads(app, second["access_token"], house) == 200
    assert (await asked({**form(second["refresh_token"]), "scope": "patient/*.cruds"}))["error"] == "invalid_scope"
    assert (
        (await asked(form("unknown")))["error"]
        == (await asked({"grant_type": "refresh_token"}))["error"]
        == "invalid_grant"
    )
    assert (await asked({**form(second["refresh_token"]), "grant_type": "authorization_code"}))[
        "error"
    ] == "invalid_client"
    assert (await asked({**form(second["refresh_token"]), "client_id": "unknown"}))["error"] == "invalid_client"
    assert (await asked(form(first["refresh_token"])))["error"] == "invalid_grant"
    assert await reads(app, second["access_token"], house) == 401, (
        "a token that came twice ends the family, named or not"
    )
    bound = await fapi_app(house.network, "openid user/*.rs offline_access")
    tokens = await bound.tokens(house.professional)
    assert (await asked(form(tokens["refresh_token"])))["error"] == "invalid_grant", "a client that has keys uses them"
    assert (await bound.refresh(tokens["refresh_token"])).status_code == 200


async def test_what_was_revoked_or_taken_away_holds_no_more_from_the_next_request_on(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs offline_access")
    tokens = await app.tokens(house.citizen)
    assert await reads(app, tokens["access_token"], house) == 200
    assert (await app.post("/oauth/revoke", {"token": tokens["access_token"]})).status_code == 200
    assert await reads(app, tokens["access_token"], house) == 401
    renewed = (await app.refresh(tokens["refresh_token"])).json()
    assert await reads(app, renewed["access_token"], house) == 200
    stranger = await smart_app(house.network, "openid patient/*.rs")
    assert (await stranger.post("/oauth/revoke", {"token": renewed["refresh_token"]})).status_code == 200
    assert await reads(app, renewed["access_token"], house) == 200, "only its own client may"
    await app.post("/oauth/revoke", {"token": renewed["refresh_token"]})
    assert await reads(app, renewed["access_token"], house) == 401
    assert (await app.post("/oauth/revoke", {"token": "unknown"})).status_code == 200

    again = await app.tokens(house.citizen)
    browser = await house.network.person(house.citizen)
    await browser.get("/borger/apps")
    assert "Prøveapp" in browser.text
    await browser.post("/borger/apps", app=claims(again["access_token"])["grant_id"])
    assert await reads(app, again["access_token"], house) == 401
    other = await house.network.person(house.network.world.citizen(house.bo))
    await other.post("/borger/apps", app=claims(again["access_token"])["grant_id"])
    assert other.status == 404


async def test_who_no_longer_works_there_reads_nothing_with_a_token_that_lives(house: House) -> None:
    world = house.network.world
    nurse = await world.employee(house.ward, "nurse")
    app = await fapi_app(house.network, "openid user/*.rs offline_access")
    tokens = await app.tokens(world.professional(nurse, house.ward, "nurse"))
    assert await reads(app, tokens["access_token"], house) == 200
    await world.owner.execute(
        "update trust.employment set valid_to = $1 where professional = fhir.key($2)", house.network.now, nurse
    )
    assert await reads(app, tokens["access_token"], house) == 404, "hidden, as what is not there"
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_token_ends_in_five_minutes_and_keys_turn_while_it_lives(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    token = (await app.tokens(house.citizen))["access_token"]
    server = house.network.server
    older, newer = b"1" * 32, b"2" * 32
    for take in (server.verifier.take, server.keys.take):
        take([older])
    signed_before = (await app.tokens(house.citizen))["access_token"]
    assert await reads(app, token, house) == 401, "its key is gone"
    for take in (server.verifier.take, server.keys.take):
        take([newer, older])
    assert await reads(app, signed_before, house) == 200
    assert len(server.keys.published()["keys"]) == 2
    house.network.now += timedelta(seconds=301)
    assert await reads(app, signed_before, house) == 401


async def test_each_letter_of_a_scope_lets_do_its_own(house: House) -> None:
    app = await smart_app(house.network, "patient/Observation.r patient/Condition.s")
    token = (await app.tokens(house.citizen))["access_token"]
    path = f"/fhir/Observation/{house.pulse}"
    assert (await app.read(path, token)).status_code == 200
    assert (await app.read(f"{path}/_history", token)).json()["total"] == 1
    found = (await app.read(f"/fhir/Observation?patient={house.ane}", token)).json()
    assert found.get("entry", []) == [], "r does not search"
    assert (await app.read(f"/fhir/Condition?patient={house.ane}", token)).status_code == 200
