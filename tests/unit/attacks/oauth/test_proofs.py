"""Attacks 56 and 57: a token that is bound to a key is worth nothing without it, and a proof nothing a second time."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt

from helhed.api import FhirApi
from helhed.api.gate import Gate
from tests.support.app_client import App, fapi_app, new_key, smart_app
from tests.support.identity import ISSUER, identity_of
from tests.unit.attacks.oauth.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def bound(house: House) -> tuple[App, str, str]:
    """An app, its token, and an address that the token lets read."""
    app = await fapi_app(house.network, "openid user/*.rs")
    token = (await app.tokens(house.professional))["access_token"]
    path = f"/fhir/Patient/{house.ane}"
    assert (await app.read(path, token)).status_code == 200
    return app, token, path


async def asked(house: House, path: str, headers: list[tuple[str, str]], method: str = "GET") -> Any:
    return await house.network.ask(method, path, headers=headers, app=house.network.fhir)


def refused(answer: Any) -> None:
    assert answer.status_code == 401, answer.text
    assert "DPoP" in answer.headers["www-authenticate"] or "Bearer" in answer.headers["www-authenticate"]
    assert answer.json()["issue"][0]["diagnostics"] == "The token is missing, expired or not ours."


async def test_a_proof_for_another_request_time_token_or_key_is_refused(house: House) -> None:
    app, token, path = await bound(house)
    now, url = int(house.network.now.timestamp()), ISSUER + path
    other = new_key()
    wrong: list[dict[str, Any]] = [
        {"htm": "POST"}, {"htm": None}, {"htm": "get"}, {"htu": f"{ISSUER}/fhir/Patient/{house.bo}"}, {"htu": f"https://evil.example{path}"},
        {"htu": url + "/"}, {"htu": None}, {"htu": "https://user@here.example" + path}, {"htu": "https://here.example:99999" + path},
        {"iat": now - 120}, {"iat": now + 60}, {"iat": None}, {"iat": "now"}, {"ath": None}, {"ath": "x"},
        {"jti": None}, {"jti": ""}, {"exp": now - 1}, {"nonce": None}, {"nonce": "made-up"}, {"nonce": 5}, {"nonce": "æ"},
    ]  # fmt: skip
    for claims in wrong:
        refused(
            await asked(
                house, path, [("authorization", f"DPoP {token}"), ("dpop", app.proof("GET", url, token, **claims))]
            )
        )
    refused(
        await asked(
            house, path, [("authorization", f"DPoP {token}"), ("dpop", app.proof("GET", url, token, key=other))]
        )
    )
    refused(await asked(house, path, [("authorization", f"DPoP {token}")]))
    refused(await asked(house, path, [("authorization", f"Bearer {token}")]))
    refused(await asked(house, path, [("authorization", f"Bearer {token}"), ("dpop", app.proof("GET", url, token))]))
    good = app.proof("GET", url, token)
    two = [("authorization", f"DPoP {token}"), ("dpop", good), ("dpop", good)]
    assert (await asked(house, path, two)).status_code == 400
    assert (await asked(house, path, two[:2])).status_code == 200


async def test_a_proof_that_names_its_key_in_another_way_is_refused(house: House) -> None:
    app, token, path = await bound(house)
    assert app.dpop is not None
    told = {
        "htm": "GET", "htu": ISSUER + path, "iat": int(house.network.now.timestamp()), "jti": str(uuid4()), "nonce": app.nonce,
    }  # fmt: skip
    public = {name: app.dpop.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    for header in (
        {"typ": "JWT", "jwk": public}, {"jwk": public}, {"typ": "dpop+jwt"}, {"typ": "dpop+jwt", "jwk": public, "kid": "1"},
        {"typ": "dpop+jwt", "jwk": app.dpop.as_dict(private=True)}, {"typ": "dpop+jwt", "jwk": {"kty": "oct", "k": "AAAA"}},

    ):  # fmt: skip
        text = jwt.encode({"alg": "ES256", **header}, told, app.dpop, algorithms=["ES256"])
        refused(await asked(house, path, [("authorization", f"DPoP {token}"), ("dpop", text)]))


async def test_a_proof_is_taken_once_by_two_workers_at_once_and_after_a_restart(house: House) -> None:
    app, token, path = await bound(house)
    server = house.network.server
    twin = identity_of(house.network.world, lambda: house.network.now)
    twin.verifier._keys, twin.proofs.nonces._keys = (
        server.verifier._keys,
        server.proofs.nonces._keys,
    )  # workers share keys
    gate = Gate(twin.verifier, twin.admission, ISSUER)
    other = FhirApi(house.network.world.store, twin.verifier, base_url=ISSUER, max_body_bytes=1000, gate=gate)
    headers = [("authorization", f"DPoP {token}"), ("dpop", app.proof("GET", ISSUER + path, token))]
    doors = [house.network.fhir, other] * 4
    answers = await asyncio.gather(*(house.network.ask("GET", path, headers=headers, app=door) for door in doors))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 7
    refused(await asked(house, path, headers))


async def test_a_token_that_is_bound_to_no_key_is_no_dpop_token(house: House) -> None:
    app = await smart_app(house.network, "openid patient/*.rs")
    token = (await app.tokens(house.citizen))["access_token"]
    app.dpop = new_key()
    path = f"/fhir/Patient/{house.ane}"
    headers = [("authorization", f"DPoP {token}"), ("dpop", app.proof("GET", ISSUER + path, token))]
    refused(await asked(house, path, headers))


async def test_the_token_endpoint_wants_a_nonce_of_now_and_the_key_of_the_request(house: House) -> None:
    app = await fapi_app(house.network, "openid user/*.rs")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": app.id}
    told = await house.network.ask(
        "POST", "/oauth/token", form=form, headers={"dpop": app.proof("POST", f"{ISSUER}/oauth/token")}
    )
    assert (told.status_code, told.json()["error"]) == (400, "use_dpop_nonce")
    assert told.headers["dpop-nonce"]
    code = await app.code(house.professional)
    mine, app.dpop = app.dpop, new_key()
    answer = await app.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    app.dpop = mine
    assert (await app.redeem(code)).json()["error"] == "invalid_grant", "it is used up"
    app.dpop = None
    assert (await app.redeem(await _code_without_proof(app, house))).json()["error"] == "invalid_request"


async def _code_without_proof(app: App, house: House) -> str:
    return await app.code(house.professional)
