"""A copy goes where the address book says when it goes; what has no address says why, and whose move it is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.exchange.messages.delivering import Carrier, Deliveries
from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.writing import Writer
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.guarded import Reach
from helhed.foundation.ids import key_of
from helhed.registries.addressing import route
from helhed.registries.identifiers import GLN, SOR
from tests.support.world import NOW
from tests.unit.exchange.letters import CLINIC, Post
from tests.unit.exchange.listener import Listener
from tests.unit.exchange.test_following import sent, steps, system_of, tasks
from tests.unit.registries.test_address_book import endpoint

pytestmark = pytest.mark.asyncio
CARE = "care-communication-message"


@pytest.fixture
async def post(world):
    """Everybody in place; the clinic is sent copies, and leaves it to the address book where to."""
    post = await Post.opened(world)
    await Modes(world.store).set(world.system(post.clinic), key_of(post.clinic), Mode.of("", "both", "rest", None))
    return post


async def listed(post: Post, address: str, unit: UUID | None = None, **more: Any) -> UUID:
    """An endpoint of a unit, since long ago."""
    unit = unit or post.clinic
    return await post.world.put(
        post.world.system(unit), endpoint(unit, address, CARE, **{"period": {"start": "2020-01-01"}, **more})
    )


async def carried(post: Post, after: timedelta = timedelta(0)) -> dict[str, Any]:
    """The newest copy after a round."""
    await Carrier(post.world.store, lambda: NOW + after, system_of, Reach(loopback=True)).round()
    row = await post.world.owner.fetchrow("select * from exchange.delivery order by changed_at desc limit 1")
    assert row is not None
    return dict(row)


async def stuck(post: Post) -> list[tuple[str, str, int]]:
    """As the operators' page tells."""
    operator = Ask(ActorKind.PROFESSIONAL, key_of(await post.world.employee(post.hospital, "operator")), key_of(post.hospital), "operator", Purpose.OPERATIONS, "test", None, None, NOW, UUID(int=1))  # fmt: skip
    return [(one.organisation, one.reason, one.messages) for one in await Modes(post.world.store).stuck(operator)]


async def test_a_copy_goes_to_the_address_of_the_book_and_the_book_knows_the_last_delivery(post):
    async with Listener() as listener:
        own = await listed(post, listener.address)
        await sent(post)
        copy = await carried(post)
        assert len(listener.received) == 1
    assert (copy["state"], copy["endpoint"]) == ("acknowledged", own)
    found = await route(post.world.owner, key_of(post.clinic), CARE, NOW)
    assert found is not None
    assert (found.endpoint, found.delivered_at, found.deliveries) == (own, NOW, 1)


async def test_an_address_of_the_unit_above_holds_for_the_unit_beneath(post):
    async with Listener() as listener:
        ward = await post.world.organisation("Afdeling", part_of=post.clinic)
        place = {
            "resourceType": "Organization",
            "id": str(ward),
            "name": "Afdeling",
            "identifier": [{"system": SOR, "value": "1000016000077"}],
        }
        await post.world.change(
            post.world.system(post.clinic), ward, {**place, "partOf": {"reference": f"Organization/{post.clinic}"}}
        )
        await post.world.owner.execute(
            "update registries.unit_fact set valid_from = '2020-01-01' where unit = $1", key_of(ward)
        )
        await listed(post, listener.address)
        await sent(post, receiver="1000016000077")
        assert (await carried(post))["state"] == "acknowledged"


async def test_a_copy_without_an_address_waits_says_why_and_goes_when_there_is_one(post):
    await sent(post)
    copy = await carried(post)
    assert (copy["state"], copy["reason"], copy["attempts"]) == ("waiting", "no-address", 0)
    assert (await steps(post))[-1] == "no-address"
    assert await stuck(post) == [("Klinik", "no-address", 1)]
    async with Listener() as listener:
        await listed(post, listener.address)
        assert (await carried(post))["state"] == "waiting"  # it is looked at again in a while
        assert (await carried(post, timedelta(minutes=31)))["state"] == "acknowledged"
    assert await stuck(post) == []


