"""Three Helheds side by side, each a real server on its own database: two are live sources of the first, whose overview shows all of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from helhed.fhir.changes import Change
from helhed.foundation.ask import Action
from helhed.foundation.database import Target
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.record.live.faults import Fault
from helhed.record.live.gathering import LiveSources
from helhed.record.live.keeping import LiveRows, LiveVersion
from helhed.record.live.talking import Wire
from helhed.record.manifest import Said, Told
from helhed.registries.identifiers import CPR
from helhed.registries.sources import Credentials, Described, Question, SourceKind, Sources, Terms, Way, put_source
from tests.support.databases import copy_of
from tests.support.node import Node, found, node
from tests.support.pages import words_of
from tests.support.stand_in import Asked, StandIn, ok
from tests.support.world import NOW, SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBER = "2512489996"
NAMES = ("Havnesygehuset", "Fjordsygehuset", "Skovklinikken")
TYPES = ("Condition", "Observation", "Immunization", "DocumentReference")


@dataclass
class Neighbour:
    """A node with a ward that treats the same person, and what it has of them."""

    node: Node
    name: str
    ward: UUID
    doctor: UUID
    patient: UUID
    row: UUID
    illness: str
    stands_at: UUID | None = None  #: its organisation at the first
    key: KeySet | None = None  #: the first's public key
    given: list[str] = field(default_factory=list)

    async def looks(self) -> list[Any]:
        """The rows of this citizen's log here."""
        return await self.node.world.log(self.patient)

    def tokens(self, asked: Asked) -> Any:
        """The token service beside it: whoever proves to be the first gets a token that stands for the doctor here."""
        assert self.key is not None
        said = jwt.decode(asked.form["client_assertion"][0], self.key, algorithms=["ES256"]).claims
        if said["sub"] != "first":
            return 400, {}, b"{}"
        self.given.append(self.node.issuer().professional(self.doctor, self.ward, "doctor"))
        return ok({"access_token": self.given[-1], "token_type": "bearer", "expires_in": 300})


class Bearer:
    """A token that was given by hand."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def of(self, _terms: Any) -> str:
        return self._token

    async def another(self, _terms: Any, refused: str) -> str:
        """There is no other."""
        return refused


@dataclass
class Three:
    """All of them; the first is where people look."""

    first: Neighbour
    second: Neighbour
    third: Neighbour

    async def doctor(self) -> tuple[httpx.AsyncClient, str]:
        """The ward's doctor with the patient before them, and the address of the overview."""
        ask = self.first.node.world.professional(self.first.doctor, self.first.ward)
        client, handle = await self.first.node.logged_in(ask, found(self.first.patient, NUMBER))
        return client, f"/hospital/patient/{handle}"

    async def citizen(self) -> tuple[httpx.AsyncClient, str]:
        """The citizen, and the address of their own overview."""
        client, _ = await self.first.node.logged_in(self.first.node.world.citizen(self.first.patient))
        return client, "/borger"


async def _neighbour(made: Node, name: str) -> Neighbour:
    world = made.world
    ward = await world.organisation(name)
    doctor = await world.employee(ward)
    patient = await world.patient(ward, identifier=[{"system": CPR, "value": NUMBER}])
    await world.contact(patient, ward, period={"start": "2020-01-01T08:00:00Z"})
    illness = f"Gigt ({name})"
    condition = {
        "resourceType": "Condition", "subject": {"reference": f"Patient/{patient}"}, "code": {"text": illness},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "recordedDate": "2022-03-04",
    }  # fmt: skip
    return Neighbour(made, name, ward, doctor, patient, await world.put(world.system(ward), condition), illness)


async def _rich(one: Neighbour) -> None:
    """A record of some length, of several types."""
    subject = {"reference": f"Patient/{one.patient}"}
    rows: list[dict[str, Any]] = [
        {
            "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}, "subject": subject,
            "effectiveDateTime": f"2023-{1 + n // 28:02}-{1 + n % 28:02}", "valueQuantity": {"value": 60 + n, "unit": "/min"},
        }
        for n in range(100)
    ]  # fmt: skip
    rows += [
        {
            "resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "Influenza"}, "patient": subject,
            "occurrenceDateTime": f"{2015 + n}-10-01",
        }
        for n in range(8)
    ]  # fmt: skip
    rows.append({
        "resourceType": "DocumentReference", "status": "current", "subject": subject, "date": "2024-01-01T08:00:00Z", "type": {"text": "Epikrise"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "U2FhciBoZWxldA=="}}],
    })  # fmt: skip
    changes = [
        Change("POST", row["resourceType"], row, orjson.dumps(row), new_id(bucket_of(one.patient))) for row in rows
    ]
    await one.node.world.store.commit(one.node.world.system(one.ward), changes)


