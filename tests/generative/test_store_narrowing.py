"""On the real store: taking something away never shows more, and what was taken away is gone at the next request."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks
from helhed.trust.projections import ROLE_SYSTEM
from helhed.trust.reference import ALWAYS, Block, Facts, may_read
from tests.generative.loading import Loaded, load, put_facts
from tests.generative.resources import Drawer
from tests.generative.tally import Tally, counted
from tests.generative.worlds import World, a_world, some_asks
from tests.support.world import NOW, World as Opened, at

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(700, 760))]
STEPS = 8


# --- less, never more -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """A case is a row that somebody asks for at the end."""
    with counted() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_new_block_or_a_lost_base_never_shows_more(world, seed, tally):
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    drawer = Drawer.seeded(seed + 4_000_000)
    asks = some_asks(drawer, loaded.world, 10)
    facts, before = loaded.world.facts, await seen(loaded, asks)
    for _ in range(STEPS):
        facts = narrower(drawer, loaded.world, facts)
        await put_facts(world.owner, facts)
        after = await seen(loaded, asks)
        for ask, earlier, now in zip(asks, before, after, strict=True):
            assert now <= earlier
            assert now == {one.resource["id"] for one in loaded.world.kept if may_read(ask, one.row, facts)}
        before = after
    for shown in before:
        for one in loaded.world.kept:
            tally.met(hidden=one.resource["id"] not in shown)


async def seen(loaded: Loaded, asks: list[Ask]) -> list[set[str]]:
    """Ids of what each ask can read, deleted or not."""

    async def sees(ask: Ask, type_name: str, identifier: str) -> bool:
        try:
            await loaded.opened.store.read(replace(ask, trace=uuid4()), type_name, UUID(identifier))
        except Unknown:
            return False
        except HelhedError:
            return True
        return True

    names = [(one.row.type_name, one.resource["id"]) for one in loaded.world.kept]
    found = await asyncio.gather(*(sees(ask, *name) for ask in asks for name in names))
    rows = [found[i : i + len(names)] for i in range(0, len(found), len(names))]
    return [{name[1] for name, is_seen in zip(names, row, strict=True) if is_seen} for row in rows]


def narrower(drawer: Drawer, world: World, facts: Facts) -> Facts:
    """One block more, or one relation, employment or registered system less."""
    kind = drawer.number(0, 4)
    if kind == 0 and facts.relations:
        return replace(facts, relations=_without_one(drawer, facts.relations))
    if kind == 1 and facts.employments:
        return replace(facts, employments=_without_one(drawer, facts.employments))
    if kind == 2 and facts.systems:
        return replace(facts, systems=frozenset(_without_one(drawer, sorted(facts.systems))))
    places = [None, *facts.parents]
    block = Block(key_of(drawer.pick(world.citizens)), drawer.pick(places), drawer.pick(places), ALWAYS)
    return replace(facts, blocks=(*facts.blocks, block))


def _without_one(drawer: Drawer, several: Any) -> tuple[Any, ...]:
    left_out = drawer.number(0, len(several) - 1)
    return tuple(one for i, one in enumerate(several) if i != left_out)


# --- gone at the next request -----------------------------------------------------------------------------------------


@dataclass
class Scene:
    """A region with two hospitals and a ward; a doctor at the ward; a citizen with an open contact at the hospital."""

    world: Opened
    region: UUID
    hospital: UUID
    other_hospital: UUID
    ward: UUID
    doctor: UUID
    job: UUID
    patient: UUID
    contact: UUID
    observations: list[UUID]

    @property
    def ask(self) -> Ask:
        """The doctor's."""
        return self.world.professional(self.doctor, self.ward)

    def subject(self) -> dict[str, Any]:
        return {"subject": {"reference": f"Patient/{self.patient}"}}


@pytest.fixture
async def scene(world: Opened) -> Scene:
    """Everything written through the doors, so that every fact comes from a resource."""
    region = await world.organisation("Region")
    hospital, other = await world.organisation("Hospital", region), await world.organisation("Other", region)
    ward = await world.organisation("Ward", hospital)
    patient = await world.patient(region)
    contact = await world.contact(patient, hospital)
    during: dict[str, Any] = {"encounter": {"reference": f"Encounter/{contact}"}}
    observations = [await world.observation(patient, hospital, **during) for _ in range(3)]
    doctor = await world.put(world.system(ward), {"resourceType": "Practitioner", "name": [{"family": "Test"}]})
    job = await world.put(world.system(ward), employment(doctor, ward))
    return Scene(world, region, hospital, other, ward, doctor, job, patient, contact, observations)


def employment(practitioner: UUID, organisation: UUID, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "practitioner": {"reference": f"Practitioner/{practitioner}"},
        "organization": {"reference": f"Organization/{organisation}"},
        "code": [{"coding": [{"system": ROLE_SYSTEM, "code": "doctor"}]}],
        **more,
    }


def stay(scene: Scene, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": str(scene.contact),
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        **scene.subject(),
        "serviceProvider": {"reference": f"Organization/{scene.hospital}"},
        **more,
    }


