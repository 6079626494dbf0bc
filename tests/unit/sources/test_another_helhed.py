"""Another Helhed as a live source: the real server in a process of its own, over real connections."""

import asyncio
from typing import Any

import orjson

from helhed.record.live.faults import Fault
from helhed.record.manifest import Said
from helhed.registries.identifiers import CPR
from helhed.registries.sources import Question
from tests.support.live import LiveServer
from tests.support.world import NOW
from tests.unit.sources.conftest import Small

JENS = "1403589995"
TYPES = ("Observation", "Condition", "Immunization", "DocumentReference")


class _Token:
    """A token that stands for a person there."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def of(self, _terms: Any) -> str:
        return self._token

    def forget(self, _terms: Any) -> None:
        """There is no other."""


async def _at(small: Small, server: LiveServer, question: Question) -> None:
    small.stand_in.url = f"{server.url}/fhir"
    await small.world.change(
        small.world.system(small.ward),
        small.patient,
        {"resourceType": "Patient", "id": str(small.patient), "identifier": [{"system": CPR, "value": JENS}]},
    )
    await small.register(types=TYPES, question=question, deadline_ms=10_000)


async def test_it_gives_a_system_nothing_for_its_own_sake(small: Small, live_server: LiveServer) -> None:
    await _at(small, live_server, Question.EVERYTHING)

    told = await small.told(types=TYPES)

    assert (told.said, told.fault) == (Said.SILENT, Fault.REFUSED)


async def test_it_answers_a_token_that_stands_for_a_person_by_either_question(
    small: Small, live_server: LiveServer
) -> None:
    small.live.tokens = _Token((await asyncio.to_thread(live_server.persona, "jens"))[0])  # type: ignore[assignment]
    found = []
    for question in Question:
        await _at(small, live_server, question)
        await small.world.owner.execute("delete from fhir.live_answer")
        told = await small.told(types=TYPES)
        assert (told.said, told.at) == (Said.ANSWERED, NOW), told
        found.append({row.id for row in await small.live.answered(small.asks(), small.citizen, TYPES, 5000)})

    assert found[0] == found[1]
    assert len(found[0]) > 100
    subjects = {
        orjson.loads(row.body).get("subject", {}).get("reference")
        for row in await small.live.answered(small.asks(), small.citizen, TYPES, 5000)
    }
    assert subjects <= {f"Patient/{small.patient}", None}