def _described(other: Neighbour, **terms: Any) -> Described:
    assert other.stands_at is not None
    asked = Terms(f"{other.node.url}/fhir", fresh_seconds=0, internal_network=True, **terms)
    return Described(other.stands_at, other.name, SourceKind.HOSPITAL, Way.LIVE, TYPES, "Vagten", terms=asked)


async def _register(first: Neighbour, other: Neighbour, service: str) -> None:
    other.stands_at = await first.node.world.organisation(other.name)
    credentials = Credentials(service, "first", "user/*.rs")
    await put_source(first.node.world.owner, _described(other, deadline_ms=10_000, credentials=credentials), NOW)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(server_target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Three]:
    """Registered with each other, and serving."""
    folder = tmp_path_factory.mktemp("nodes")
    async with AsyncExitStack() as stack:
        made = []
        for name in NAMES:
            database = await stack.enter_async_context(copy_of(server_target))
            made.append(await _neighbour(await stack.enter_async_context(node(database, folder / name)), name))
        first, *others = made
        await _rich(others[0])
        for other in others:
            service = await stack.enter_async_context(StandIn("", twist=other.tokens).running())
            await _register(first, other, f"{service.url}/token")
        await asyncio.gather(*(one.node.serve() for one in made))
        async with httpx.AsyncClient() as client:
            key = KeySet.import_key_set((await client.get(f"{first.node.url}/oauth/jwks")).json())
        for other in others:
            other.key = key
        yield Three(*made)


async def _read(client: httpx.AsyncClient, address: str) -> str:
    answer = await client.get(address)
    assert answer.status_code == httpx.codes.OK, answer.text
    return words_of(answer.text)


async def test_the_overview_shows_the_rows_of_all_three_and_names_each_that_answered(three: Three) -> None:
    for client, address in (await three.doctor(), await three.citizen()):
        async with client:
            told = await _read(client, address)

        for one in (three.first, three.second, three.third):
            assert one.illness in told
        assert "Alle 2 steder" in told
        assert f"{three.second.name} har intet afleveret siden" not in told, "it has answered just now"
        assert f"{three.second.name} Svarede i dag" in told
        assert f"{three.third.name} Svarede i dag" in told


async def test_each_look_stands_in_the_log_of_every_network_that_was_asked(three: Three) -> None:
    everybody = (three.first, three.second, three.third)
    before = [{row["id"] for row in await one.looks()} for one in everybody]
    client, address = await three.doctor()
    async with client:
        await _read(client, address)

    own, *others = [
        [row for row in await one.looks() if row["id"] not in known]
        for one, known in zip(everybody, before, strict=True)
    ]
    assert {Action.ASK_SOURCES, Action.SEE_ANSWERS} <= {row["action"] for row in own}
    assert {row["actor"] for row in own} == {key_of(three.first.doctor)}
    for one, rows in zip(everybody[1:], others, strict=True):
        assert one.row in {identifier for row in rows for identifier in row["resources"]}
        assert {(row["actor"], row["permitted"]) for row in rows} == {(key_of(one.doctor), True)}


async def test_a_block_at_the_first_holds_for_what_the_others_answer(three: Three) -> None:
    assert three.second.stands_at is not None
    block = await three.first.node.world.block(three.first.patient, who=three.first.ward, what=three.second.stands_at)
    try:
        client, address = await three.doctor()
        async with client:
            told = await _read(client, address)
        citizen, own = await three.citizen()
        async with citizen:
            told_to_the_citizen = await _read(citizen, own)
    finally:
        await three.first.node.world.owner.execute("delete from trust.block where id = $1", block)

    assert three.second.illness not in told
    assert three.first.illness in told
    assert three.third.illness in told
    assert "Alle 2 steder" in told, "the block tells nobody that there was something"
    assert three.second.illness in told_to_the_citizen


