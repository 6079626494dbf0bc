"""Attack 72: only pages of registered apps read the answers that their tokens get; no origin is reflected."""

from datetime import timedelta

import pytest

from helhed.api.cors import CrossOrigin
from tests.support.app_client import smart_app
from tests.unit.attacks.oauth.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALLOWED = "access-control-allow-origin"


async def test_a_page_of_a_registered_app_may_read_and_no_other(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    token = (await app.tokens(house.citizen))["access_token"]
    network, origins = house.network, house.network.server.origins
    fhir, oauth = CrossOrigin(network.fhir, origins), CrossOrigin(network.oauth, origins)
    path, bearer = f"/fhir/Patient/{house.ane}", {"authorization": f"Bearer {token}"}
    good = await network.ask("GET", path, headers={**bearer, "origin": "https://app.example"}, app=fhir)
    assert (good.status_code, good.headers[ALLOWED]) == (200, "https://app.example")
    assert "access-control-allow-credentials" not in good.headers
    for origin in (
        "https://evil.example", "http://app.example", "https://app.example.evil.example", "https://app.example:8443", "null", "*",
        "https://APP.example",
    ):  # fmt: skip
        answer = await network.ask("GET", path, headers={**bearer, "origin": origin}, app=fhir)
        assert ALLOWED not in answer.headers, origin
        assert answer.headers["vary"] == "Origin"
        asked = {"origin": origin, "access-control-request-method": "POST"}
        assert ALLOWED not in (await network.ask("OPTIONS", "/oauth/token", headers=asked, app=oauth)).headers
    asked = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "dpop",
    }
    before = await network.ask("OPTIONS", "/oauth/token", headers=asked, app=oauth)
    assert (before.status_code, before.headers[ALLOWED]) == (204, "https://app.example")
    assert "dpop" in before.headers["access-control-allow-headers"]
    public = await network.ask(
        "GET", "/.well-known/smart-configuration", headers={"origin": "https://app.example"}, app=oauth
    )
    assert public.headers.get_list(ALLOWED) == ["*"]


async def test_an_app_works_as_soon_as_it_is_registered_and_a_strange_origin_costs_one_look_a_second(
    house: House,
) -> None:
    network, origins = house.network, house.network.server.origins
    here = "https://another.example"
    assert not await origins.known(here)
    await network.register(
        client_name="Ny app", token_endpoint_auth_method="none", redirect_uris=[f"{here}/"], scope="patient/*.rs"
    )
    assert not await origins.known(here), "nobody makes us look again and again"
    network.now += timedelta(seconds=1)
    assert await origins.known(here)
