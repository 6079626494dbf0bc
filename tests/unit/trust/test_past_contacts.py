"""What a contact that has ended still permits: class C to the unit for a while, follow-up of their own work to who took part."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import HelhedError, Unknown
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.log.citizen_log import CitizenLog
from helhed.trust.policy import BASIS_NUMBERS
from tests.support.world import NOW, World, at

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
#: a day is counted whole: the contact was over at the end of 23 November in Denmark, given to the second
ENDED = "2026-11-23T08:00:00Z"
OVER = NOW + timedelta(seconds=1)  #: the first moment after the second that the contact says it ended in


@dataclass
class Scene:
    """A ward where a contact ended this morning; one of its doctors took part, the other did not."""

    world: World
    ward: UUID
    patient: UUID
    contact: UUID
    treated: Ask
    colleague: Ask
    row: UUID

    async def sees(self, ask: Ask) -> bool:
        """Whether the row is there."""
        try:
            await self.world.store.read(ask, "Observation", self.row)
        except Unknown:
            return False
        return True


@pytest.fixture
async def scene(world: World) -> Scene:
    ward, elsewhere = await world.organisation("Ward"), await world.organisation("Elsewhere")
    patient = await world.patient(elsewhere)
    doctor, colleague = await world.employee(ward), await world.employee(ward)
    contact = await world.contact(
        patient, ward, "finished", period={"start": "2026-11-20", "end": ENDED},
        participant=[{"individual": {"reference": f"Practitioner/{doctor}"}}],
    )  # fmt: skip
    return Scene(
        world, ward, patient, contact, world.professional(doctor, ward), world.professional(colleague, ward),
        await world.observation(patient, elsewhere),
    )  # fmt: skip


def following_up(ask: Ask) -> Ask:
    return replace(ask, purpose=Purpose.FOLLOW_UP)


async def basis_of_the_last_look(scene: Scene) -> int | None:
    log = CitizenLog(scene.world.store.pool)
    entries = await log.entries(scene.world.citizen(scene.patient), NOW - DAY, NOW + 400 * DAY)
    return next(one.basis for one in entries if one.actor in (scene.treated.actor, scene.colleague.actor))


async def test_the_unit_sees_for_thirty_days_and_the_log_says_why(scene):
    assert not await scene.sees(
        at(scene.colleague, OVER - TICK)
    )  # it has not ended yet, and nothing says that it is open
    for ask in (scene.colleague, following_up(scene.treated)):
        assert await scene.sees(at(ask, OVER))
        assert await basis_of_the_last_look(scene) == BASIS_NUMBERS["treatment-C"]
    assert await scene.sees(at(scene.colleague, OVER + 30 * DAY - TICK))
    assert not await scene.sees(at(scene.colleague, OVER + 30 * DAY))


async def test_who_took_part_looks_back_for_six_months_and_says_so(scene):
    later = OVER + 60 * DAY
    assert await scene.sees(at(following_up(scene.treated), later))
    assert await basis_of_the_last_look(scene) == BASIS_NUMBERS["own-follow-up"]
    assert not await scene.sees(at(scene.treated, later))
    assert not await scene.sees(at(following_up(scene.colleague), later))
    over = OVER.replace(year=2027, month=5)
    assert await scene.sees(at(following_up(scene.treated), over - TICK))
    assert not await scene.sees(at(following_up(scene.treated), over))


async def test_nobody_writes_by_looking_back(scene):
    ask = at(following_up(scene.treated), OVER + 60 * DAY)
    note = {
        "resourceType": "Observation", "status": "final", "code": {"text": "later"},
        "subject": {"reference": f"Patient/{scene.patient}"},
    }  # fmt: skip
    with pytest.raises(HelhedError):
        await scene.world.put(ask, note)
    await scene.world.put(at(scene.colleague, OVER), note)  # a letter is written when the patient has gone home


async def test_a_block_holds_for_both(scene):
    await Blocks(scene.world.store.pool).put(
        scene.world.citizen(scene.patient), Shape(who_organisation=key_of(scene.ward))
    )
    assert not await scene.sees(at(scene.colleague, OVER))
    assert not await scene.sees(at(following_up(scene.treated), OVER + 60 * DAY))


async def test_a_contact_that_was_entered_in_error_permits_nothing_any_more(scene):
    assert await scene.sees(at(scene.colleague, OVER))
    await scene.world.change(
        at(scene.world.system(scene.ward), OVER), scene.contact,
        {
            "resourceType": "Encounter", "status": "entered-in-error", "subject": {"reference": f"Patient/{scene.patient}"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        },
    )  # fmt: skip
    assert not await scene.sees(at(scene.colleague, OVER))


async def test_another_organisation_cannot_enter_a_contact_for_the_ward(scene):
    other = await scene.world.organisation("Another")
    person = await scene.world.patient(other)
    row = await scene.world.observation(person, other)
    await scene.world.put(
        scene.world.system(other),
        {
            "resourceType": "Encounter", "status": "finished", "subject": {"reference": f"Patient/{person}"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "serviceProvider": {"reference": f"Organization/{scene.ward}"}, "period": {"end": ENDED},
        },
    )  # fmt: skip
    with pytest.raises(Unknown):
        await scene.world.store.read(at(scene.colleague, OVER), "Observation", row)


async def test_class_c_does_not_renew_itself(scene):
    """Who sees because a contact is over records another that is over: that counts no days anew. An open one does: the patient came."""
    later = at(scene.colleague, NOW + 20 * DAY)
    ended = {"status": "finished", "period": {"start": "2026-12-13", "end": "2026-12-13T08:00:00Z"}}
    another = await scene.world.put(later, _contact_of(scene, **ended))
    assert await scene.sees(at(scene.colleague, OVER + 30 * DAY - TICK))
    assert not await scene.sees(at(scene.colleague, OVER + 30 * DAY))
    await scene.world.change(later, another, {**_contact_of(scene, **ended), "id": str(another)}, if_match=1)
    assert not await scene.sees(at(scene.colleague, OVER + 30 * DAY))
    await scene.world.put(later, _contact_of(scene, status="in-progress", period={"start": "2026-12-13"}))
    assert await scene.sees(at(scene.colleague, OVER + 40 * DAY))


def _contact_of(scene: Scene, **more):
    return {
        "resourceType": "Encounter",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{scene.patient}"},
        "serviceProvider": {"reference": f"Organization/{scene.ward}"},
        **more,
    }
