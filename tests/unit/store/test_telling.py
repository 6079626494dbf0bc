"""Somebody is told of what changes: in order, at least once, whatever happens to them or to us; and reached only where anybody may be."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from helhed.trust.subscriptions.delivering import Courier
from helhed.trust.subscriptions.shape import HEARTBEAT, MOST, bounds
from helhed.trust.subscriptions.store import Deliveries
from tests.support.door import SEAL, TERMS, Door
from tests.support.receiver import Receiver, value
from tests.support.subscribing import Post
from tests.unit.store.scene import Scene, entry, transaction


async def happen(scene: Scene, times: int = 1) -> list[str]:
    """Results of the citizen, one after another: their references."""
    return [f"Observation/{await scene.world.put(scene.custodian, scene.result())}" for _ in range(times)]


async def test_a_new_subscription_is_greeted_and_then_told_of_what_is_created_and_changed(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor, content="full-resource")
    (greeting,) = post.receiver.told("handshake")
    assert value(greeting, "status") == "requested"
    new = await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    await scene.world.change(scene.custodian, new, scene.result(new, status="amended"))
    await post.deliver()
    assert post.receiver.events() == [(1, f"Observation/{new}"), (2, f"Observation/{new}")]
    created, changed = (one["entry"][1] for one in post.receiver.told())
    assert (created["request"]["method"], created["resource"]["status"]) == ("POST", "final")
    assert (changed["request"]["method"], changed["resource"]["status"]) == ("PUT", "amended")


async def test_criteria_are_met_by_what_is_told_and_no_more_is_told_than_was_asked_for(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor, f"Observation?patient={scene.patient}&status=final", "empty")
    await scene.world.put(scene.custodian, scene.result(status="preliminary"))
    other = await scene.with_another()
    await scene.world.put(scene.custodian, other.result())
    await happen(scene)
    await post.deliver()
    assert post.receiver.events() == [(1, None)]
    (told,) = post.receiver.told()
    assert len(told["entry"]) == 1
    assert "Observation/" not in str(told)


async def test_much_is_told_in_parts_in_order(scene: Scene) -> None:
    post = Post(scene.world)
    few = [{"url": MOST, "valuePositiveInt": 2}]
    await post.subscribe(scene.doctor, channel={"extension": few})
    new = await happen(scene, 5)
    await post.deliver()
    assert post.receiver.events() == [*enumerate(new, 1)]
    assert [value(one, "events-since-subscription-start") for one in post.receiver.told()] == ["2", "4", "5"]


async def test_what_is_not_taken_comes_again_later_and_is_set_aside_in_the_end_and_nothing_is_lost(
    scene: Scene,
) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(scene.doctor)
    post.receiver.status = 500
    new = await happen(scene, 2)
    await post.deliver()
    tries = len(post.receiver.requests)
    await post.deliver()
    assert len(post.receiver.requests) == tries  # not before its time
    for _ in range(bounds().attempts):
        post.later += timedelta(seconds=bounds().longest_pause_seconds)
        await post.deliver()
    assert await post.state(scene.doctor, identifier) == ("error", "The endpoint answered 500.")
    assert len(post.receiver.requests) == tries + bounds().attempts - 1
    post.receiver.status = 200
    post.receiver.requests.clear()
    door = Door(scene.world, scene.doctor)
    _, resource = await door.get(f"/fhir/Subscription/{identifier}")
    await door.do("PUT", f"/fhir/Subscription/{identifier}", resource | {"status": "requested"})
    await post.deliver()
    assert post.receiver.events() == [*enumerate(new, 1)]
    assert (await post.state(scene.doctor, identifier))[0] == "active"


@pytest.mark.parametrize("moment", ["before it was sent", "before it was known to be taken"])
async def test_whoever_dies_on_the_way_leaves_it_to_the_next(scene: Scene, moment: str) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor)
    new = await happen(scene, 2)
    await post.waiting()
    dying = Courier(post.world.store.pool, post.now, SEAL, TERMS, post.receiver.guard)
    died = asyncio.Event()

    async def die() -> None:
        died.set()
        await asyncio.Event().wait()

    if moment == "before it was sent":
        dying._send = lambda *_: die()  # type: ignore[method-assign]
    else:
        post.receiver.on_request = die
    await dying.start()
    await died.wait()
    for task in [*dying._at_work.values()]:
        task.cancel()
    post.receiver.on_request = None
    post.receiver.requests.clear()
    await post.courier.once()
    assert post.receiver.events() == []  # somebody is at it, for all that is known
    post.later = timedelta(minutes=5)
    await post.courier.once()
    assert post.receiver.events() == [*enumerate(new, 1)]


async def test_silence_is_broken_as_often_as_was_asked_for(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor, channel={"extension": [{"url": HEARTBEAT, "valueUnsignedInt": 60}]})
    for minutes in (1, 2):
        post.later = timedelta(minutes=minutes)
        await post.deliver()
        await post.deliver()
        assert len(post.receiver.told("heartbeat")) == minutes


async def test_one_who_does_not_answer_keeps_nobody_else_waiting(scene: Scene) -> None:
    post = Post(scene.world)
    await post.subscribe(scene.doctor)
    await post.subscribe(scene.gp, channel={"endpoint": "https://slow.example/"})
    silence, reached = asyncio.Event(), asyncio.Event()
    quick = Receiver()

    async def never() -> None:
        reached.set()
        await silence.wait()

    post.receiver.on_request = never
    await happen(scene)
    await post.waiting()
    by_name = post.receiver.guard

    async def connect(url: str, reach: Any) -> Any:
        return await (by_name if "slow" in url else quick.guard).connect(url, reach)

    post.courier.guard.connect = connect  # type: ignore[method-assign]
    await post.courier.start()
    await reached.wait()
    while not quick.events():
        await asyncio.sleep(0)
    silence.set()
    await post.courier.settle()
    assert len(quick.events()) == 1


async def test_an_endpoint_is_reached_only_at_addresses_of_anybody_and_never_where_it_redirects(scene: Scene) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(scene.doctor)
    connected = len(post.receiver.connected)
    await happen(scene)
    for address in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1"):  # a name that changes its mind
        post.receiver.address = address
        post.later += timedelta(hours=1)
        await post.deliver()
    assert len(post.receiver.connected) == connected
    assert (await post.state(scene.doctor, identifier))[1] == "The endpoint was not reached."
    post.receiver.address, post.receiver.status, post.later = "93.184.215.14", 302, post.later + timedelta(hours=1)
    await post.deliver()
    assert (await post.state(scene.doctor, identifier))[1] == "The endpoint answered 302."
    assert len(post.receiver.connected) == connected + 1


async def test_what_is_old_is_forgotten_and_what_nobody_follows_is_not_kept(scene: Scene) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(scene.doctor)
    await happen(scene)
    await scene.world.put(scene.custodian, {"resourceType": "Practitioner"})  # nobody follows these
    await post.deliver()
    assert await scene.world.owner.fetchval("select count(*) from fhir.change") == 1
    door = Door(scene.world, scene.doctor)
    await door.do("DELETE", f"/fhir/Subscription/{identifier}")
    await post.courier._rows.forget(post.now())
    counts = [await scene.world.owner.fetchval(f"select count(*) from {table}") for table in ("fhir.change", "fhir.followed", "trust.subscription_event")]  # fmt: skip
    assert counts == [0, 0, 0]


async def test_a_large_transaction_is_told_whole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helhed.fhir.store.announcing._MOST_ANNOUNCED", 2)
    post = Post(scene.world)
    await post.subscribe(scene.doctor)
    await transaction(scene.world, scene.custodian, *(entry("POST", "Observation", scene.result()) for _ in range(5)))
    await post.deliver()
    assert [number for number, _ in post.receiver.events()] == [1, 2, 3, 4, 5]


async def test_whoever_answers_slowly_at_many_endpoints_takes_no_more_than_their_share(scene: Scene) -> None:
    post, share = Post(scene.world), bounds().at_once_of_one_owner
    theirs = [
        await post.subscribe(scene.doctor, channel={"endpoint": f"https://slow{number}.example/"})
        for number in range(share + 2)
    ]
    other = await post.subscribe(scene.gp)
    await happen(scene)
    await post.waiting()
    rows, minute = Deliveries(scene.world.store.pool, demo=TERMS.demo), timedelta(minutes=1)
    claimed = {one.id for one in await rows.claim(post.now(), 32, minute)}
    assert other in claimed
    assert len(claimed & {*theirs}) == share
    assert await rows.claim(post.now(), 32, minute) == []
    await rows.taken(next(one for one in theirs if one in claimed), post.now(), timedelta(days=-1))
    assert len(await rows.claim(post.now(), 32, minute)) == 1
