"""Clients that trickle, hang up, or speak HTTP in two tongues: others are served, and what was told or stored stays true."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from helhed.api.request import BODY_SECONDS, Request
from helhed.foundation.database import connect, embedded_target
from helhed.foundation.errors import BadRequest, TooSlow
from helhed.foundation.postgres import EmbeddedPostgres
from tests.faults.raw import Raw, head
from tests.faults.simulation import passes, simulate
from tests.support.live import LiveServer

SLOW_CLIENTS, RESETS = 200, 12
OK, CREATED = 200, 201
MARK = "urn:helhed:test:http"


class Caller:
    """A hospital's system and a doctor at the running server, and the owner's view of what became of it."""

    def __init__(self, server: LiveServer) -> None:
        self.url, self._data_dir = server.url, server.data_dir
        self.citizen = server.reference("jens")
        self._tokens = {who: f"Bearer {server.token(who)}" for who in ("epj-system", "mette-gp")}

    def head(self, who: str) -> dict[str, str]:
        return {"authorization": self._tokens[who], "content_type": "application/fhir+json"}

    def observation(self, name: str) -> bytes:
        resource = {"resourceType": "Observation", "identifier": [{"system": MARK, "value": name}], "status": "final",
                    "code": {"text": "prøve"}, "subject": {"reference": self.citizen}}  # fmt: skip
        return orjson.dumps(resource)

    def serves(self) -> bool:
        told = httpx.get(
            f"{self.url}/fhir/{self.citizen}", headers={"authorization": self._tokens["mette-gp"]}, timeout=30
        )
        return told.status_code == OK

    def stored(self, name: str) -> int:
        return int(
            self._fetch("select count(*) from fhir.resource where convert_from(body, 'utf8') like $1", f"%{name}%")
        )

    def looks(self) -> int:
        return int(self._fetch("select count(*) from foundation.access_log where $1::text is not null", ""))

    def _fetch(self, statement: str, argument: str) -> Any:
        async def fetched() -> Any:
            owner = await connect(embedded_target(EmbeddedPostgres(self._data_dir)).owner)
            try:
                return await owner.fetchval(statement, argument)
            finally:
                await owner.close()

        return asyncio.run(fetched())


@pytest.fixture(scope="module")
def caller(live_server: LiveServer) -> Caller:
    return Caller(live_server)


def test_many_clients_that_never_finish_keep_nobody_waiting(caller: Caller) -> None:
    """Attack 80: some stop in the head, some in the body."""
    body = caller.observation(str(uuid4()))
    begun = [Raw(caller.url) for _ in range(SLOW_CLIENTS)]
    for number, one in enumerate(begun):
        whole = (
            head("POST", "/fhir/Observation", {"content-length": str(len(body)), **caller.head("epj-system")}) + body
        )
        one.send(whole[: 20 if number % 2 else -5])
    assert all(caller.serves() for _ in range(5))
    for one in begun:
        one.reset()
    assert caller.serves()


def test_a_body_that_ends_early_stores_nothing(caller: Caller) -> None:
    for end in (Raw.reset, Raw.half_close):
        name = str(uuid4())
        body = caller.observation(name)
        with Raw(caller.url) as one:
            one.send(
                head("POST", "/fhir/Observation", {"content-length": str(len(body) + 1), **caller.head("epj-system")})
                + body
            )
            end(one)
        assert caller.serves()
        assert caller.stored(name) == 0


def test_a_client_that_only_listens_gets_its_answer(caller: Caller) -> None:
    name = str(uuid4())
    with Raw(caller.url) as one:
        one.ask("POST", "/fhir/Observation", caller.observation(name), **caller.head("epj-system"))
        one.half_close()
        status = one.status()
    assert status in {0, CREATED}, "a server may hang up on a client that half-closes"
    assert caller.stored(name) <= 1
    if status == CREATED:
        assert caller.stored(name) == 1


def test_who_hangs_up_in_the_middle_leaves_all_or_nothing_and_every_look_in_the_log(caller: Caller) -> None:
    dice, names, looked = random.Random(80), [], 0
    before = caller.looks()
    for number in range(RESETS):
        with Raw(caller.url) as one:
            if number % 2:
                names.append(str(uuid4()))
                one.ask("POST", "/fhir/Observation", caller.observation(names[-1]), **caller.head("epj-system"))
            else:
                one.ask("GET", f"/fhir/{caller.citizen}", b"", **caller.head("mette-gp"))
            if dice.random() < 0.5:
                one.first_byte()
                looked += 1
            one.reset()
    assert caller.serves()
    assert {caller.stored(name) for name in names} <= {0, 1}
    assert caller.looks() - before >= looked, "an answer has no row in the log"


def test_a_request_that_follows_a_plain_one_is_answered_and_seen(caller: Caller) -> None:
    """What the next test would notice."""
    before = caller.looks()
    with Raw(caller.url) as one:
        one.send(head("POST", "/fhir/Observation", {"content-length": "5"}) + b"hello")
        one.send(head("GET", f"/fhir/{caller.citizen}", {"connection": "close", **caller.head("mette-gp")}))
        assert one.status() == 401
        while one.first_byte():
            pass
    assert caller.looks() > before


AMBIGUOUS = {
    "two lengths": b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "two lengths in one": b"content-length: 5, 6\r\n\r\nhello!",
    "a length with a sign": b"content-length: +5\r\n\r\nhello",
    "a length that is none": b"content-length: five\r\n\r\nhello",
    "a negative length": b"content-length: -1\r\n\r\n",
    "pieces that are none": b"transfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
    "an unknown coding": b"transfer-encoding: chunked, nonsense\r\n\r\n0\r\n\r\n",
    "a name with a blank": b"content-length : 5\r\n\r\nhello",
    "a line that goes on": b"x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n",
    "a NUL": b"x-a: b\x00c\r\ncontent-length: 0\r\n\r\n",
    "a head without end": b"".join(b"x-%d: %s\r\n" % (n, b"a" * 4000) for n in range(300)) + b"\r\n",
}


@pytest.mark.parametrize("attack", AMBIGUOUS)
def test_a_request_that_could_be_read_in_two_ways_is_refused(caller: Caller, attack: str) -> None:
    """Attack 70: it is never answered as if it were plain, and nothing that follows it is."""
    before = caller.looks()
    smuggled = head("GET", f"/fhir/{caller.citizen}", {**caller.head("mette-gp")})
    with Raw(caller.url) as one:
        one.send(b"POST /fhir/Observation HTTP/1.1\r\nhost: here.example\r\n" + AMBIGUOUS[attack] + smuggled)
        assert one.status() in {0, 400, 401, 431}
    assert caller.looks() == before, "what was hidden behind it was answered"


def _trickling(seconds: float, pieces: int) -> tuple[Request, list[float]]:
    waited: list[float] = []

    async def receive() -> dict[str, Any]:
        await passes(seconds)
        waited.append(seconds)
        return {"type": "http.request", "body": b"a", "more_body": len(waited) < pieces}

    return Request("POST", [], b"", {}, receive, None, 2**20), waited  # type: ignore[arg-type]


def _by_hand(work: Coroutine[Any, Any, None]) -> None:
    async def scenario(_: random.Random) -> None:
        await work

    simulate(scenario, 0)


def test_a_body_that_trickles_is_given_up_in_the_end() -> None:
    request, waited = _trickling(1, 10_000)

    async def work() -> None:
        with pytest.raises(TooSlow):
            await request.body()

    _by_hand(work())
    assert sum(waited) <= BODY_SECONDS


def test_a_body_that_is_slow_and_arrives_is_taken() -> None:
    request, _ = _trickling(1, int(BODY_SECONDS) - 2)

    async def work() -> None:
        assert len(await request.body()) == BODY_SECONDS - 2

    _by_hand(work())


def test_a_client_that_hangs_up_within_its_body_has_sent_none() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def work() -> None:
        with pytest.raises(BadRequest):
            await Request("POST", [], b"", {}, receive, None, 2**20).body()  # type: ignore[arg-type]

    _by_hand(work())
