"""We prove to a source who we are by an assertion that its token endpoint can check with our public key, and by nothing that lasts."""

import asyncio
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
from helhed.registries.sources import Credentials, Question
from tests.support.stand_in import Asked, ok
from tests.support.world import NOW
from tests.unit.sources.conftest import NUMBER, Small

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SEARCH = "POST /fhir/Patient/_search"


@dataclass
class Authority:
    """The token endpoint of a source, which knows our public key; the FHIR server beside it takes its newest token alone."""

    small: Small
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    at: timedelta = timedelta(0)
    given: list[str] = field(default_factory=list)
    said: list[Mapping[str, Any]] = field(default_factory=list)
    answer: Any = None  #: instead of a token
    refuses: int = 0  #: what the FHIR server says to every token

    async def stand(self, question: Question = Question.EVERYTHING) -> "Authority":
        self.small.stand_in.twist = self.twist
        self.small.live.tokens = AccessTokens(self.small.live.wire, lambda: self.key, lambda: NOW + self.at)
        await self.small.register(credentials=Credentials(self.endpoint, "helhed"), fresh_seconds=0, question=question)
        return self

    @property
    def endpoint(self) -> str:
        return f"{self.small.stand_in.url}/token"

    def twist(self, asked: Asked) -> Any:
        if asked.path == "/fhir/token":
            return self.answer or self._token(asked)
        accepted = self.given and asked.headers.get("authorization") == f"Bearer {self.given[-1]}"
        return None if accepted and not self.refuses else (self.refuses or 401, {}, b"{}")

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


async def test_a_token_that_was_taken_back_is_exchanged_for_a_new_one_and_the_look_is_answered(small: Small) -> None:
    authority = await Authority(small).stand()
    await small.told()
    authority.given.append("another")

    assert (await small.told(small.asks(1))).said is Said.ANSWERED
    assert authority.given == ["token-0", "another", "token-2"]
    assert (await small.told(small.asks(2))).said is Said.ANSWERED
    assert len(authority.said) == 2


@pytest.mark.parametrize("question", Question)
async def test_a_source_that_takes_the_new_token_neither_refuses_us_and_is_left_alone_after_some(
    small: Small, question: Question
) -> None:
    authority = await Authority(small).stand(question=question)
    authority.refuses = 401
    for _ in range(3):
        told = await small.told()
        assert (told.said, told.fault) == (Said.SILENT, Fault.REFUSED)

    assert small.stand_in.paths[:4] == ["POST /fhir/token", _SEARCH, "POST /fhir/token", _SEARCH]
    asked = len(small.stand_in.asked)
    assert (await small.told(small.asks(0.2))).fault == Fault.REFUSED
    assert len(small.stand_in.asked) == asked, "three refusals on end, and nobody asks for a while"


async def test_who_is_forbidden_gets_no_further_by_a_new_token(small: Small) -> None:
    authority = await Authority(small).stand()
    authority.refuses = 403

    assert (await small.told()).fault == Fault.REFUSED
    assert small.stand_in.paths == ["POST /fhir/token", _SEARCH]


async def test_of_many_looks_whose_token_was_taken_back_one_asks_for_a_new_one(small: Small) -> None:
    authority = await Authority(small).stand(question=Question.SEARCHES)
    await small.told()
    authority.given.append("another")

    told = await asyncio.gather(*(small.told(small.asks(1)) for _ in range(5)))

    assert {one.said for one in told} == {Said.ANSWERED}
    assert len(authority.said) == 2


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
