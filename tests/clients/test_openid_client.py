"""The certified OpenID client speaks the FAPI 2.0 security profile with a running network; what must not work does not."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.app_client import jwks, new_key
from tests.support.live import LiveServer
from tests.support.logging_in import allowed, log_in
from tools.assets import KEPT, npm_command

CALLBACK = "https://app.example/callback"
DOCTOR = "mette-gp"
PACKAGES = KEPT / "node_modules"


@pytest.fixture(scope="module")
def app(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A client that the operator registered, with its private key."""
    key = new_key()
    file = tmp_path_factory.mktemp("client") / "client.json"
    described = {
        "client_name": "Prøvesystem", "profile": "fapi", "redirect_uris": [CALLBACK], "jwks": jwks(key),
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid fhirUser user/*.rs offline_access",
    }  # fmt: skip
    file.write_text(json.dumps(described))
    id = live_server.helhed("client", "register", str(file))
    assert id in live_server.helhed("client", "list")
    return {
        "issuer": live_server.url, "client_id": id, "jwk": key.as_dict(private=True), "redirect_uri": CALLBACK,
        "scope": described["scope"], "resource": f"{live_server.url}/fhir/{live_server.reference(DOCTOR)}",
    }  # fmt: skip


@pytest.fixture
def client() -> Any:
    """openid-client, in a process of its own."""
    script = Path(__file__).with_name("openid_client.mjs")
    node = npm_command()[0] if len(npm_command()) > 1 else "node"
    environment = {**os.environ, "PACKAGES": str(PACKAGES)}
    process = subprocess.Popen(
        [node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    yield process
    process.kill()
    process.communicate()


def test_the_certified_client_gets_what_it_should_and_nothing_it_should_not(
    live_server: LiveServer, app: dict[str, Any], client: subprocess.Popen[str]
) -> None:
    told: list[dict[str, Any]] = []
    with httpx.Client(base_url=live_server.url) as pages:
        log_in(pages, DOCTOR)
        _say(client, app)
        while len(told) < 2:
            heard = _hear(client)
            if "address" in heard:
                _say(client, {"back": allowed(pages, heard["address"])})
            else:
                told.append(heard)
    good, wrong = told
    subject = live_server.reference(DOCTOR)
    assert good["token_type"] == "dpop"
    assert good["claims"]["sub"] == good["user"]["sub"] == subject
    assert good["claims"]["fhirUser"] == f"{live_server.url}/fhir/{subject}"
    assert (good["active"], good["read"], good["renewed"], good["rotated"]) == (True, 200, 200, True)
    assert wrong == {
        "another_key": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "as_bearer": 401, "id_token": 401, "code_again": "invalid_grant",
        "after_code_again": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "mix_up": "OAUTH_INVALID_RESPONSE", "another_verifier": "invalid_grant",
        "code_with_another_key": "invalid_grant", "refresh_again": "invalid_grant", "family": "invalid_grant",
        "revoked": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "more_scope": "invalid_scope", "elsewhere": "invalid_redirect_uri",
    }  # fmt: skip


def _say(client: subprocess.Popen[str], told: dict[str, Any]) -> None:
    assert client.stdin is not None
    client.stdin.write(json.dumps(told) + "\n")
    client.stdin.flush()


def _hear(client: subprocess.Popen[str]) -> dict[str, Any]:
    assert client.stdout is not None
    line = client.stdout.readline()
    assert line, "the client ended: its complaint stands above"
    heard: dict[str, Any] = json.loads(line)
    return heard
