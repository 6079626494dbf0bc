"""Attacks 52-55, 66 and 68: whoever is not the client it says it is gets no token, and nothing is fetched on its word."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings, strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from helhed.foundation.errors import Overloaded
from helhed.trust.identity.assertions import TYPE
from helhed.trust.identity.attempts import Attempts, attempts_policy
from helhed.trust.identity.errors import InvalidMetadata, TooManyAttempts
from tests.support.app_client import App, Network, fapi_app, jwks, new_key, smart_app, system_client
from tests.support.identity import ISSUER, identity_of
from tests.unit.attacks.oauth.conftest import House, signed_by_hand

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORM = {"grant_type": "client_credentials", "scope": "system/*.rs"}


async def tried(app: App, assertion: str, **more: str) -> Any:
    form = {**FORM, "client_assertion_type": TYPE, "client_assertion": assertion, **more}
    await app.network.world.owner.execute("delete from trust.failed_attempt")
    return await app.network.ask("POST", "/oauth/token", form=form)


def refused(answer: Any, error: str = "invalid_client", status: int = 401) -> None:
    told = answer.json()
    assert (answer.status_code, told["error"]) == (status, error), told
    assert set(told) == {"error", "error_description"}
    assert "access_token" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_no_algorithm_and_a_public_key_as_a_shared_secret_are_refused(house: House) -> None:
    app = await system_client(house.network, house.ward)
    claims = _claims(app)
    public = app.key.as_pem(private=False) if app.key else b""
    for header, secret in (
        ({"alg": "none", "typ": "JWT"}, None),
        ({"alg": "None", "typ": "JWT"}, None),
        ({"alg": "HS256", "typ": "JWT"}, public),
        ({"alg": "HS256", "typ": "JWT", "kid": app.key.kid if app.key else ""}, public),
    ):
        refused(await tried(app, signed_by_hand(header, claims, secret)))


async def test_a_key_that_the_statement_itself_brings_or_points_at_is_never_used(house: House) -> None:
    app, stranger = await system_client(house.network, house.ward), new_key()
    fetched: list[str] = []
    house.network.server.authentication._keys._fetcher = _Watching(fetched)
    public = {name: stranger.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    for more in (
        {"jwk": public}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/chain"}, {"x5c": ["AAAA"]},
        {"kid": "../../etc/passwd"}, {"kid": "' or 1=1 --"}, {"kid": 7}, {"kid": None}, {"crit": ["b64"], "b64": False},
    ):  # fmt: skip
        header = {"alg": "ES256", "typ": "JWT", **({"kid": app.key.kid} if app.key else {}), **more}
        text = signed_by_hand(header, _claims(app), None).rsplit(".", 1)[0]
        signature = jwt.encode({"alg": "ES256"}, {}, stranger, algorithms=["ES256"]).rsplit(".", 1)[1]
        refused(await tried(app, f"{text}.{signature}"))
    assert fetched == []


async def test_an_assertion_for_somebody_else_or_another_time_is_refused(house: House) -> None:
    for app in (await system_client(house.network, house.ward), await fapi_app(house.network, "user/*.rs")):
        now = int(house.network.now.timestamp())
        wrong: dict[str, Any]
        for wrong in (
            {"iss": "another"}, {"sub": "another"}, {"iss": None}, {"sub": None}, {"aud": None}, {"aud": "https://evil.example"},
            {"aud": [ISSUER, "https://evil.example"]}, {"aud": []}, {"exp": now - 1}, {"exp": now + 400}, {"exp": None},
            {"exp": "soon"}, {"exp": 1e300}, {"exp": True}, {"nbf": now + 60}, {"iat": now + 60}, {"jti": None}, {"jti": ""}, {"jti": 5},
            {"jti": "a\x00b"},
        ):  # fmt: skip
            refused(await tried(app, app.assertion(**wrong)))
        refused(
            await tried(
                app, app.assertion(header={"alg": "ES256", "typ": "at+jwt", "kid": app.key.kid if app.key else ""})
            )
        )
        refused(await tried(app, app.assertion(key=new_key())))
        refused(await tried(app, app.assertion(), client_id="another"))
        refused(await tried(app, app.assertion(), client_secret="secret"))
    refused(await tried(app, app.assertion(aud=f"{ISSUER}/oauth/token")))  # a FAPI client names the issuer


async def test_weak_and_unsuitable_keys_do_not_count(house: House) -> None:
    short = rsa.generate_private_key(65537, 1024)
    numbers = {"kty": "RSA", "e": "AQAB", "n": _number(short.public_key().public_numbers().n)}
    with pytest.raises(InvalidMetadata):
        await house.network.register(
            client_name="Svag", grant_types=["client_credentials"], scope="system/*.rs", jwks={"keys": [numbers]},
            organisation=f"Organization/{house.ward}",
        )  # fmt: skip
    for private in (new_key().as_dict(private=True), {"kty": "oct", "k": "c2VjcmV0"}):
        with pytest.raises(InvalidMetadata):
            await house.network.register(
                client_name="Løs", grant_types=["client_credentials"], scope="system/*.rs", jwks={"keys": [private]},
                organisation=f"Organization/{house.ward}",
            )  # fmt: skip


async def test_an_assertion_is_taken_once_by_two_workers_at_once_and_after_a_restart(house: House) -> None:
    app = await system_client(house.network, house.ward)
    world, clock = house.network.world, lambda: house.network.now
    workers = [Network(world, identity_of(world, clock)) for _ in range(2)]
    assertion = app.assertion()
    form = {**FORM, "client_assertion_type": TYPE, "client_assertion": assertion}
    answers = await asyncio.gather(*(worker.ask("POST", "/oauth/token", form=form) for worker in workers * 4))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    restarted = Network(world, identity_of(world, clock))
    refused(await restarted.ask("POST", "/oauth/token", form=form))


async def test_who_fails_often_is_not_listened_to_for_a_while(house: House) -> None:
    app = await system_client(house.network, house.ward)
    form = {**FORM, "client_assertion_type": TYPE}
    statuses = [
        (
            await house.network.ask(
                "POST", "/oauth/token", form={**form, "client_assertion": app.assertion(key=new_key())}
            )
        ).status_code
        for _ in range(22)
    ]
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert (await app.post("/oauth/token", FORM)).json()["error"] == TooManyAttempts.error
    house.network.now += timedelta(minutes=2)
    assert (await app.post("/oauth/token", FORM)).status_code == 200


async def failing(network: Network, app: App, times: int, **headers: str) -> list[Any]:
    form = {**FORM, "client_assertion_type": TYPE}
    wrong = [{**form, "client_assertion": app.assertion(key=new_key())} for _ in range(times)]
    return [await network.ask("POST", "/oauth/token", form=one, headers=headers) for one in wrong]


async def test_failures_are_counted_for_all_workers_together_and_stop_nobody_else(house: House) -> None:
    app, other = await system_client(house.network, house.ward), await system_client(house.network, house.ward)
    workers = [
        Network(house.network.world, identity_of(house.network.world, lambda: house.network.now)) for _ in range(2)
    ]
    for worker in workers:
        assert {one.status_code for one in await failing(worker, app, attempts_policy().most_failed // 2)} == {401}
    (refusal,) = await failing(house.network, app, 1)
    assert (refusal.status_code, refusal.headers["retry-after"]) == (429, "60")
    assert (await app.post("/oauth/token", FORM)).status_code == 429, "whatever it brings"
    assert (await other.post("/oauth/token", FORM)).status_code == 200


async def test_a_flood_of_names_takes_no_more_room_than_is_given(house: House) -> None:
    owner, now = house.network.world.owner, house.network.now + timedelta(hours=1)
    for count in range(12):
        await owner.execute(
            "select trust.note_attempt($1, $2, $3, 5, 4)", bytes([count]), now + timedelta(seconds=count), timedelta(minutes=1)
        )  # fmt: skip
    kept = await owner.fetch("select who from trust.failed_attempt order by last_at")
    assert [row["who"][0] for row in kept] == [8, 9, 10, 11]
    for second in range(30):
        await owner.execute(
            "select trust.note_attempt($1, $2, $3, 5, 4)", bytes([11]), now + timedelta(seconds=second), timedelta(minutes=1)
        )  # fmt: skip
    assert (
        await owner.fetchval("select cardinality(moments) from trust.failed_attempt where who = $1", bytes([11])) == 5
    )
    await owner.execute("select trust.forget_attempts($1, $2)", now + timedelta(hours=1), timedelta(minutes=1))
    assert await owner.fetchval("select count(*) from trust.failed_attempt") == 0


async def test_an_attempt_that_cannot_be_counted_is_not_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await system_client(house.network, house.ward)

    async def away(*_: Any) -> None:
        raise Overloaded

    monkeypatch.setattr(Attempts, "check", away)
    answer = await app.post("/oauth/token", FORM)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_retired_client_and_its_tokens_hold_no_more(house: House) -> None:
    app = await system_client(house.network, house.ward)
    token = (await app.post("/oauth/token", FORM)).json()["access_token"]
    assert (await app.read(f"/fhir/Organization/{house.ward}", token)).status_code == 200
    await house.network.world.owner.execute(
        "update trust.client set ended_at = $2 where id = $1", app.id, house.network.now
    )
    assert (await app.read(f"/fhir/Organization/{house.ward}", token)).status_code == 401
    refused(await app.post("/oauth/token", FORM))


async def test_introspection_answers_no_stranger_and_no_client_about_anothers_token(house: House) -> None:
    app, other = await fapi_app(house.network, "openid user/*.rs"), await system_client(house.network, house.ward)
    public = await smart_app(house.network, "openid patient/*.rs")
    tokens = await app.tokens(house.professional)
    text = tokens["access_token"]
    refused(await house.network.ask("POST", "/oauth/introspect", form={"token": text}))
    refused(await public.post("/oauth/introspect", {"token": text}))
    assert (await other.post("/oauth/introspect", {"token": text})).json() == {"active": False}
    assert (await app.post("/oauth/introspect", {"token": text})).json()["sub"] == f"Practitioner/{house.doctor}"
    assert (await app.post("/oauth/introspect", {"token": "nonsense"})).json() == {"active": False}
    serving = await system_client(house.network, house.ward, introspects=True)
    assert (await serving.post("/oauth/introspect", {"token": text})).json()["active"] is True


async def test_software_registers_itself_only_with_a_statement_of_the_trust_list(house: House) -> None:
    trusted, foreign = new_key(), new_key()
    statement = "insert into trust.software_issuer values ($1, 'Udsteder', $2, '2020-01-01')"
    await house.network.world.owner.execute(statement, "https://trust.example", orjson.dumps(jwks(trusted)).decode())
    described = {
        "client_name": "App", "redirect_uris": ["https://new.example/cb"], "scope": "patient/*.rs",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
    }  # fmt: skip
    now = int(house.network.now.timestamp())
    vouched = {**described, "iss": "https://trust.example", "iat": now, "exp": now + 3600}

    async def registered(
        told: dict[str, Any], key: ECKey = trusted, header: dict[str, Any] | None = None, **more: Any
    ) -> Any:
        await house.network.world.owner.execute("delete from trust.failed_attempt")
        text = jwt.encode({"alg": "ES256", "kid": key.kid, **(header or {})}, told, key, algorithms=["ES256"])
        return await house.network.ask(
            "POST", "/oauth/register", json={**described, "software_statement": text, **more}
        )

    good = await registered(vouched)
    assert good.status_code == 201, good.text
    assert (await App(house.network, good.json()["client_id"]).redeem("nonsense")).json()["error"] == "invalid_grant"
    bad = "invalid_software_statement"
    refused(await registered(vouched, foreign), bad, 400)
    refused(await registered(vouched, foreign, {"kid": trusted.kid}), bad, 400)
    refused(await registered({**vouched, "iss": "https://foreign.example"}, foreign), bad, 400)
    refused(await registered(vouched, foreign, {"x5c": ["AAAA"]}), bad, 400)
    refused(await registered({**vouched, "exp": now - 1}), bad, 400)
    refused(await registered(vouched, redirect_uris=["https://evil.example/cb"]), bad, 400)
    refused(await registered(vouched, scope="patient/*.cruds"), bad, 400)
    refused(await house.network.ask("POST", "/oauth/register", json=described), bad, 400)
    launch = {"initiate_login_uri": "https://new.example/launch"}
    assert (await registered({**vouched, **launch})).json()["initiate_login_uri"] == launch["initiate_login_uri"]
    refused(await registered(vouched, initiate_login_uri="https://evil.example/launch"), bad, 400)
    refused(await registered({**vouched, **launch}, initiate_login_uri="https://evil.example/launch"), bad, 400)
    refused(await registered(vouched, organisation=f"Organization/{house.ward}"), bad, 400)
    system = {**vouched, "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt"}
    assert (await registered(system, grant_types=["client_credentials"])).status_code == 400


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True)))
async def test_whatever_is_sent_as_a_statement_is_survived(house: House, text: str) -> None:
    answer = await house.network.ask(
        "POST", "/oauth/token", form={**FORM, "client_assertion_type": TYPE, "client_assertion": text}
    )
    assert answer.status_code in {400, 401, 429}


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


class _Watching:
    def __init__(self, fetched: list[str]) -> None:
        self._fetched = fetched

    async def get(self, url: str) -> bytes:
        self._fetched.append(url)
        return b"{}"


def _claims(app: App) -> dict[str, Any]:
    now = int(app.network.now.timestamp())
    return {"iss": app.id, "sub": app.id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": f"jti-{id(object())}"}
