"""Can a request outlive what it leans on, by holding its last byte back?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.api import FhirApi
from helhed.foundation.ask import Ask
from helhed.foundation.errors import NotAuthenticated
from tests.support.world import NOW, World

OK, NOT_AUTHENTICATED = 200, 401
FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


class Moving:
    """A verifier with a clock of its own, and a token that ends after two hours."""

    def __init__(self, asker: Ask) -> None:
        self.now = NOW
        self._asker = asker

    def ask(self, authorization: bytes | None) -> Ask:
        if self.now >= NOW + timedelta(hours=2):
            raise NotAuthenticated
        return replace(self._asker, at=self.now)


async def slowly(world: World, asker: Ask, body: bytes, arrives: datetime) -> tuple[int, Any, UUID]:
    """A search by POST whose body arrives then: status, answer, and the id that the answer gives the request."""
    verifier = Moving(asker)
    api = FhirApi(world.store, verifier, base_url="https://here.example", max_body_bytes=2**20)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        verifier.now = arrives
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    path = {"method": "POST", "path": "/fhir/Observation/_search", "query_string": b"", "headers": FORM}
    await api(path, receive, send)
    headers = dict(sent[0]["headers"])
    return sent[0]["status"], orjson.loads(sent[1]["body"]), UUID(headers[b"x-request-id"].decode())


async def a_job_that_ends_in_an_hour(world: World) -> tuple[Ask, UUID]:
    hospital = await world.organisation("Hospital")
    patient = await world.patient(hospital)
    await world.contact(patient, hospital)
    await world.observation(patient, hospital)
    end = (NOW + timedelta(hours=1)).isoformat()
    return world.professional(await world.employee(hospital, period={"end": end}), hospital), patient


@pytest.mark.parametrize(("minutes", "found"), [(30, 1), (90, 0)])
async def test_a_search_is_decided_when_its_last_byte_is_here(world: World, minutes: int, found: int) -> None:
    doctor, patient = await a_job_that_ends_in_an_hour(world)
    body = f"patient=Patient/{patient}".encode()
    status, bundle, trace = await slowly(world, doctor, body, NOW + timedelta(minutes=minutes))
    assert (status, len(bundle.get("entry", ()))) == (OK, found)
    look = (await world.log(patient))[-1]
    assert (look["permitted"], look["at"], look["trace"]) == (bool(found), NOW + timedelta(minutes=minutes), trace)


async def test_a_token_that_ended_before_the_last_byte_has_ended(world: World) -> None:
    doctor, patient = await a_job_that_ends_in_an_hour(world)
    status, _, _ = await slowly(world, doctor, f"patient=Patient/{patient}".encode(), NOW + timedelta(hours=3))
    assert status == NOT_AUTHENTICATED
