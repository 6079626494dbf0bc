"""Requests that are left with the provider beforehand (RFC 9126): nothing of them is in an address, and each counts once, in time, for us."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from demo.identity_provider import FACES, Client
from demo.identity_provider.provider import PUSHED_SECONDS, Refused
from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Answer
from helhed.registries.identifiers import CPR
from helhed.trust.identity.upstream.metadata import ProviderAway
from tests.unit.login.provider import OURS, Scene

REQUIRED = {"require_pushed_authorization_requests": True}


def taken(**said) -> Answer:
    return Answer(201, json.dumps({"request_uri": "urn:x:1", "expires_in": 60, **said}).encode())


async def test_the_browser_takes_a_reference_along_and_nothing_of_the_request():
    scene = Scene(pushes=True)
    asked, attempt = await scene.begin(again=True)
    assert set(scene.query) == {"client_id", "request_uri"}
    assert (asked["state"], asked["nonce"], asked["prompt"]) == (attempt.state, attempt.nonce, "login")
    assert not {attempt.state, attempt.nonce, asked["code_challenge"]} & set(scene.query.values())
    assert "client_assertion" in scene.pushed, "we proved who we are"


async def test_who_logs_in_so_is_known_as_ever():
    vouched = await Scene(pushes=True, metadata=lambda said: {**said, **REQUIRED}).logs_in()
    assert vouched.identifiers == ((CPR, "0101019999"),)


async def test_a_provider_that_takes_nothing_beforehand_is_asked_with_the_browser_unless_it_wants_it_so():
    scene = Scene()
    await scene.begin()
    assert "request_uri" not in scene.query
    with pytest.raises(ProviderAway):
        await Scene(metadata=lambda said: {**said, **REQUIRED}).begin()


@pytest.mark.parametrize("door", ["http://169.254.169.254/par", "file:///etc/passwd"])
async def test_a_request_is_left_nowhere_that_we_do_not_go(door):
    scene = Scene(pushes=True, metadata=lambda said: {**said, "pushed_authorization_request_endpoint": door})
    with pytest.raises(ProviderAway):
        await scene.begin()
    assert len(scene.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        NotFetched(), Answer(500, b""), Answer(302, b""), Answer(401, b'{"error": "invalid_client"}'), Answer(201, b"[]"),
        Answer(400, b'{"error": "invalid_request", "request_uri": "urn:x:1", "expires_in": 60}'), Answer(201, b"<html>"),
        replace(taken(), status=200), taken(request_uri=None), taken(request_uri=""), taken(request_uri="x" * 2001),
        taken(expires_in=0), taken(expires_in="60"), taken(expires_in=None), taken(expires_in=True),
    ],
)  # fmt: skip
async def test_a_provider_that_does_not_take_the_request_is_away_and_is_not_asked_in_the_open(answer):
    scene = Scene(pushes=True, answers={"par": answer})
    with pytest.raises(ProviderAway):
        await scene.begin()
    assert scene.query == {}


async def test_a_reference_counts_once():
    scene = Scene(pushes=True)
    await scene.begin()
    assert scene.provider.asked_of(scene.face, scene.query, last=True)
    for last in (False, True):
        with pytest.raises(Refused):
            scene.provider.asked_of(scene.face, scene.query, last=last)


async def test_a_reference_ends():
    scene = Scene(pushes=True)
    await scene.begin()
    scene.now += timedelta(seconds=PUSHED_SECONDS)
    assert scene.provider.asked_of(scene.face, scene.query)
    scene.now += timedelta(seconds=1)
    with pytest.raises(Refused):
        scene.provider.asked_of(scene.face, scene.query)


async def test_a_reference_is_worth_nothing_to_another_client_or_at_another_provider():
    scene = Scene(pushes=True)
    await scene.begin()
    scene.provider._clients["other"] = Client("other", "https://other.example/", secret="s")
    with pytest.raises(Refused):
        scene.provider.asked_of(scene.face, {**scene.query, "client_id": "other"})
    with pytest.raises(Refused):
        scene.provider.asked_of(FACES["arbejde"], scene.query)
    with pytest.raises(Refused):
        scene.provider.asked_of(scene.face, {**scene.query, "request_uri": "urn:ietf:params:oauth:request_uri:x"})


async def test_nobody_leaves_a_request_in_our_name():
    scene = Scene(pushes=True)
    await scene.begin()
    for form in ({**scene.pushed, "client_assertion": "x"}, {**scene.pushed, "request_uri": "urn:x:1"}):
        with pytest.raises(Refused):
            scene.provider.push(scene.face, form, "")
    scene.provider._clients["other"] = Client("other", OURS, secret="s")
    with pytest.raises(Refused):
        scene.provider.push(scene.face, scene.pushed, "Basic b3RoZXI6cw==")


async def test_a_code_is_no_reference_and_a_reference_no_code():
    scene = Scene(pushes=True)
    asked, attempt = await scene.begin()
    code = scene.provider.answer(scene.face, asked, scene.person)["code"]
    with pytest.raises(Refused):
        scene.provider.asked_of(scene.face, {**scene.query, "request_uri": code})
    reference = scene.query["request_uri"].rsplit(":", 1)[-1]
    form = {
        "grant_type": "authorization_code", "code": reference, "code_verifier": attempt.verifier,
        "redirect_uri": attempt.return_address,
    }  # fmt: skip
    scene.provider._clients["net"] = replace(scene.provider._clients["net"], secret="s")
    with pytest.raises(Refused):
        await scene.provider.token(scene.face, form, "Basic bmV0OnM=")
