"""Looks at one record: what is found, what a block takes away, and what stands in the log."""

from uuid import uuid4

import pytest

from helhed.fhir.parsing import parse_json
from helhed.fhir.transaction import transact
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Gone, PreconditionFailed, Unknown
from helhed.foundation.ids import new_id
from tests.support.world import World


class Scene:
    """A ward of a hospital treats a citizen whose clinic is elsewhere."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def set(self) -> "Scene":
        world = self.world
        self.hospital = await world.organisation("Sygehus")
        self.ward = await world.organisation("Afdeling", self.hospital)
        self.clinic = await world.organisation("Lægehus")
        self.doctor = world.professional(await world.employee(self.ward), self.ward)
        self.gp = world.professional(await world.employee(self.clinic), self.clinic)
        chosen = [{"reference": f"Organization/{self.clinic}"}]
        self.patient = await world.patient(self.hospital, "Ånæs", generalPractitioner=chosen, birthDate="1958-03-14")
        await world.contact(self.patient, self.ward)
        self.observation = await world.observation(self.patient, self.hospital)
        return self

    @property
    def citizen(self) -> Ask:
        return self.world.citizen(self.patient)

    async def reads(self, ask: Ask) -> bool:
        try:
            await self.world.store.read(ask, "Observation", self.observation)
        except Unknown:
            return False
        return True


@pytest.fixture
async def scene(world: World) -> Scene:
    return await Scene(world).set()


async def test_the_ward_the_clinic_and_the_citizen_read_and_strangers_do_not(scene: Scene) -> None:
    stranger = scene.world.professional(await scene.world.employee(await scene.world.organisation("Andet")), uuid4())
    assert [await scene.reads(ask) for ask in (scene.doctor, scene.gp, scene.citizen)] == [True, True, True]
    assert not await scene.reads(stranger)
    assert not await scene.reads(scene.world.system(scene.hospital)), "a custodian maintains, and does not read"


@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("Observation?patient={p}", 1),
        ("Observation?subject={p}&code=http://loinc.org|8867-4&date=ge2026-01-01&_sort=-date", 1),
        ("Observation?subject={p}&code=http://loinc.org|other", 0),
        ("Observation?subject={p}&date=lt2020", 0),
        ("Observation?subject:Patient.family=ånæs", 1),
        ("Observation?subject:Patient.family=anaes", 0),
        ("Observation?code:not=8867-4&patient={p}", 0),
        ("Patient?family=ÅN", 1),
        ("Patient?family:exact=ånæs", 0),
        ("Patient?name:contains=næs", 1),
        ("Patient?birthdate=1958", 1),
        ("Patient?general-practitioner:missing=true", 0),
        ("Encounter?patient={p}&status=in-progress", 1),
        ("Organization?partof.name=Syge", 1),
    ],
)
async def test_searches_find_what_they_describe(scene: Scene, url: str, count: int) -> None:
    assert len(await scene.world.found(scene.doctor, url.format(p=f"Patient/{scene.patient}"))) == count


async def test_a_block_takes_reads_searches_totals_and_history_at_the_next_request(scene: Scene) -> None:
    everything = "Observation?_total=accurate"
    assert (await scene.world.search(scene.doctor, everything)).total == 1
    await scene.world.block(scene.patient, who=scene.hospital)
    assert not await scene.reads(scene.doctor)
    assert (await scene.world.search(scene.doctor, everything)).total == 0
    with pytest.raises(Unknown):
        await scene.world.store.history(scene.doctor, "Observation", scene.observation, count=5, cursor=None)
    assert await scene.reads(scene.gp), "the block names the hospital only"
    assert await scene.reads(scene.citizen), "a block never applies to oneself"


async def test_a_block_on_what_one_place_wrote_leaves_the_rest(scene: Scene) -> None:
    own = await scene.world.observation(scene.patient, scene.clinic)
    await scene.world.block(scene.patient, what=scene.hospital)
    assert await scene.world.found(scene.doctor, f"Observation?patient=Patient/{scene.patient}") == [own]


async def test_a_deleted_row_is_gone_for_those_who_may_know_and_unknown_to_others(scene: Scene) -> None:
    await scene.world.delete(scene.world.system(scene.hospital), "Observation", scene.observation)
    with pytest.raises(Gone):
        await scene.world.store.read(scene.citizen, "Observation", scene.observation)
    await scene.world.block(scene.patient)
    assert not await scene.reads(scene.doctor)


async def test_a_professional_overwrites_only_the_version_that_was_read(scene: Scene) -> None:
    world = scene.world
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{scene.patient}"},
    }
    own = await world.put(scene.doctor, body)
    with pytest.raises(PreconditionFailed):
        await world.change(scene.doctor, own, {**body, "id": str(own)})
    assert (await world.change(scene.doctor, own, {**body, "id": str(own)}, if_match=1)).version == 2
    with pytest.raises(PreconditionFailed):
        await world.change(scene.doctor, own, {**body, "id": str(own)}, if_match=1)


async def test_every_look_stands_in_the_log_with_its_reason(scene: Scene) -> None:
    before = len(await scene.world.log(scene.patient))
    await scene.reads(scene.doctor)
    await scene.reads(scene.gp)
    await scene.world.block(scene.patient, who=scene.hospital)
    await scene.reads(scene.doctor)
    rows = (await scene.world.log(scene.patient))[before:]
    assert [(row["action"], row["permitted"], row["basis"]) for row in rows] == [
        (Action.READ, True, 2),
        (Action.READ, True, 3),
        (Action.READ, False, None),
    ]


async def test_a_transaction_with_one_bad_entry_leaves_nothing(scene: Scene) -> None:
    raw = (
        b'{"resourceType":"Bundle","type":"transaction","entry":['
        b'{"fullUrl":"urn:uuid:6a0c2a38-1df5-4f3a-9a7c-2b4d8f8b8a01","resource":{"resourceType":"Observation","status":"final",'
        b'"code":{"text":"first"},"subject":{"reference":"Patient/%s"}},"request":{"method":"POST","url":"Observation"}},'
        b'{"request":{"method":"GET","url":"Observation/%s"}}]}' % (str(scene.patient).encode(), str(new_id()).encode())
    )
    with pytest.raises(Unknown):
        await transact(scene.world.store, scene.world.system(scene.hospital), raw, parse_json(raw))
    assert await scene.world.found(scene.citizen, "Observation?_sort=_id") == [scene.observation]
