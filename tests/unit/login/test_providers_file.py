"""The operator's file of identity providers: whatever is wrong in it is said before anybody logs in."""

import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from helhed.foundation.settings import Settings
from helhed.portals.rooms.gate import checked_providers
from helhed.serving import serve
from helhed.trust.identity.upstream.providers import DemoAndReal, ProvidersWrong, Whom, by_whom, read_providers

ONE = {
    "key": "region", "vouches_for": "staff", "name": {"da": "Regionen", "en": "The region"}, "issuer": "https://login.region.example",
    "client_id": "net", "client_key_file": "key.pem", "person": [{"claim": "authorisation", "system": "https://autregweb.sst.dk"}],
    "assurance": {"claim": "acr", "accepted": ["substantial"]}, "organisations": ["100000000000001"],
}  # fmt: skip


@pytest.fixture
def written(tmp_path):
    (tmp_path / "key.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    (tmp_path / "public.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
    (tmp_path / "key.jwk").write_text(json.dumps(RSAKey.generate_key(2048).as_dict(private=True)))
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "empty").write_text("")

    def write(*providers):
        path = tmp_path / "providers.json"
        path.write_text(json.dumps({"providers": list(providers)}))
        return path

    return write


def test_a_sound_file_is_read_with_keys_and_secrets(written):
    found = read_providers(
        written(
            ONE,
            {
                **ONE,
                "key": "other",
                "issuer": "https://o.example",
                "client_key_file": "",
                "client_secret_file": "secret",
            },
        )
    )
    assert found["region"].key is not None
    assert found["other"].secret == "hush"
    assert [one.key for one in by_whom(found, Whom.STAFF)] == ["region", "other"]
    jwk = read_providers(written({**ONE, "client_key_file": "key.jwk"}))
    assert jwk["region"].key is not None
    assert "hush" not in repr(found["region"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "Not A Key"}, "no short word"),
        ({"key": "sted"}, "stands for a page of ours"),
        ({"issuer": "http://login.region.example"}, "no https address"),
        ({"issuer": "https://login.region.example?a=b"}, "query"),
        ({"issuer": 5}, "issuer"),
        ({"client_key_file": ""}, "either client_key_file or client_secret_file"),
        ({"client_secret_file": "secret"}, "either client_key_file or client_secret_file"),
        ({"client_key_file": "nowhere.pem"}, "cannot be read"),
        ({"client_key_file": "public.pem"}, "no private key"),
        ({"client_key_file": "secret"}, "no private key"),
        ({"client_key_file": "empty"}, "is empty"),
        ({"organisations": []}, "names no organisation"),
        ({"vouches_for": "citizens"}, "names organisations"),
        ({"vouches_for": "everybody"}, "vouches_for"),
        ({"person": []}, "needs client_id, person"),
        ({"assurance": {"claim": "acr", "accepted": []}}, "assurance"),
        ({"scopes": ["profile"]}, "openid"),
        ({"assertion_audience": "anybody"}, "assertion_audience"),
        ({"name": {"da": "Regionen"}}, "name in da and en"),
        ({"demo": True}, "the demo's"),
        ({"oganisations": ["100"]}, "oganisations"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_it_is_said(written, change, said):
    with pytest.raises(ProvidersWrong, match=said):
        read_providers(written({**ONE, **change}))


def test_two_providers_are_two(written):
    with pytest.raises(ProvidersWrong, match="same key"):
        read_providers(written(ONE, ONE))
    with pytest.raises(ProvidersWrong, match="same issuer"):
        read_providers(written(ONE, {**ONE, "key": "other"}))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"providers": []}', b'{"providers": {}}'])
def test_a_file_that_is_none_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "providers.json"
    path.write_bytes(content)
    with pytest.raises(ProvidersWrong):
        read_providers(path)
    with pytest.raises(ProvidersWrong, match="cannot be read"):
        read_providers(tmp_path / "nowhere.json")


def test_the_demos_provider_never_runs_beside_a_real_one_and_the_server_does_not_start(written, tmp_path):
    settings = Settings(data_dir=tmp_path / "data", demo=True, identity_providers=str(written(ONE)))
    with pytest.raises(DemoAndReal):
        checked_providers(settings)
    with pytest.raises(DemoAndReal):
        serve(settings, 1)
    assert not (tmp_path / "data").exists()
