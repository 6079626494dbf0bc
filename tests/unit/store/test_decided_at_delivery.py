"""Invariant 24: a subscription decides again at delivery. What changed between an event and its telling counts at the telling."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.trust.projections import ROLE_SYSTEM
from tests.support.door import Door
from tests.support.subscribing import Post
from tests.unit.store import test_revocation as ends
from tests.unit.store.scene import Scene

Change = Callable[[Scene, Post], Awaitable[None]]


def _of_the_scene(end: Callable[[Scene], Awaitable[None]]) -> Change:
    async def changed(scene: Scene, post: Post) -> None:
        await end(scene)

    changed.__name__ = end.__name__
    return changed


async def dismiss(scene: Scene, post: Post) -> None:
    await scene.world.owner.execute("update trust.employment set valid_to = $1 where professional = $2", post.now(), scene.doctor.actor)  # fmt: skip


async def delete_what_happened(scene: Scene, post: Post) -> None:
    for row in await scene.world.owner.fetch("select id from fhir.change"):
        await scene.world.delete(scene.custodian, "Observation", row["id"])


async def retire_the_app(scene: Scene, post: Post) -> None:
    await scene.world.owner.execute("update trust.client set ended_at = $1", post.now())


async def take_back_what_the_app_was_allowed(scene: Scene, post: Post) -> None:
    await scene.world.owner.execute("update trust.authorisation set ended_at = $1", post.now())


async def let_it_come_to_its_end(scene: Scene, post: Post) -> None:
    await scene.world.owner.execute("update trust.subscription set ends_at = $1", post.now())


async def narrow_the_role(scene: Scene, post: Post) -> None:
    await scene.world.owner.execute("update trust.role set read_types = '{}' where role = 'doctor'")


CHANGES: list[Change] = [
    *map(_of_the_scene, (ends.finish, ends.block_everybody, ends.block_what_the_hospital_wrote)), dismiss, delete_what_happened,
    retire_the_app, take_back_what_the_app_was_allowed, let_it_come_to_its_end, narrow_the_role,
]  # fmt: skip


async def allowed(scene: Scene) -> Any:
    """The doctor by an app that they allowed something: the ask of its token."""
    family = uuid4()
    doctor = scene.doctor
    await scene.world.owner.execute(
        "insert into trust.client (id, name, profile, kind, redirect_uris, scope, bound, registered_at) values ('app', 'App', 'smart', 'public', '{}', '', false, $1)", doctor.at - timedelta(days=1))  # fmt: skip
    await scene.world.owner.execute(
        "insert into trust.authorisation (id, client, kind, actor, organisation, role, scope, acr, amr, authenticated_at, begun_at, used_at, valid_to) "
        "values ($1, 'app', 2, $2, $3, 'doctor', '', '', '{}', $4, $4, $4, $5)",
        family, doctor.actor, doctor.organisation, doctor.at, doctor.at + timedelta(days=9))  # fmt: skip
    return replace(doctor, client="app", allowance=family)


async def delivered(scene: Scene) -> int:
    """How many rows of the citizen's log say that something was delivered."""
    found = await scene.world.owner.fetchval(
        "select count(*) from foundation.access_log where action = $1 and citizen = $2", int(Action.NOTIFY), key_of(scene.patient))  # fmt: skip
    return int(found or 0)


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_what_changed_since_it_happened_counts_when_it_is_told(scene: Scene, change: Change) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(await allowed(scene), content="full-resource")
    await scene.world.put(scene.custodian, scene.result())
    await post.waiting()
    greeted = len(post.receiver.connected)
    await change(scene, post)
    await post.deliver()
    assert post.receiver.events() == []
    assert len(post.receiver.connected) == greeted  # not even a connection tells of it
    assert await delivered(scene) == 0
    numbers = await scene.world.owner.fetchval("select told from trust.subscription where id = $1", identifier)
    assert numbers == 0


async def test_what_nothing_changed_for_is_told_and_stands_in_the_citizens_log_before_it_leaves(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(await allowed(scene))
    logged: list[int] = []

    async def look() -> None:
        logged.append(await delivered(scene))

    post.receiver.on_request = look
    await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    assert len(post.receiver.events()) == 1
    assert logged == [1]


async def test_a_no_that_is_said_while_the_endpoint_is_being_reached_holds(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor)
    await scene.world.put(scene.custodian, scene.result())
    post.receiver.on_connect = lambda: ends.block_everybody(scene)
    await post.deliver()
    assert post.receiver.events() == []
    assert len(post.receiver.told("heartbeat")) == 1


async def test_what_was_sent_in_vain_is_decided_again_before_it_is_sent_again(scene: Scene) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(scene.doctor)
    post.receiver.status = 503
    await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    assert len(post.receiver.events()) == 1
    await ends.block_everybody(scene)
    connected = len(post.receiver.connected)
    post.receiver.status, post.later = 200, timedelta(hours=1)
    await post.deliver()
    assert len(post.receiver.events()) == 1
    assert len(post.receiver.connected) == connected
    status, again = await Door(scene.world, replace(scene.doctor, at=post.now())).get(
        f"/fhir/Subscription/{identifier}/$events"
    )
    assert (status, len(again["entry"])) == (200, 1)


async def test_what_is_hidden_leaves_no_gap_in_the_numbers(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor)
    other = await scene.with_another()
    first = await scene.world.put(scene.custodian, scene.result())
    await scene.world.put(scene.custodian, other.result())
    last = await scene.world.put(scene.custodian, scene.result())
    await ends.block_everybody(other)
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{first}"), (2, f"Observation/{last}")]


async def test_somebody_who_works_again_is_told_of_what_happens_then(scene: Scene) -> None:
    post = Post(scene.world)
    somebody, job, own = await scene.employed(scene.ward, "doctor")
    assert job["code"][0]["coding"][0]["system"] == ROLE_SYSTEM
    identifier = await post.subscribe(somebody)
    await scene.world.delete(scene.custodian, "PractitionerRole", own)
    await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    assert post.receiver.events() == []
    off = await scene.world.owner.fetchrow("select status, error from trust.subscription where id = $1", identifier)
    assert off is not None
    assert tuple(off) == ("off", "Its owner is not at work there any more.")


async def test_a_citizen_is_not_told_of_what_was_masked_from_them_since(scene: Scene) -> None:
    post = Post(scene.world)
    citizen = replace(scene.citizen, write_types=None)
    await post.subscribe(citizen)
    hidden = await scene.world.put(scene.custodian, scene.result())
    await post.waiting()
    await scene.world.owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to) values ($1, $2, $3, true, '-infinity', 'infinity')",
        uuid4(), key_of(scene.patient), hidden)  # fmt: skip
    shown = await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{shown}")]


async def test_an_app_that_was_opened_for_one_patient_is_told_of_that_patient_alone(scene: Scene) -> None:
    post, world = Post(scene.world), scene.world
    ask = await allowed(scene)
    await world.owner.execute("update trust.authorisation set patient = $1", scene.patient)
    await post.subscribe(replace(ask, for_one=True))
    other = await world.patient(scene.hospital)
    await world.contact(other, scene.hospital)
    theirs = await world.observation(other, scene.hospital)
    assert (await world.store.read(scene.doctor, "Observation", theirs)).id == theirs
    await post.deliver()
    assert post.receiver.events() == []
    await world.put(scene.custodian, scene.result())
    await post.deliver()
    assert len(post.receiver.events()) == 1
    await retire_the_app(scene, post)
    await world.put(scene.custodian, scene.result())
    await post.deliver()
    assert len(post.receiver.events()) == 1
