"""The npm oidc-provider vouches for somebody, and we take its word by the book; what it refuses us is refused."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from helhed.foundation.outward import Asker
from helhed.registries.identifiers import CPR
from helhed.trust.identity.upstream.flow import NotSureEnough, RelyingParty
from helhed.trust.identity.upstream.id_tokens import NotVouched
from helhed.trust.identity.upstream.providers import Assurance, Named, Provider, Trusted, Whom
from tests.support.live import free_port
from tools.assets import KEPT, npm_command

BACK, LEVEL = "https://net.example/log-ind/broker/retur", "https://data.gov.dk/concept/core/nsis/loa/Substantial"
KEY = ECKey.generate_key("P-256", auto_kid=True)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider, in a process of its own."""
    port = free_port()
    setup = {"port": port, "jwk": KEY.as_dict(private=False), "redirect": BACK, "level": LEVEL}
    node = npm_command()[0] if len(npm_command()) > 1 else "node"
    environment = {
        **os.environ,
        "PACKAGES": str(KEPT / "node_modules"),
        "SETUP": json.dumps(setup),
        "NODE_NO_WARNINGS": "1",
    }
    script = str(Path(__file__).with_name("oidc_provider.mjs"))
    process = subprocess.Popen(
        [node, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.strip() == "ready":
            break
    assert said[-1:] == ["ready\n"], "".join(said)[-2000:]
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.communicate()


def us(issuer: str, key: ECKey = KEY, accepted: str = LEVEL) -> RelyingParty:
    """The network, at this provider."""
    broker = Provider(
        key="broker", vouches_for=Whom.CITIZENS, name={"da": "Broker", "en": "Broker"}, issuer=issuer, client_id="helhed",
        person=(Named("dk.cpr", CPR),), assurance=Assurance("acr", (accepted,)), acr_values=(LEVEL,), internal_network=True,
    )  # fmt: skip
    return RelyingParty({"broker": Trusted(broker, key=key)}, Asker(), lambda: datetime.now(UTC))


def comes_back(address: str) -> dict[str, str]:
    """What a browser brings back from the provider."""
    with httpx.Client() as browser:
        while not address.startswith(BACK):
            answer = browser.get(address)
            assert answer.is_redirect, answer.text[:500]
            address = urljoin(address, answer.headers["location"])
    return dict(parse_qsl(urlsplit(address).query))


@pytest.mark.parametrize("again", [False, True])
async def test_the_provider_of_others_vouches_for_a_citizen(issuer: str, again: bool) -> None:
    network = us(issuer)
    address, attempt = await network.begin("broker", BACK, proves_again=again)
    assert set(dict(parse_qsl(urlsplit(address).query))) == {"client_id", "request_uri"}, (
        "the request was left beforehand"
    )
    vouched = await network.finish(attempt, comes_back(address))
    assert (vouched.identifiers, vouched.acr, vouched.subject) == (((CPR, "0101019999"),), LEVEL, "citizen-1")


async def test_a_code_is_taken_once_and_from_us_alone(issuer: str) -> None:
    network, another = us(issuer), us(issuer, ECKey.generate_key("P-256"))
    address, attempt = await network.begin("broker", BACK, proves_again=False)
    answer = comes_back(address)
    with pytest.raises(NotVouched):
        await another.finish(attempt, answer)
    await network.finish(attempt, answer)
    with pytest.raises(NotVouched):
        await network.finish(attempt, answer)


async def test_what_the_provider_is_sure_of_has_to_be_enough(issuer: str) -> None:
    network = us(issuer, accepted="https://data.gov.dk/concept/core/nsis/loa/High")
    address, attempt = await network.begin("broker", BACK, proves_again=False)
    with pytest.raises(NotSureEnough):
        await network.finish(attempt, comes_back(address))
