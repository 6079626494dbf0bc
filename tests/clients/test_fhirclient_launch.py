"""A SMART app with SMART's own client library for Python: launched, allowed by a citizen, and refused what it must be."""

import json
from typing import Any

import httpx
import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException
from requests import HTTPError

from tests.support.live import LiveServer
from tests.support.logging_in import allowed, log_in

CITIZEN, SOMEBODY_ELSE = "jens", "ulla"
CALLBACK = "https://desk.example/callback"
SCOPE = "openid fhirUser offline_access patient/Patient.rs patient/Observation.rs"


@pytest.fixture(scope="module")
def client_id(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An app that the operator registered."""
    file = tmp_path_factory.mktemp("client") / "client.json"
    described = {
        "client_name": "Prøveapp", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "scope": f"launch/patient {SCOPE}",
    }  # fmt: skip
    file.write_text(json.dumps(described))
    return live_server.helhed("client", "register", str(file))


@pytest.fixture
def begun(live_server: LiveServer, client_id: str) -> Any:
    """The app as it is before anybody said yes, and a citizen's browser."""
    settings = {
        "app_id": client_id, "api_base": f"{live_server.url}/fhir", "redirect_uri": CALLBACK, "scope": SCOPE,
    }  # fmt: skip
    app = FHIRClient(settings=settings, save_func=lambda _: None)
    assert not app.prepare()
    with httpx.Client(base_url=live_server.url) as pages:
        log_in(pages, CITIZEN)
        yield app, pages
    app.server.session.close()


def test_an_app_is_launched_by_a_citizen_and_reads_their_record_with_models_that_are_strict(
    live_server: LiveServer, begun: Any
) -> None:
    app, pages = begun
    address = app.authorize_url
    assert "code_challenge_method=S256" in address
    app.handle_callback(allowed(pages, address))
    own = live_server.reference(CITIZEN)
    assert (app.ready, app.patient_id) == (True, own.partition("/")[2])
    assert Patient.read(app.patient_id, app.server).relativePath() == own
    found = list(Observation.where({"patient": own, "_count": "50"}).perform_resources_iter(app.server))
    assert {one.subject.reference for one in found} == {own}
    with pytest.raises(FHIRNotFoundException):
        Patient.read(live_server.reference(SOMEBODY_ELSE).partition("/")[2], app.server)
    before = app.server.auth.access_token
    assert app.reauthorize()
    assert app.server.auth.access_token != before
    assert Patient.read(app.patient_id, app.server).relativePath() == own


def test_a_code_is_worth_nothing_to_whoever_did_not_begin(begun: Any) -> None:
    app, pages = begun
    back = allowed(pages, app.authorize_url)
    app.server.auth.code_verifier = "w" * 86
    with pytest.raises(HTTPError) as refused:
        app.handle_callback(back)
    assert refused.value.response is not None
    assert refused.value.response.json()["error"] == "invalid_grant"
    assert not app.ready


def test_a_no_comes_back_as_one(begun: Any) -> None:
    app, pages = begun
    with pytest.raises(Exception, match="did not allow"):
        app.handle_callback(allowed(pages, app.authorize_url, answer="nej"))
    assert not app.ready
