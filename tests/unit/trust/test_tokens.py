"""Who a token says is asking, and everything that is not a token of ours."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OKPKey, RSAKey

from helhed.foundation.ask import ActorKind, Purpose
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.ids import key_of, new_id
from helhed.trust.tokens import verifying as tokens
from helhed.trust.tokens.verifying import ALGORITHM, TYPE, TokenIssuer, TokenVerifier, signing_key

AUDIENCE = "http://127.0.0.1:8000"
KEY = OKPKey.generate_key("Ed25519")
PATIENT, PRACTITIONER, HOSPITAL = new_id(), new_id(), new_id()


class StoppedClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def issuer(clock):
    return TokenIssuer(KEY, clock, AUDIENCE)


@pytest.fixture
def verifier(clock):
    return TokenVerifier([KEY], clock, AUDIENCE, demo=True)


def bearer(token: str) -> bytes:
    return b"Bearer " + token.encode()


def refused(verifier: TokenVerifier, authorization: bytes | None) -> None:
    with pytest.raises(NotAuthenticated) as raised:
        verifier.ask(authorization)
    assert str(raised.value) == "The token is missing, expired or not ours."
    assert raised.value.__cause__ is None


def part(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict:
    middle = token.split(".")[1]
    claims: dict = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


def signed(claims: dict, **header: object) -> str:
    """A token that our own key signed, under whatever header."""
    protected = {"alg": ALGORITHM, "typ": TYPE, "kid": KEY.thumbprint(), **header}
    protected = {name: value for name, value in protected.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
    return jws.serialize_compact(protected, json.dumps(claims), KEY, registry=registry)


# --- what a token says ------------------------------------------------------------------------------------------------


def test_a_citizen_asks_for_themself(issuer, verifier, clock):
    ask = verifier.ask(bearer(issuer.citizen(PATIENT)))
    assert (ask.kind, ask.actor, ask.organisation, ask.role) == (ActorKind.CITIZEN, key_of(PATIENT), None, "")
    assert (ask.purpose, ask.read_types, ask.write_types, ask.at) == (Purpose.OWN, None, frozenset(), clock.now)


def test_a_professional_asks_from_an_organisation_in_a_role(issuer, verifier):
    ask = verifier.ask(bearer(issuer.professional(PRACTITIONER, HOSPITAL, "nurse")))
    assert (ask.kind, ask.actor) == (ActorKind.PROFESSIONAL, key_of(PRACTITIONER))
    assert (ask.organisation, ask.role, ask.purpose) == (key_of(HOSPITAL), "nurse", Purpose.TREATMENT)


def test_a_system_is_its_organisation(issuer, verifier):
    ask = verifier.ask(bearer(issuer.system(HOSPITAL)))
    assert (ask.kind, ask.actor, ask.organisation) == (ActorKind.SYSTEM, key_of(HOSPITAL), key_of(HOSPITAL))
    assert (ask.role, ask.purpose) == ("system", Purpose.OPERATIONS)


def test_every_request_is_an_ask_of_its_own(issuer, verifier, clock):
    header = bearer(issuer.citizen(PATIENT))
    first = verifier.ask(header)
    clock.forward(60)
    second = verifier.ask(header)
    assert (first.trace.version, second.at - first.at) == (4, timedelta(seconds=60))
    assert len({verifier.ask(header).trace for _ in range(1000)} | {first.trace, second.trace}) == 1002


def test_the_scheme_is_read_in_any_case_as_http_has_it(issuer, verifier):
    token = issuer.citizen(PATIENT).encode()
    assert verifier.ask(b"bearer " + token).actor == verifier.ask(b"BEARER " + token).actor == key_of(PATIENT)


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_token_ends_to_the_second_also_when_it_is_remembered(issuer, verifier, clock):
    header = bearer(issuer.citizen(PATIENT))
    clock.forward(tokens.LIFETIME_SECONDS - 1)
    assert verifier.ask(header)
    clock.forward(1)
    refused(verifier, header)


def test_a_token_does_not_begin_before_its_time(issuer, verifier, clock):
    header = bearer(issuer.citizen(PATIENT))
    clock.forward(-1)
    refused(verifier, header)
    clock.forward(1)
    assert verifier.ask(header)


def test_a_shorter_life_can_be_asked_for(clock, verifier):
    header = bearer(TokenIssuer(KEY, clock, AUDIENCE, lifetime_seconds=60).citizen(PATIENT))
    clock.forward(59)
    assert verifier.ask(header)
    clock.forward(1)
    refused(verifier, header)


# --- what is no token of ours -----------------------------------------------------------------------------------------


def test_demo_tokens_are_refused_outside_demo_mode(issuer, clock):
    refused(TokenVerifier([KEY], clock, AUDIENCE, demo=False), bearer(issuer.citizen(PATIENT)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: None,
        lambda token: b"",
        lambda token: token,
        lambda token: b"Bearer",
        lambda token: b"Bearer ",
        lambda token: b"Bearer  " + token,
        lambda token: b" Bearer " + token,
        lambda token: b"Bearer " + token + b" ",
        lambda token: b"Bearer\t" + token,
        lambda token: b"Bearer " + token + b"\n",
        lambda token: b"Bearer " + token + b"=",
        lambda token: b"Bearer " + token + b", Bearer " + token,
        lambda token: b"DPoP " + token,
        lambda token: b"Basic " + token,
        lambda token: b"Bearer " + token[:-4],
        lambda token: b"Bearer " + token + b".e30.e30",
        lambda token: b"Bearer " + token.rpartition(b".")[0] + b".",
        lambda token: b"Bearer \xff" + token,
        lambda token: b"Bearer " + "é".encode() + token,
        lambda token: b"Bearer " + token + b"A" * 5000,
        lambda token: b"Bearer e30.e30.e30",
        lambda token: b"Bearer W10.e30.e30",
        lambda token: b"Bearer " + part("[" * 3000).encode() + b".e30.e30",
    ],
)
def test_a_header_that_is_not_exactly_one_token_is_refused(issuer, verifier, spoil):
    refused(verifier, spoil(issuer.citizen(PATIENT).encode()))


def test_an_altered_token_is_refused(issuer, verifier):
    head, _, tail = issuer.citizen(PATIENT).split(".")
    other = claims_of(issuer.citizen(new_id()))
    refused(verifier, bearer(f"{head}.{part(other)}.{tail}"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "RS256", "ES256", "EdDSA", None, 1, ["Ed25519"]])  # fmt: skip
def test_the_token_does_not_choose_its_algorithm(issuer, verifier, algorithm):
    claims = claims_of(issuer.citizen(PATIENT))
    header = part({"alg": algorithm, "typ": TYPE, "kid": KEY.thumbprint()})
    refused(verifier, bearer(f"{header}.{part(claims)}."))
    refused(verifier, bearer(f"{header}.{part(claims)}.{issuer.citizen(PATIENT).split('.')[2]}"))


def test_the_public_key_is_no_secret_to_sign_with(issuer, verifier):
    claims = claims_of(issuer.citizen(PATIENT))
    for secret in (
        json.dumps(KEY.as_dict(private=False)).encode(),
        KEY.as_pem(private=False),
        str(KEY.as_dict()["x"]).encode(),
    ):
        content = f"{part({'alg': 'HS256', 'typ': TYPE, 'kid': KEY.thumbprint()})}.{part(claims)}"
        forged = urlsafe_b64encode(hmac.digest(secret, content.encode(), "sha256")).rstrip(b"=").decode()
        refused(verifier, bearer(f"{content}.{forged}"))


def test_another_key_is_refused_whatever_it_calls_itself(issuer, verifier, clock):
    stranger = OKPKey.generate_key("Ed25519")
    claims = claims_of(issuer.citizen(PATIENT))
    refused(verifier, bearer(TokenIssuer(stranger, clock, AUDIENCE).citizen(PATIENT)))
    posing = {"alg": ALGORITHM, "typ": TYPE, "kid": KEY.thumbprint()}
    refused(verifier, bearer(jwt.encode(posing, claims, stranger, algorithms=[ALGORITHM])))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "' or '1'='1"},
        {"kid": "../../dev/null"},
        {"kid": None},
        {"kid": ""},
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": None},
        {"jwk": OKPKey.generate_key("Ed25519").as_dict(private=False)},
        {"jku": "https://example.org/jwks.json"},
        {"x5u": "https://example.org/chain.pem"},
        {"x5c": ["MIIB"]},
        {"cty": "JWT"},
        {"zip": "DEF"},
    ],
)
def test_a_header_says_algorithm_type_and_key_and_nothing_else(issuer, verifier, header):
    refused(verifier, bearer(signed(claims_of(issuer.citizen(PATIENT)), **header)))


def test_a_token_signed_by_the_key_it_brings_is_refused(issuer, verifier):
    own = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "typ": TYPE, "kid": KEY.thumbprint(), "jwk": own.as_dict(private=False)}
    refused(verifier, bearer(jwt.encode(header, claims_of(issuer.citizen(PATIENT)), own, algorithms=["RS256"])))


NOON = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "claim",
    [
        {"iss": "helhed"},
        {"aud": "http://127.0.0.1:8001"},
        {"aud": AUDIENCE + "/"},
        {"aud": [AUDIENCE]},
        {"aud": None},
        {"exp": NOON + 10**6},
        {"exp": float("inf")},
        {"exp": str(NOON)},
        {"exp": True},
        {"exp": 0},
        {"nbf": True},
        {"nbf": None},
        {"nbf": -(10**400)},
        {"sub": f"Patient/{str(PATIENT).upper()}"},
        {"sub": "Patient/1"},
        {"sub": str(PATIENT)},
        {"sub": f"RelatedPerson/{PATIENT}"},
        {"sub": None},
        {"purpose": "TREAT"},
        {"purpose": None},
        {"scope": None},
        {"scope": ["patient/*.rs"]},
        {"client_id": ""},
        {"client_id": "c" * 65},
        {"client_id": 1},
        {"org": f"Organization/{HOSPITAL}", "role": "doctor"},
        {"role": "doctor"},
    ],
)
def test_a_citizens_claims_are_exact(issuer, verifier, claim):
    claims = claims_of(issuer.citizen(PATIENT))
    assert verifier.ask(bearer(signed(claims)))
    refused(verifier, bearer(signed({**claims, **claim})))


@pytest.mark.parametrize(
    "claim",
    [
        {"org": f"Patient/{HOSPITAL}"},
        {"org": str(HOSPITAL)},
        {"org": None},
        {"role": ""},
        {"role": None},
        {"role": 7},
        {"role": "doctor\x00"},
        {"client_id": "a\x00b"},
        {"purpose": "HOPERAT"},
    ],
)
def test_a_professionals_claims_are_exact(issuer, verifier, claim):
    claims = claims_of(issuer.professional(PRACTITIONER, HOSPITAL, "doctor"))
    assert verifier.ask(bearer(signed(claims)))
    refused(verifier, bearer(signed({**claims, **claim})))


@pytest.mark.parametrize("claim", [{"org": f"Organization/{new_id()}"}, {"role": "doctor"}])
def test_a_system_speaks_for_its_own_organisation_only(issuer, verifier, claim):
    claims = claims_of(issuer.system(HOSPITAL))
    assert verifier.ask(bearer(signed(claims)))
    refused(verifier, bearer(signed({**claims, **claim})))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "exp", "nbf", "scope", "purpose", "client_id"])
def test_no_claim_may_be_left_out(issuer, verifier, missing):
    claims = claims_of(issuer.citizen(PATIENT))
    assert verifier.ask(bearer(signed(claims)))
    refused(verifier, bearer(signed({name: value for name, value in claims.items() if name != missing})))


def test_claims_that_are_no_object_are_refused(verifier):
    nothing: list[Any] = [[], "text", 1, None]
    for claims in nothing:
        refused(verifier, bearer(signed(claims)))


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_a_signature_is_checked_once_a_token(issuer, verifier, monkeypatch):
    header = bearer(issuer.citizen(PATIENT))
    first = verifier.ask(header)
    monkeypatch.setattr(verifier, "_check", lambda _: pytest.fail("checked again"))
    assert verifier.ask(header).actor == first.actor


def test_the_memory_is_bounded_and_forgets_the_least_used(issuer, verifier, monkeypatch):
    monkeypatch.setattr(tokens, "_MOST_CACHED", 2)
    kept, forgotten, fresh = (bearer(issuer.citizen(new_id())) for _ in range(3))
    for header in (kept, forgotten, kept, fresh):
        verifier.ask(header)
    assert list(verifier._known) == [kept, fresh]


def test_what_was_refused_is_not_remembered(verifier):
    refused(verifier, b"Bearer e30.e30.e30")
    assert not verifier._known


# --- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_follows_from_its_secret():
    assert (
        signing_key(b"1" * 32).thumbprint()
        == signing_key(b"1" * 32).thumbprint()
        != signing_key(b"2" * 32).thumbprint()
    )


def test_a_key_that_was_taken_away_is_refused_at_once_also_where_it_was_known(clock):
    old, new = b"1" * 32, b"2" * 32
    verifier = TokenVerifier([], clock, AUDIENCE, demo=True)
    verifier.take([old])
    header = bearer(TokenIssuer(signing_key(old), clock, AUDIENCE).citizen(PATIENT))
    assert verifier.ask(header).actor == key_of(PATIENT)
    verifier.take([new, old])
    assert verifier.ask(header).actor == key_of(PATIENT)
    verifier.take([new])
    refused(verifier, header)


def test_a_key_that_is_not_known_yet_is_looked_for(clock):
    def arrives() -> bool:
        latecomer.take([b"1" * 32])
        return True

    latecomer = TokenVerifier([], clock, AUDIENCE, demo=True, look_again=arrives)
    header = bearer(TokenIssuer(signing_key(b"1" * 32), clock, AUDIENCE).citizen(PATIENT))
    assert latecomer.ask(header).actor == key_of(PATIENT)


def test_a_new_key_can_stand_beside_the_old_one(clock):
    fresh = OKPKey.generate_key("Ed25519")
    verifier = TokenVerifier([fresh, KEY], clock, AUDIENCE, demo=True)
    for key in (KEY, fresh):
        assert verifier.ask(bearer(TokenIssuer(key, clock, AUDIENCE).citizen(PATIENT))).actor == key_of(PATIENT)
