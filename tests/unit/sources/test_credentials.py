"""We prove to a source who we are by an assertion that its token endpoint can check with our public key, and by nothing that lasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from helhed.record.live.credentials import AccessTokens
from helhed.record.live.faults import Fault
from helhed.record.manifest import Said
from helhed.registries.sources import Credentials
from tests.support.stand_in import Asked, ok
from tests.support.world import NOW
from tests.unit.sources.conftest import NUMBER, Small


@dataclass
class Authority:
    """The token endpoint of a source, which knows our public key; the FHIR server beside it takes its newest token alone."""

    small: Small
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    at: timedelta = timedelta(0)
    given: list[str] = field(default_factory=list)
    said: list[Mapping[str, Any]] = field(default_factory=list)
    answer: Any = None  #: instead of a token

    async def stand(self) -> "Authority":
        self.small.stand_in.twist = self.twist
        self.small.live.tokens = AccessTokens(self.small.live.wire, lambda: self.key, lambda: NOW + self.at)
        await self.small.register(credentials=Credentials(self.endpoint, "helhed"), fresh_seconds=0)
        return self

    @property
    def endpoint(self) -> str:
        return f"{self.small.stand_in.url}/token"

    def twist(self, asked: Asked) -> Any:
        if asked.path == "/fhir/token":
            return self.answer or self._token(asked)
        accepted = self.given and asked.headers.get("authorization") == f"Bearer {self.given[-1]}"
        return None if accepted else (401, {}, b"{}")

    def _token(self, asked: Asked) -> Any:
        form = {name: value for name, (value,) in asked.form.items()}
        public = ECKey.import_key(self.key.as_dict(private=False))
        checked = jwt.decode(form.pop("client_assertion"), public, algorithms=["ES256"])
        self.said.append({**form, **checked.header, **checked.claims})
        self.given.append(f"token-{len(self.given)}")
        return ok({"access_token": self.given[-1], "token_type": "bearer", "expires_in": 300})


async def test_the_assertion_is_ours_for_this_endpoint_once_and_for_a_minute(small: Small) -> None:
    authority = await Authority(small).stand()
    assert (await small.told()).said is Said.ANSWERED

    (said,) = authority.said
    assert said["grant_type"] == "client_credentials"
    assert said["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert (said["iss"], said["sub"], said["aud"]) == ("helhed", "helhed", authority.endpoint)
    assert (said["kid"], said["exp"] - said["iat"]) == (authority.key.thumbprint(), 60)
    assert NUMBER not in str(said)


async def test_a_token_is_used_while_it_holds_and_no_assertion_is_used_twice(small: Small) -> None:
    authority = await Authority(small).stand()
    for minutes in (0, 2, 6):
        authority.at = timedelta(minutes=minutes)
        assert (await small.told(small.asks(minutes))).said is Said.ANSWERED

    assert authority.given == ["token-0", "token-1"]
    assert len({one["jti"] for one in authority.said}) == 2


async def test_a_token_that_was_taken_back_is_not_used_again(small: Small) -> None:
    authority = await Authority(small).stand()
    await small.told()
    authority.given.append("another")

    refused = await small.told(small.asks(1))
    assert refused.fault == Fault.REFUSED
    assert (await small.told(small.asks(2))).said is Said.ANSWERED


FAULTS = {
    "refused": ((400, {}, b'{"error":"invalid_client"}'), Fault.REFUSED),
    "sent on": ((302, {"location": "http://127.0.0.1:1/"}, b""), Fault.REFUSED),
    "garbage": ((200, {}, b"<html>"), Fault.UNREADABLE),
    "no token": (ok({"token_type": "bearer"}), Fault.UNREADABLE),
    "a token that smuggles a header": (ok({"access_token": "a\r\nx-other: b"}), Fault.UNREADABLE),
}


@pytest.mark.parametrize(("answer", "fault"), FAULTS.values(), ids=FAULTS)
async def test_without_a_token_no_citizen_is_named(small: Small, answer: Any, fault: Fault) -> None:
    authority = await Authority(small).stand()
    authority.answer = answer

    assert (await small.told()).fault == fault
    assert small.stand_in.paths == ["POST /fhir/token"]
    assert not any(NUMBER.encode() in one.body for one in small.stand_in.asked)
    assert orjson.dumps(authority.said) == b"[]"
