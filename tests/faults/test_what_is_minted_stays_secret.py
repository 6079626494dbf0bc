"""What the network itself makes and is trusted with, on its real way: found in no log, no metric, no row, and in no address.

Log-in, session, pushed request, code, tokens, an assertion that is exchanged, an export and a proof of the log: a browser and an app go
the whole way, and afterwards everything that was written and every address that was asked is searched (attack 78). What the
specifications put in an address is ``IN_ADDRESSES``, and nothing else may be there.
"""

import asyncio
import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

import httpx
import orjson
import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from tests.faults.test_nothing_gets_out import Doors
from tests.support.live import LiveServer
from tests.support.logging_in import allowed, log_in

CALLBACK, VERIFIER = "https://app.example/callback", "v" * 20 + "Q7" * 14
SCOPE = "openid fhirUser offline_access patient/Patient.rs"
#: RFC 6749 section 4.1.2 (code, state; used once, within a minute), RFC 9126 section 4 (request_uri; used once, by one client)
IN_ADDRESSES = {"code", "state", "request_uri", "nonce"}
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass
class Way:
    """What was minted on it, by name, and every address that it led through."""

    minted: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    def seen(self, answer: httpx.Response) -> None:
        self.addresses += [
            str(answer.request.url),
            answer.headers.get("location", ""),
            answer.request.headers.get("referer", ""),
        ]


@pytest.fixture(scope="module")
def doors(two_workers: LiveServer) -> Doors:
    return Doors(two_workers)


@pytest.fixture(scope="module")
def way(doors: Doors, tmp_path_factory: pytest.TempPathFactory) -> Way:
    doors.begin()
    gone = Way()
    client = registered(doors.server, tmp_path_factory.mktemp("client") / "client.json")
    with httpx.Client(base_url=doors.server.url, timeout=20, event_hooks={"response": [gone.seen]}) as browser:
        citizen_logs_in(browser, gone)
        app_is_allowed(browser, client, gone)
        old_system_crosses_over(browser, client, gone)
        citizen_takes_files(browser, gone)
    return gone


def registered(server: LiveServer, file: Path) -> str:
    told = {
        "client_name": "Prøveapp", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "scope": f"launch/patient {SCOPE}",
    }  # fmt: skip
    file.write_bytes(orjson.dumps(told))
    return server.helhed("client", "register", str(file))


def citizen_logs_in(browser: httpx.Client, way: Way) -> None:
    answer = log_in(browser, "jens")
    way.minted["session"] = browser.cookies["helhed"]
    way.minted["provider's code"] = parse_qs(answer.request.url.query.decode())["code"][0]
    way.minted["csrf"] = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/mine-log-ind").text)[0]


def app_is_allowed(browser: httpx.Client, client: str, way: Way) -> None:
    """Pushed, allowed, redeemed, used, renewed, asked about, and ended; and each of it once more, when it is worth nothing."""
    base = str(browser.base_url).rstrip("/")
    challenge = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": client, "redirect_uri": CALLBACK, "scope": SCOPE, "state": "s1", "aud": f"{base}/fhir",
        "code_challenge": challenge, "code_challenge_method": "S256", "nonce": "n1",
    }  # fmt: skip
    pushed = browser.post("/oauth/par", data=asked).json()["request_uri"]
    begun = f"/oauth/authorize?{urlencode({'client_id': client, 'request_uri': pushed})}"
    code = parse_qs(urlsplit(allowed(browser, begun)).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    tokens = browser.post("/oauth/token", data={**form, "client_id": client}).json()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert browser.get(f"/fhir/Patient/{tokens['patient']}", headers=bearer).is_success
    browser.get("/oauth/userinfo", headers=bearer)
    renewing = {"grant_type": "refresh_token", "client_id": client, "refresh_token": tokens["refresh_token"]}
    renewed = browser.post("/oauth/token", data=renewing).json()
    browser.post("/oauth/revoke", data={"client_id": client, "token": renewed["refresh_token"]})
    for again in (renewing, {**form, "client_id": client}):
        assert browser.post("/oauth/token", data=again).is_client_error
    assert browser.get(begun).is_client_error
    assert browser.get("/fhir/Patient", headers=bearer).is_client_error
    way.minted |= {
        "request": pushed.rpartition(":")[2], "code": code, "verifier": VERIFIER, "access token": tokens["access_token"],
        "refresh token": tokens["refresh_token"], "renewed": renewed["refresh_token"], "ID token": tokens["id_token"],
    }  # fmt: skip


def old_system_crosses_over(browser: httpx.Client, client: str, way: Way) -> None:
    """A signed assertion of somebody whom nobody trusts, which names a number."""
    way.minted["assertion"] = "PHNhbWw6QXNzZXJ0aW9uPkhlbW1lbGlnVWRz"
    way.minted["CPR number"] = "3112757654"
    form = {
        "grant_type": EXCHANGE, "subject_token_type": "urn:ietf:params:oauth:token-type:saml2", "client_id": client,
        "subject_token": way.minted["assertion"], "client_assertion": f"{way.minted['assertion']}.x.y",
        "login_hint": way.minted["CPR number"],
    }  # fmt: skip
    assert browser.post("/oauth/token", data=form).is_client_error
    assert browser.post("/oauth/par", data=form).is_client_error


def citizen_takes_files(browser: httpx.Client, way: Way) -> None:
    for page in ("hent?form=csv", "hent?form=json", "hent?form=fhir", "papir", "bevis", "bevis/udtraek"):
        assert browser.get(f"/borger/log/{page}").status_code < 300, page
    browser.post("/log-ud", data={"csrf": way.minted["csrf"]}, headers={"origin": str(browser.base_url).rstrip("/")})
    assert browser.get("/borger").status_code == httpx.codes.UNAUTHORIZED


def test_nothing_that_was_minted_is_in_what_the_network_wrote(doors: Doors, way: Way) -> None:
    found = [(place, name) for place, text in doors.written() for name, secret in way.minted.items() if secret in text]
    assert not found


def test_addresses_hold_what_the_specifications_put_there_and_nothing_else(way: Way) -> None:
    found = []
    for address in way.addresses:
        for name, value in parse_qsl(urlsplit(address).query):
            said = way.minted | {"callback": "\0"}
            found += [(name, what) for what, secret in said.items() if secret in value and name not in IN_ADDRESSES]
        bare = unquote_plus(urlsplit(address)._replace(query="").geturl())
        found += [("path", what) for what, secret in way.minted.items() if secret in bare]
    assert not found
    assert any("code=" in address for address in way.addresses)


def test_what_proves_somebody_is_not_in_any_row(doors: Doors, way: Way) -> None:
    """Who reads the database, or a copy of it, can be nobody by it."""
    target = embedded_target(EmbeddedPostgres(doors.server.data_dir))

    async def found() -> list[tuple[str, str]]:
        connection = await connect(target.owner)
        try:
            tables = await connection.fetch("""
                select format('%I.%I', table_schema, table_name) as name from information_schema.tables
                where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')""")
            kept = []
            for table in tables:
                for what, secret in way.minted.items():
                    forms = [secret, secret.encode().hex()]
                    statement = f"select exists(select from {table['name']} t where t::text like any($1::text[]))"
                    if await connection.fetchval(statement, [f"%{form}%" for form in forms]):
                        kept.append((table["name"], what))
            return kept
        finally:
            await connection.close()

    assert asyncio.run(found()) == []