async def test_what_has_no_address_for_a_day_is_its_senders_move(post):
    await sent(post)
    await carried(post)
    copy = await carried(post, timedelta(hours=25))
    assert (copy["state"], copy["reason"]) == ("given-up", "no-address")
    told = [
        one["description"] for one in await tasks(post) if one["code"]["coding"][0]["code"] == "undeliverable-message"
    ]
    assert told == ["Modtageren har ingen adresse til beskeder af den slags. Kontakt modtageren."]


async def test_an_address_that_has_ended_is_told_apart_from_one_that_never_was(post):
    await listed(post, "https://gammel.example", period={"start": "2020-01-01", "end": "2026-11-01"})
    await sent(post)
    assert (await carried(post))["reason"] == "address-ended"


async def test_a_receiver_that_was_closed_meanwhile_is_the_senders_move_at_once(post):
    async with Listener() as listener:
        await listed(post, listener.address)
        await sent(post)
        closed = {
            "resourceType": "Organization",
            "id": str(post.clinic),
            "name": "Klinik",
            "active": False,
            "identifier": [{"system": SOR, "value": CLINIC}],
        }
        await post.world.change(post.world.system(post.clinic), post.clinic, closed)
        for moved in (
            "delete from registries.unit_fact where unit = $1 and said ->> 'active' is distinct from 'false'",
            "update registries.unit_fact set valid_from = '2020-01-01' where unit = $1",  # the clock of the world stands
        ):
            await post.world.owner.execute(moved, key_of(post.clinic))
        copy = await carried(post)
        assert listener.received == []
    assert (copy["state"], copy["reason"]) == ("given-up", "unit-closed")
    assert any(one["description"].startswith("Modtageren er nedlagt") for one in await tasks(post))


async def test_an_address_that_moves_is_followed_from_the_next_attempt_on(post):
    own = await listed(post, "http://127.0.0.1:9/")
    await sent(post)
    assert (await carried(post))["reason"] == "not-reached"
    assert await stuck(post) == [("Klinik", "not-reached", 1)]
    async with Listener() as listener:
        fresh = endpoint(post.clinic, listener.address, CARE, period={"start": "2020-01-01"})
        await post.world.change(post.world.system(post.clinic), own, {**fresh, "id": str(own)})
        assert (await carried(post, timedelta(minutes=31)))["state"] == "acknowledged"


async def test_what_a_system_fetches_stands_in_the_address_book_too(post):
    own = await listed(post, "https://klinik.example")
    await Modes(post.world.store).set(
        post.world.system(post.clinic), key_of(post.clinic), Mode.of("", "both", "queue", None)
    )
    message = await sent(post)
    deliveries = Deliveries(post.world.store)
    await deliveries.hand_over(post.world.system(post.clinic))
    header = message["entry"][0]["resource"]["id"]
    assert await deliveries.answered(post.world.system(post.clinic), header, "", "ok", "") == "acknowledged"
    assert await deliveries.answered(post.world.system(post.clinic), header, "", "ok", "") == "again"
    found = await route(post.world.owner, key_of(post.clinic), CARE, NOW)
    assert found is not None
    assert (found.endpoint, found.deliveries) == (own, 1)


async def test_who_is_written_to_is_addressed_by_their_own_location_number_or_none(post):
    place = {
        "resourceType": "Organization",
        "id": str(post.town),
        "name": "Kommune",
        "identifier": [{"system": GLN, "value": "5790000121212"}],
    }
    await post.world.change(post.world.system(post.town), post.town, place)
    await post.world.owner.execute(
        "update registries.unit_fact set valid_from = '2020-01-01' where unit = $1 and known_to = 'infinity'",
        key_of(post.town),
    )
    found = await Writer(post.world.store).units([key_of(post.town), key_of(post.clinic)])
    assert [found[key_of(one)].gln for one in (post.town, post.clinic)] == ["5790000121212", None]
