"""The network tells the municipality that has a citizen what becomes of their stay at a hospital: by itself, once, in order."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.notifying import Notifier
from helhed.exchange.messages.stays import LEAVE, State
from helhed.foundation.clock import system_clock
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR, GLN, REPLACEMENT_CPR, SOR
from helhed.trust.background import ordering_system
from tests.support.world import NOW
from tests.unit.exchange.letters import NUMBER, Post, stay, unit
from tests.unit.exchange.test_messages import send

pytestmark = pytest.mark.asyncio
START = (NOW - timedelta(hours=2)).isoformat()
HOME_CARE, OTHER_TOWN = "1000016000031", "1000016000032"


class Scene:
    """A hospital, a municipality whose home care has a citizen, and a second municipality that has not."""

    def __init__(self, post: Post, care: UUID, notifier: Notifier) -> None:
        self.post, self.world, self.care, self.notifier = post, post.world, care, notifier

    @classmethod
    async def opened(cls, world: Any) -> "Scene":
        post = await Post.opened(world)
        kind = {"type": [{"text": "Kommune"}]}
        town = await unit(world, "By Kommune", "1000016000030", **kind)
        care = await world.organisation("Hjemmepleje", part_of=town)
        numbers = [{"system": SOR, "value": HOME_CARE}, {"system": GLN, "value": "5790000121212"}]
        place = {"resourceType": "Organization", "name": "Hjemmepleje", "identifier": numbers}
        above = {"partOf": {"reference": f"Organization/{town}"}}
        await world.change(world.system(town), care, {**place, "id": str(care), **above})
        await unit(world, "Anden Kommune", OTHER_TOWN, **kind)
        await world.owner.execute("update registries.unit_fact set valid_from = '2020-01-01'")
        await world.contact(post.patient, care)
        return cls(post, care, Notifier(world.store, lambda: NOW, ordering_system))

    async def admit(self, status: str = "in-progress", **more: Any) -> UUID:
        """The hospital stores a stay."""
        return await self.world.put(self.world.system(self.post.hospital), self.encounter(status, **more))

    async def becomes(self, stay_id: UUID, status: str, **more: Any) -> None:
        """The hospital stores how it stands."""
        await self.world.change(
            self.world.system(self.post.hospital), stay_id, {**self.encounter(status, **more), "id": str(stay_id)}
        )

    def encounter(self, status: str, **more: Any) -> dict[str, Any]:
        """As the hospital has it: with more than a municipality is told."""
        period = {"start": START, **more.pop("period", {})}
        return {
            "resourceType": "Encounter", "status": status, "period": period, "reasonCode": [{"text": "Brystsmerter"}],
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": more.pop("kind", "IMP")},
            "subject": {"reference": f"Patient/{self.post.patient}"},
            "serviceProvider": {"reference": f"Organization/{self.post.hospital}"}, **more,
        }  # fmt: skip

    async def sent(self) -> list[Any]:
        """All that was sent of stays, in order, after the network has told what it has to tell."""
        await self.notifier.round()
        return await self.world.owner.fetch(
            "select * from exchange.message where type = 'hospital-notification-message' order by number"
        )

    async def activities(self) -> list[tuple[str, str]]:
        return [(row["activity"], row["code"]) for row in await self.sent()]

    async def problems(self) -> list[str]:
        """Why nobody was told."""
        await self.notifier.round()
        rows = await self.world.owner.fetch(
            "select problem from exchange.stay_change where done_at is not null order by number"
        )
        return [row["problem"] for row in rows if row["problem"]]


@pytest.fixture
async def scene(world):
    """Everybody in place."""
    return await Scene.opened(world)


def part(body: bytes, kind: str) -> Any:
    """The first resource of a type in a message."""
    return next(one["resource"] for one in orjson.loads(body)["entry"] if one["resource"]["resourceType"] == kind)


async def test_a_stay_that_cannot_be_told_of_waits_and_hinders_no_other(scene, monkeypatch):
    first, second = await scene.admit(), await scene.admit()
    real = State.of

    def fails(said):
        if not done:
            done.append(said)
            raise KeyError("x")
        return real(said)

    done: list[Any] = []
    monkeypatch.setattr(State, "of", fails)
    scene.notifier.clock = system_clock  # the database goes by its own, and so waits until then
    (message,) = await scene.sent()
    assert part(message["body"], "Encounter")["id"] == str(second)
    waits = await scene.world.owner.fetch("select stay, problem from exchange.stay_change where done_at is null")
    assert [tuple(row) for row in waits] == [(first, "It could not be told of.")]


async def test_an_admission_is_told_to_the_unit_that_has_the_citizen_and_asks_for_its_report(scene):
    own = await scene.admit()
    (message,) = await scene.sent()
    assert (message["activity"], message["code"]) == ("admit-inpatient", "ok")
    assert (message["sender"], message["receiver"]) == (key_of(scene.post.hospital), key_of(scene.care))
    told = part(message["body"], "Encounter")
    assert (told["id"], told["status"], told["period"]) == (str(own), "in-progress", {"start": START})
    assert part(message["body"], "Patient")["identifier"] == [{"system": CPR, "value": NUMBER}]
    nurse = scene.world.professional(await scene.world.employee(scene.care), scene.care)
    (found,) = (await scene.world.search(nurse, f"Task?patient=Patient/{scene.post.patient}")).matches
    task = orjson.loads(found.body)
    assert task["code"]["coding"][0]["code"] == "admission-report"
    assert (task["focus"], task["owner"]) == (
        {"reference": f"Encounter/{own}"},
        {"reference": f"Organization/{scene.care}"},
    )


async def test_it_says_no_more_than_the_standard_asks_and_leaves_the_record_as_it_is(scene):
    own = await scene.admit()
    (message,) = await scene.sent()
    for hidden in (b"Brystsmerter", b"address", b"telecom", b"reasonCode"):
        assert hidden not in message["body"]
    stored = await scene.world.store.read(scene.world.citizen(scene.post.patient), "Encounter", own)
    assert b"Brystsmerter" in stored.body
    assert (
        await scene.world.owner.fetchval(
            "select count(*) from fhir.resource where type = (select type from fhir.resource where id = $1)", own
        )
        == 2
    )


async def test_a_whole_stay_is_told_once_for_each_change_and_in_order(scene):
    own = await scene.admit()
    began, ended = NOW.isoformat(), (NOW + timedelta(hours=3)).isoformat()
    left, back = ({"url": LEAVE, "valuePeriod": one} for one in ({"start": began}, {"start": began, "end": ended}))
    await scene.becomes(own, "onleave", extension=[left])
    await scene.becomes(own, "in-progress", extension=[back])
    await scene.becomes(own, "in-progress", extension=[back], priority={"text": "ikke noget nyt"})
    await scene.becomes(own, "finished", extension=[back], period={"end": (NOW + timedelta(hours=4)).isoformat()})
    wanted = ["admit-inpatient", "start-leave-inpatient", "end-leave-inpatient", "discharge-inpatient-home"]
    assert await scene.activities() == [(one, "ok") for one in wanted]
    assert await scene.notifier.round() == 0
    last = (await scene.sent())[-1]
    chain = [
        one["resource"]
        for one in orjson.loads(last["body"])["entry"]
        if one["resource"]["resourceType"] == "Provenance"
    ]
    assert len(chain) == len(wanted)
    assert part(last["body"], "Encounter")["period"]["end"]


async def test_what_never_was_is_taken_back_from_whoever_was_told_even_if_they_have_the_citizen_no_longer(scene):
    own = await scene.admit()
    await scene.sent()
    await scene.world.owner.execute("delete from trust.relation where organisation = $1", key_of(scene.care))
    await scene.becomes(own, "entered-in-error")
    assert await scene.activities() == [("admit-inpatient", "ok"), ("cancel-admit-inpatient", "ok")]
    assert part((await scene.sent())[-1]["body"], "Encounter")["status"] == "entered-in-error"


async def test_a_stay_that_is_deleted_is_taken_back(scene):
    own = await scene.admit()
    await scene.sent()
    await scene.world.delete(scene.world.system(scene.post.hospital), "Encounter", own)
    assert [one for one, _ in await scene.activities()] == ["admit-inpatient", "cancel-admit-inpatient"]


async def test_a_death_is_told_as_a_death(scene):
    own = await scene.admit()
    gone = {"dischargeDisposition": {"coding": [{"code": "exp"}]}}
    await scene.becomes(own, "finished", hospitalization=gone, period={"end": NOW.isoformat()})
    first, last = await scene.sent()
    assert (last["activity"], part(last["body"], "Patient")["deceasedBoolean"]) == ("admit-inpatient", True)
    assert "deceasedBoolean" not in part(first["body"], "Patient")
    assert "extension" not in part(last["body"], "MessageHeader")  # no report is asked for about the dead


async def test_who_was_registered_as_dead_is_not_admitted(scene):
    await scene.world.owner.execute("update registries.citizen set deceased = true")
    await scene.admit()
    assert await scene.activities() == []
    assert await scene.problems() == ["The citizen was registered as dead before."]


async def test_nobody_is_told_who_has_not_the_citizen(scene):
    await scene.world.owner.execute("delete from trust.relation where organisation = $1", key_of(scene.care))
    await scene.admit()
    assert await scene.sent() == []


async def test_a_municipality_whom_the_citizen_blocks_is_told_nothing_and_nobody_learns_why(scene):
    await scene.world.block(scene.post.patient, who=scene.care)
    own = await scene.admit()
    assert await scene.sent() == []
    assert await scene.world.owner.fetchval("select count(*) from exchange.parked") == 0
    assert await scene.problems() == []
    assert own


async def test_a_block_during_the_stay_holds_from_the_next_change_on(scene):
    own = await scene.admit()
    await scene.sent()
    await scene.world.block(scene.post.patient, what=scene.post.hospital, who=scene.care)
    await scene.becomes(own, "finished", period={"end": NOW.isoformat()})
    assert await scene.activities() == [("admit-inpatient", "ok")]


async def test_a_person_without_a_cpr_number_is_told_of_to_nobody(scene):
    other = await scene.world.patient(
        scene.post.hospital, identifier=[{"system": REPLACEMENT_CPR, "value": "010170UUA1"}]
    )
    await scene.world.contact(other, scene.care)
    await scene.world.put(
        scene.world.system(scene.post.hospital),
        {**scene.encounter("in-progress"), "subject": {"reference": f"Patient/{other}"}},
    )
    assert await scene.sent() == []
    assert await scene.problems() == ["The citizen has no CPR number: municipalities are told of no others."]


async def test_what_the_hospitals_own_system_tells_is_not_told_a_second_time(scene):
    assert (await send(scene.post, stay("admit-inpatient", "in-progress", receiver=HOME_CARE)))[0] == 200
    assert [one["activity"] for one in await scene.sent()] == ["admit-inpatient"]
    hospital = key_of(scene.post.hospital)
    await Modes(scene.world.store).set(
        scene.world.system(scene.post.hospital), hospital, Mode.of("", "message", "queue", None)
    )
    await scene.admit()
    assert len(await scene.sent()) == 1


async def test_a_hospital_that_tells_itself_of_a_stay_it_stored_is_left_to_it(scene):
    own = await scene.admit()
    message = stay("admit-inpatient", "in-progress", receiver=HOME_CARE)
    message["entry"][2]["resource"]["id"] = str(own)
    message["entry"][2]["fullUrl"] = f"http://medcomfhir.dk/ig/Encounter/{own}"
    message["entry"][0]["resource"]["focus"][0]["reference"] = f"Encounter/{own}"
    status, answer = await send(scene.post, message)
    assert (status, answer["entry"][0]["resource"]["response"]["code"]) == (200, "ok")
    assert len(await scene.sent()) == 1
    stored = await scene.world.store.read(scene.world.citizen(scene.post.patient), "Encounter", own)
    assert b"Brystsmerter" in stored.body


async def test_an_old_stay_that_is_stored_late_is_no_news(scene):
    await scene.admit("finished", period={"end": NOW.isoformat()})
    await scene.admit(period={"start": "2025-01-01T10:00:00+01:00"})
    assert await scene.sent() == []


async def test_a_contact_that_is_no_stay_is_told_to_nobody(scene):
    await scene.admit(kind="AMB")
    assert await scene.notifier.round() == 0


@pytest.mark.parametrize(("mode", "copies"), [("shared", 0), ("message", 1), ("both", 1)])
async def test_the_receiver_gets_it_as_it_takes_messages(scene, mode, copies):
    care = key_of(scene.care)
    await Modes(scene.world.store).set(scene.world.system(scene.care), care, Mode.of("", mode, "queue", None))
    await scene.admit()
    assert await scene.activities() == [("admit-inpatient", "ok")]
    assert await scene.world.owner.fetchval("select count(*) from exchange.delivery") == copies


async def test_two_who_tell_at_the_same_time_tell_once(scene):
    own = await scene.admit()
    await scene.becomes(own, "finished", period={"end": NOW.isoformat()})
    others = [Notifier(scene.world.store, lambda: NOW, ordering_system) for _ in range(3)]
    await asyncio.gather(*(one.round() for one in others))
    assert [one for one, _ in await scene.activities()] == ["admit-inpatient", "discharge-inpatient-home"]


async def test_a_change_that_was_told_and_not_noted_as_told_is_not_told_twice(scene):
    await scene.admit()
    await scene.sent()
    await scene.world.owner.execute("update exchange.stay_change set done_at = null")
    assert await scene.activities() == [("admit-inpatient", "ok")]
    assert await scene.problems() == []


async def test_two_registrations_of_one_citizen_are_one_citizen(scene):
    other = await scene.world.patient(scene.post.hospital, identifier=[{"system": CPR, "value": "0202029996"}])
    keys = sorted([key_of(other), key_of(scene.post.patient)])
    for one in keys:
        await scene.world.owner.execute(
            "insert into fhir.key_set (key, keys, head) values ($1, $2, $3)", one, keys, key_of(scene.post.patient)
        )
    await scene.world.put(
        scene.world.system(scene.post.hospital),
        {**scene.encounter("in-progress"), "subject": {"reference": f"Patient/{other}"}},
    )
    (message,) = await scene.sent()
    assert part(message["body"], "Patient")["identifier"][0]["value"] == NUMBER


async def test_a_hospital_without_a_sor_code_is_named_as_the_reason(scene):
    bare = await scene.world.organisation("Uden nummer")
    encounter = {**scene.encounter("in-progress"), "serviceProvider": {"reference": f"Organization/{bare}"}}
    await scene.world.put(scene.world.system(bare), encounter)
    assert await scene.problems() == ["The hospital has no SOR code: nobody can be told in its name."]
