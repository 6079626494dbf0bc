"""The ways to a token that are meant, from the first request to a look in the record."""

import pytest

from tests.support.app_client import (
    App,
    Network,
    claims,
    fapi_app,
    jwks,
    new_key,
    say_yes,
    smart_app,
    system_client,
)
from tests.support.identity import ISSUER
from tests.support.world import World


@pytest.fixture
def network(world: World) -> Network:
    return Network(world)


async def test_a_citizen_lets_an_app_read_their_record_and_nobody_elses(network: Network) -> None:
    ward = await network.world.organisation("Afdeling")
    ane, bo = await network.world.patient(ward), await network.world.patient(ward)
    pulse, other = await network.world.observation(ane, ward), await network.world.observation(bo, ward)
    app = await smart_app(network, "openid fhirUser launch/patient patient/Observation.rs offline_access")
    tokens = await app.tokens(network.world.citizen(ane))
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] <= 300
    assert tokens["patient"] == str(ane)
    assert claims(tokens["id_token"])["fhirUser"] == f"{ISSUER}/fhir/Patient/{ane}"
    assert claims(tokens["id_token"])["nonce"] == "nonce-1"
    token = tokens["access_token"]
    assert (await app.read(f"/fhir/Observation/{pulse}", token)).status_code == 200
    assert (await app.read(f"/fhir/Observation/{other}", token)).status_code == 404
    assert (await app.read(f"/fhir/Patient/{ane}", token)).status_code == 404, "no scope reaches it"
    renewed = (await app.refresh(tokens["refresh_token"])).json()
    assert (await app.read(f"/fhir/Observation/{pulse}", renewed["access_token"])).status_code == 200


async def test_a_professional_uses_a_fapi_client_whose_tokens_are_worth_nothing_without_its_key(
    network: Network,
) -> None:
    ward = await network.world.organisation("Afdeling")
    ane = await network.world.patient(ward)
    await network.world.contact(ane, ward)
    doctor = await network.world.employee(ward)
    app = await fapi_app(network, "openid user/*.rs")
    tokens = await app.tokens(network.world.professional(doctor, ward))
    assert tokens["token_type"] == "DPoP"
    told = claims(tokens["access_token"])
    assert (told["sub"], told["org"], told["role"]) == (f"Practitioner/{doctor}", f"Organization/{ward}", "doctor")
    assert (await app.read(f"/fhir/Patient/{ane}", tokens["access_token"])).status_code == 200
    assert (await app.read(f"/fhir/Patient/{ane}", tokens["access_token"], bound=False)).status_code == 401


async def test_a_system_of_the_network_keeps_what_its_organisation_submitted(network: Network) -> None:
    ward = await network.world.organisation("Afdeling")
    system = await system_client(network, ward)
    answer = await system.post("/oauth/token", {"grant_type": "client_credentials", "scope": "system/*.cruds"})
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["sub"] == f"Organization/{ward}"
    assert "refresh_token" not in answer.json()
    assert (await system.read(f"/fhir/Organization/{ward}", answer.json()["access_token"])).status_code == 200


async def test_somebody_gives_less_than_an_app_asked_for(network: Network) -> None:
    ward = await network.world.organisation("Afdeling")
    ane = await network.world.patient(ward)
    app = await smart_app(network, "patient/Observation.rs patient/Condition.rs")
    browser = await network.person(network.world.citizen(ane))
    await browser.ask("GET", await app.begin(), follow=False)
    back = await say_yes(browser, without="Condition")
    tokens = (await app.redeem(back["code"])).json()
    assert tokens["scope"] == "patient/Observation.rs"


async def test_the_server_says_where_everything_is(network: Network) -> None:
    for path in (
        "/.well-known/openid-configuration",
        "/.well-known/smart-configuration",
        "/fhir/.well-known/smart-configuration",
    ):
        told = (await network.ask("GET", path)).json()
        assert told["issuer"] == ISSUER
        assert told["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert (await network.ask("GET", "/oauth/jwks")).json()["keys"][0]["alg"] == "ES256"


__all__ = ["App", "jwks", "new_key"]


async def test_an_app_that_says_where_it_is_opened_is_found_until_it_is_retired(network: Network) -> None:
    told = {"initiate_login_uri": "https://app.example/launch"}
    app, other = await smart_app(network, "user/*.rs", **told), await smart_app(network, "user/*.rs")
    found = [one.id for one in await network.server.clients.to_open(network.now)]
    assert app.id in found
    assert other.id not in found
    await network.world.owner.execute("update trust.client set ended_at = $1 where id = $2", network.now, app.id)
    assert app.id not in [one.id for one in await network.server.clients.to_open(network.now)]