async def _waited_for(three: Three, one: Neighbour, milliseconds: int) -> None:
    said = "update registries.source set terms = terms || jsonb_build_object('deadline_ms', $2::int) where organisation = $1"
    assert one.stands_at is not None
    await three.first.node.world.owner.execute(said, key_of(one.stands_at), milliseconds)


async def test_one_that_stands_still_and_one_that_is_gone_are_told_and_their_last_answers_shown(three: Three) -> None:
    client, address = await three.doctor()
    async with client:
        await _read(client, address)
        three.second.node.stop_answering()
        three.third.node.kill()
        try:
            await _waited_for(three, three.second, 500)
            told = await _read(client, address)  # it comes, though one of them never will
        finally:
            await _waited_for(three, three.second, 10_000)
            three.second.node.go_on()
            await three.third.node.serve()
        again = await _read(client, address)

    for one in (three.first, three.second, three.third):
        assert one.illness in told
    assert "0 af 2 steder" in told
    waited = rf"{three.second.name} Svarer ikke nu, og der blev ventet, så længe der ventes\. Her står det, stedet svarede i dag"
    assert re.search(waited, told), told
    gone = rf"{three.third.name} Svarer ikke nu, for der er ingen forbindelse\. Her står det, stedet svarede i dag"
    assert re.search(gone, told), told
    assert "Alle 2 steder" in again


@asynccontextmanager
async def _second_asked_by_hand(three: Three, token: str, **terms: Any) -> AsyncIterator[LiveSources]:
    """The first's own asking, here in the test, with a token given by hand and other terms for the second."""
    world, second = three.first.node.world, three.second
    assert second.stands_at is not None
    kept = await world.owner.fetchval(
        "select terms from registries.source where organisation = $1", key_of(second.stands_at)
    )
    await put_source(world.owner, _described(second, deadline_ms=10_000, **terms), NOW)
    pool = world.store.pool
    live = LiveSources(Sources(pool), LiveRows(pool), Wire(), Bearer(token), SECRET, lambda: datetime.now(UTC))  # type: ignore[arg-type]
    await live.look_again()
    try:
        yield live
    finally:
        said = "update registries.source set terms = $2 where organisation = $1"
        await world.owner.execute(said, key_of(second.stands_at), kept)
        await world.owner.execute("delete from registries.source_health")


async def _told(three: Three, live: LiveSources) -> tuple[Told, list[LiveVersion]]:
    """What the doctor at the first is told of the second, and shown of it."""
    ask = replace(three.first.node.world.professional(three.first.doctor, three.first.ward), at=datetime.now(UTC))
    manifest = await live.ask_all(ask, key_of(three.first.patient), TYPES)
    (told,) = [one for one in manifest.told if one.name == three.second.name]
    rows = await live.answered(ask, key_of(three.first.patient), TYPES, 5000)
    return told, [row for row in rows if row.source == told.source]


async def test_another_helhed_gives_nothing_without_a_token_and_a_system_nothing_for_its_own_sake(three: Three) -> None:
    elsewhere = three.second.node.issuer().system(await three.second.node.world.organisation("Et andet sted"))
    async with _second_asked_by_hand(three, "") as live:
        without, _ = await _told(three, live)
    async with _second_asked_by_hand(three, elsewhere) as live:
        _, rows = await _told(three, live)

    assert without.fault == Fault.REFUSED
    assert rows == []


async def test_another_helhed_answers_the_same_by_either_question(three: Three) -> None:
    token = three.second.node.issuer().professional(three.second.doctor, three.second.ward, "doctor")
    found = []
    for question in Question:
        async with _second_asked_by_hand(three, token, question=question) as live:
            told, rows = await _told(three, live)
        assert (told.said, told.dropped) == (Said.ANSWERED, 0), told
        found.append({row.id for row in rows})

    assert found[0] == found[1]
    assert len(found[0]) > 100
    assert {orjson.loads(row.body).get("subject", {}).get("reference") for row in rows} == {
        f"Patient/{three.first.patient}",
        None,
    }