async def block_everything(scene: Scene) -> None:
    await Blocks(scene.world.store.pool).set(scene.world.citizen(scene.patient), None, None)


async def block_the_region(scene: Scene) -> None:
    await Blocks(scene.world.store.pool).set(scene.world.citizen(scene.patient), key_of(scene.region), None)


async def close_the_contact(scene: Scene) -> None:
    await scene.world.change(scene.world.system(scene.hospital), scene.contact, stay(scene, status="finished"))


async def end_the_contact(scene: Scene) -> None:
    over = stay(scene, period={"start": "2026-11-01", "end": "2026-11-23T08:59:59.999999+01:00"})
    await scene.world.change(scene.world.system(scene.hospital), scene.contact, over)


async def delete_the_contact(scene: Scene) -> None:
    await scene.world.delete(scene.world.system(scene.hospital), "Encounter", scene.contact)


async def dismiss(scene: Scene) -> None:
    await scene.world.delete(scene.world.system(scene.ward), "PractitionerRole", scene.job)


async def suspend(scene: Scene) -> None:
    job = employment(scene.doctor, scene.ward, id=str(scene.job), active=False)
    await scene.world.change(scene.world.system(scene.ward), scene.job, job)


async def move_the_job(scene: Scene) -> None:
    job = employment(scene.doctor, scene.hospital, id=str(scene.job))
    await scene.world.change(scene.world.system(scene.region), scene.job, job)


async def end_the_job(scene: Scene) -> None:
    job = employment(scene.doctor, scene.ward, id=str(scene.job), period={"end": "2026-11-22"})
    await scene.world.change(scene.world.system(scene.ward), scene.job, job)


async def move_the_ward(scene: Scene) -> None:
    part_of = {"partOf": {"reference": f"Organization/{scene.other_hospital}"}}
    moved = {"resourceType": "Organization", "id": str(scene.ward), "name": "Ward", **part_of}
    await scene.world.change(scene.world.system(scene.region), scene.ward, moved)


TAKEN_AWAY = [
    block_everything, block_the_region, close_the_contact, end_the_contact, delete_the_contact, dismiss, suspend, end_the_job,
    move_the_job, move_the_ward,
]  # fmt: skip


@pytest.mark.parametrize("take_away", TAKEN_AWAY, ids=lambda take_away: take_away.__name__)
async def test_what_is_taken_away_is_gone_at_the_next_request_at_every_door(
    scene: Scene, take_away: Callable[[Scene], Awaitable[None]]
) -> None:
    assert await whatever_the_doctor_sees(scene) == {"read", "vread", "history", "search", "total", "chain", "record"}
    first = await scene.world.search(scene.ask, f"Observation?patient=Patient/{scene.patient}&_count=1")
    await take_away(scene)
    assert await whatever_the_doctor_sees(scene) == set()
    following = f"Observation?patient=Patient/{scene.patient}&_count=1&_cursor={first.next_cursor}"
    assert await scene.world.found(scene.ask, following) == []


async def whatever_the_doctor_sees(scene: Scene) -> set[str]:
    """The doors that still show something of the citizen."""
    world, ask, one = scene.world, scene.ask, scene.observations[0]
    page = await world.search(ask, "Observation?_total=accurate&_include=Observation:subject")
    looks: dict[str, Callable[[], Awaitable[Any]]] = {
        "read": lambda: world.store.read(ask, "Observation", one),
        "vread": lambda: world.store.vread(ask, "Observation", one, 1),
        "history": lambda: world.store.history(ask, "Observation", one, count=5, cursor=None),
        "search": lambda: world.found(ask, f"Observation?patient=Patient/{scene.patient}"),
        "chain": lambda: world.found(ask, "Observation?subject:Patient.family=test"),
        "record": lambda: world.store.citizen_rows(ask, key_of(scene.patient), ["Observation", "Patient"], 50),
    }
    seen = {name for name, look in looks.items() if await _shows(look)}
    return seen | ({"total"} if page.total or page.matches or page.included else set())


async def _shows(look: Callable[[], Awaitable[Any]]) -> bool:
    try:
        return bool(await look())
    except Unknown:
        return False


async def test_a_job_and_a_contact_hold_until_the_moment_they_end(scene):
    ending = stay(scene, period={"start": "2026-11-01", "end": "2026-11-23T09:00:00+01:00"})  # the second counts whole
    await scene.world.change(scene.world.system(scene.hospital), scene.contact, ending)
    observation = scene.observations[0]
    await scene.world.store.read(scene.ask, "Observation", observation)
    with pytest.raises(Unknown):
        await scene.world.store.read(at(scene.ask, NOW.replace(second=1)), "Observation", observation)


async def test_a_block_that_ends_gives_back_what_it_took(scene):
    blocks, citizen = Blocks(scene.world.store.pool), scene.world.citizen(scene.patient)
    block = await blocks.set(citizen, key_of(scene.hospital), None)
    assert await whatever_the_doctor_sees(scene) == set()
    await blocks.end(citizen, block)
    assert "read" in await whatever_the_doctor_sees(scene)
