"""What stands beside the record obeys as it does: paper for the dead, apps of the dead, and what is chosen and looked at, in the log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR
from helhed.trust.feeds import Feeds
from helhed.trust.log.ways import Ways
from tests.support.world import NOW
from tests.unit.acting.doors import Doors
from tests.unit.acting.town import HELP, a_town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def dies(doors: Doors, place: UUID, citizen: UUID, *, dead: bool = True) -> None:
    """As the register says; ``dead=False`` corrects it."""
    given, _, family = doors.names[citizen].rpartition(" ")
    body: dict[str, Any] = {
        "resourceType": "Patient", "name": [{"family": family, "given": given.split()}], "birthDate": "1942-04-02",
        "identifier": [{"system": CPR, "value": doors.numbers[citizen]}], **({"deceasedBoolean": True} if dead else {}),
    }  # fmt: skip
    await doors.world.change(doors.world.system(place), citizen, body)


async def test_a_letter_to_the_dead_is_neither_shown_nor_printed_nor_sent_until_the_death_turns_out_to_be_wrong(
    doors: Doors,
) -> None:
    town = await a_town(doors)
    clerk, _, help = await town.helping()
    await clerk.post(f"{help}/log")
    letter = clerk.address
    assert "Ane Test Birk" in clerk.text
    await dies(doors, town.clinic, town.ane)
    assert "Ane" not in (await clerk.get(HELP)).text
    for path in (letter, help):
        await clerk.get(path)
        assert (clerk.status, "Ane" in clerk.text) == (404, False)
    await clerk.get(HELP)
    for act in ("udskrevet", "sendt"):
        await clerk.post(f"{letter}/{act}")
        assert clerk.status == 404
    assert {row["permitted"] for row in (await doors.log_of(town.ane))[-1:]} == {False}
    await dies(doors, town.clinic, town.ane, dead=False)
    assert "Ane" in (await clerk.get(letter)).text


async def test_an_app_of_the_dead_gets_nothing_new_and_keeps_its_place_when_the_death_was_wrong(doors: Doors) -> None:
    town = await a_town(doors)
    owner, digest = doors.world.owner, b"d" * 32
    await owner.execute(
        "insert into trust.client (id, name, profile, kind, redirect_uris, scope, bound, registered_at) "
        "values ('test-app', 'App', 'smart', 'public', '{}', 'patient/*.rs', false, $1)",
        NOW,
    )
    allowed = await owner.fetchval(
        "insert into trust.authorisation (id, client, kind, actor, role, scope, acr, amr, authenticated_at, begun_at, used_at, valid_to) "
        "values (gen_random_uuid(), 'test-app', 1, $1, '', 'patient/*.rs', '', '{}', $2, $2, $2, $3) returning id",
        key_of(town.ane), NOW - timedelta(days=1), NOW + timedelta(days=9),
    )  # fmt: skip
    await owner.execute(
        "insert into trust.refresh_token values ($1, $2, 'key', $3, null)", digest, allowed, NOW + timedelta(days=9)
    )

    async def rotated(new: bytes) -> bool:
        row = await owner.fetchrow(
            "select * from trust.rotate_refresh_token($1, $2, 'test-app', 'key', $3)", digest, new, NOW
        )
        return row is not None

    await dies(doors, town.clinic, town.ane)
    assert [await rotated(b"e" * 32), await rotated(b"e" * 32)] == [False, False]
    assert await owner.fetchrow("select * from trust.refresh_token_of($1, 'test-app', $2)", digest, NOW) is None
    await dies(doors, town.clinic, town.ane, dead=False)
    assert await rotated(b"e" * 32)


async def test_who_looks_at_links_to_the_calendar_of_another_stands_in_their_log_and_no_name_without_a_basis(
    doors: Doors,
) -> None:
    town = await a_town(doors)
    world = doors.world
    await world.owner.execute(
        "insert into trust.acting (id, citizen, actor, basis, scopes, obeys_blocks, valid_from, valid_to) "
        "values (gen_random_uuid(), $1, $2, 10, '{all}', false, $3, 'infinity')",
        key_of(town.ane), key_of(town.friend), NOW - timedelta(days=1),
    )  # fmt: skip
    friend, feeds = world.citizen(town.friend), Feeds(world.store.pool)
    await feeds.make(friend, key_of(town.ane), "time", "da")
    (link,) = await feeds.own(friend)
    assert link.other_name == "Ane Test Birk"
    told = (await doors.log_of(town.ane))[-1]
    assert (told["action"], told["actor"], told["permitted"]) == (226, key_of(town.friend), True)
    await world.owner.execute("update trust.acting set valid_to = $2 where citizen = $1", key_of(town.ane), NOW)
    (link,) = await feeds.own(friend)
    assert link.other_name == ""
    assert not (await doors.log_of(town.ane))[-1]["permitted"]
    browser = await doors.citizen(town.ane)
    assert "links til dine aftaler" in (await browser.get("/borger/log")).text


async def test_a_way_that_is_chosen_or_left_stands_in_ones_log_in_words(doors: Doors) -> None:
    town = await a_town(doors)
    ways, own = Ways(doors.world.store.pool, None, letters=True), doors.world.citizen(town.ane)
    for wanted in (True, False):
        await ways.want_letters(own, wanted=wanted)
    assert [row["action"] for row in await doors.log_of(town.ane)][-2:] == [225, 225]
    browser = await doors.citizen(town.ane)
    assert "hvordan du får besked" in (await browser.get("/borger/log")).text
