"""Notices by e-mail and by letter: chosen, confirmed, once, quiet on failure, and without a word of what they are about."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.trust.log.carrying import Carrier
from helhed.trust.log.channels import Email, LetterBox
from helhed.trust.log.ways import Ways
from tests.support.mail import Catcher, caught
from tests.support.pages import Pages
from tests.support.world import NOW, World
from tests.unit.store.scene import Scene

URL = "https://helhed.example"


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    async with caught() as found:
        yield found


class Post:
    """A citizen with notices, and the ways they go."""

    def __init__(self, scene: Scene, catcher: Catcher, folder: Path) -> None:
        self.scene, self.catcher, self.folder = scene, catcher, folder
        self.email = Email("127.0.0.1", catcher.port, "", "", "helhed@helhed.example", False, URL)
        self.letters = LetterBox(folder, URL)
        self.pool = scene.world.store.pool
        self.ways = Ways(self.pool, self.email, letters=True)
        self.carrier = Carrier(self.pool, [self.email, self.letters])

    async def told(self, kind: str = "work-overdue", minutes: int = 1):
        return await self.scene.world.owner.fetchval(
            "insert into trust.notice (citizen, at, kind, about) values ($1, $2, $3, gen_random_uuid()) returning id",
            key_of(self.scene.patient), NOW + timedelta(minutes=minutes), kind,
        )  # fmt: skip

    async def with_email(self) -> None:
        await self.ways.want_email(self.scene.citizen, "jens@example.dk")
        (code,) = re.findall(r"kode er (\d{8})", self.catcher.messages.pop())
        assert await self.ways.confirm_email(self.scene.citizen, code)

    async def states(self) -> list[tuple[str, str, int]]:
        rows = await self.scene.world.owner.fetch(
            "select way, state, attempts from trust.notice_delivery order by at, way"
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def post(world: World, catcher: Catcher, tmp_path: Path) -> Post:
    return Post(await Scene(world).set(), catcher, tmp_path / "post")


async def test_an_address_is_used_once_its_code_has_come_back(post: Post) -> None:
    await post.ways.want_email(post.scene.citizen, "jens@example.dk")
    await post.told()
    assert await post.carrier.round(NOW + timedelta(minutes=2)) == 0
    assert not await post.ways.confirm_email(post.scene.citizen, "00000000")
    (code,) = re.findall(r"kode er (\d{8})", post.catcher.messages.pop())
    assert await post.ways.confirm_email(post.scene.citizen, code)
    assert [one.confirmed for one in await post.ways.of(post.scene.citizen)] == [True]
    assert await post.carrier.round(NOW + timedelta(minutes=3)) == 1


async def test_a_code_is_not_guessed_by_trying(post: Post) -> None:
    await post.ways.want_email(post.scene.citizen, "jens@example.dk")
    (code,) = re.findall(r"kode er (\d{8})", post.catcher.messages.pop())
    for _ in range(5):
        assert not await post.ways.confirm_email(post.scene.citizen, "1")
    assert not await post.ways.confirm_email(post.scene.citizen, code)


async def test_it_is_said_once_and_says_nothing_of_health(post: Post) -> None:
    await post.with_email()
    notice = await post.told()
    for minutes in (2, 3, 30):
        await post.carrier.round(NOW + timedelta(minutes=minutes))
    (message,) = post.catcher.messages
    assert f"<{notice}@helhed.example>" in message
    assert URL in message
    assert not re.search(r"Ånæs|Afdeling|frist|forsink|late|overdue", message)
    assert await post.states() == [("email", "sent", 1)]


async def test_what_is_switched_off_or_older_than_the_choice_is_not_carried(post: Post) -> None:
    await post.told(minutes=-5)
    await post.with_email()
    await post.scene.world.owner.execute("insert into trust.notice_choice values ($1, 'work-overdue', false, $2)", key_of(post.scene.patient), NOW)  # fmt: skip
    await post.told()
    assert await post.carrier.round(NOW + timedelta(minutes=2)) == 0


async def test_a_mail_server_that_is_away_is_tried_again_later(post: Post) -> None:
    await post.with_email()
    await post.told()
    post.catcher.refusing = True
    assert await post.carrier.round(NOW + timedelta(minutes=2)) == 0
    assert await post.states() == [("email", "begun", 1)]
    post.catcher.refusing = False
    assert await post.carrier.round(NOW + timedelta(minutes=2, seconds=1)) == 0  # not yet
    assert await post.carrier.round(NOW + timedelta(minutes=10)) == 1
    assert await post.states() == [("email", "sent", 2)]


async def test_who_was_killed_while_carrying_is_followed_by_the_next_after_the_lease(post: Post) -> None:
    await post.with_email()
    await post.told()
    claim = "select trust.claim_notices($1, interval '5 minutes', '{email}', '{}', '{}', 10)"
    await post.scene.world.owner.execute(claim, NOW + timedelta(minutes=2))
    assert await post.carrier.round(NOW + timedelta(minutes=3)) == 0
    assert await post.carrier.round(NOW + timedelta(minutes=8)) == 1
    assert len(post.catcher.messages) == 1


async def test_two_workers_carry_each_notice_once(post: Post) -> None:
    await post.with_email()
    for _ in range(6):
        await post.told()
    when = NOW + timedelta(minutes=2)
    assert sum(await asyncio.gather(*(post.carrier.round(when) for _ in range(3)))) == 6
    assert len(post.catcher.messages) == 6


async def test_a_letter_is_a_file_in_the_shape_of_digital_post_and_its_receipt_is_kept(post: Post) -> None:
    await post.ways.want_letters(post.scene.citizen, wanted=True)
    await post.scene.world.owner.execute("update registries.citizen set cpr = '1403589995' where key = $1", key_of(post.scene.patient))  # fmt: skip
    notice = await post.told()
    assert await post.carrier.round(NOW + timedelta(minutes=2)) == 1
    written = (post.folder / f"{notice}.xml").read_text("utf-8")
    assert "<memo:recipientID>1403589995</memo:recipientID>" in written
    assert not re.search(r"Ånæs|Afdeling|forsink", written)
    receipts = post.folder / "kvitteringer"
    receipts.mkdir()
    (receipts / f"{notice}.txt").write_text("afleveret 23.11.2026", "utf-8")
    (receipts / "sludder.txt").write_text("x", "utf-8")
    await post.carrier.round(NOW + timedelta(minutes=3))
    assert await post.states() == [("letter", "delivered", 1)]


@pytest.mark.parametrize("address", ["", "jens", "jens@", "jens@example.dk\nBcc: x@y.dk", "a" * 260 + "@example.dk"])
async def test_what_is_no_address_is_refused(post: Post, address: str) -> None:
    with pytest.raises(Unprocessable):
        await post.ways.want_email(post.scene.citizen, address)
    assert post.catcher.messages == []


async def test_the_page_takes_an_address_its_code_and_letters_and_ends_them(post: Post) -> None:
    pages = Pages(post.scene.world)
    desk = replace(pages.ports.log_desk, ways=post.ways)
    pages.ports = replace(pages.ports, log_desk=desk)
    pages.app = build_portal_app(pages.ports)
    jens = await pages.person(post.scene.citizen)
    await jens.get("/borger/beskeder")
    assert "Send mig en kode" in jens.page
    await jens.post("/borger/beskeder/veje", hvad="email", adresse="jens")
    assert "ikke en e-mailadresse" in jens.page
    await jens.post("/borger/beskeder/veje", hvad="email", adresse="jens@example.dk")
    assert "Koden, som er sendt til jens@example.dk" in jens.page
    await jens.post("/borger/beskeder/veje", hvad="kode", kode="1")
    assert "Det var ikke koden" in jens.page
    (code,) = re.findall(r"kode er (\d{8})", post.catcher.messages.pop())
    await jens.post("/borger/beskeder/veje", hvad="kode", kode=code)
    assert "E-mail går til jens@example.dk" in jens.page
    await jens.post("/borger/beskeder/veje", hvad="brev")
    assert "Du får brev i Digital Post" in jens.page
    await jens.post("/borger/beskeder/veje", hvad="ingen-email")
    await jens.post("/borger/beskeder/veje", hvad="intet-brev")
    assert await post.ways.of(post.scene.citizen) == []


async def test_a_network_without_channels_says_so_and_takes_no_address(post: Post) -> None:
    jens = await Pages(post.scene.world).person(post.scene.citizen)
    assert "ikke sat op" in await jens.get("/borger/beskeder")
    await jens.post("/borger/beskeder/veje", hvad="email", adresse="jens@example.dk")
    assert (jens.status, post.catcher.messages) == (404, [])


async def test_no_more_codes_than_five_a_day_go_out_however_often_the_way_is_left_and_chosen(post: Post) -> None:
    for n in range(5):
        await post.ways.want_email(post.scene.citizen, f"nabo{n}@example.dk")
        await post.ways.end_email(post.scene.citizen)
    with pytest.raises(Overloaded):
        await post.ways.want_email(post.scene.citizen, "nabo@example.dk")
    assert len(post.catcher.messages) == 5
    assert await post.ways.of(post.scene.citizen) == []
    tomorrow = replace(post.scene.citizen, at=NOW + timedelta(days=1))
    await post.ways.want_email(tomorrow, "jens@example.dk")
    assert len(post.catcher.messages) == 6


async def test_what_waits_goes_to_no_address_that_was_not_confirmed_and_holds_nothing_up(post: Post) -> None:
    await post.with_email()
    await post.told()
    post.catcher.refusing = True
    assert await post.carrier.round(NOW + timedelta(minutes=2)) == 0
    post.catcher.refusing = False
    await post.ways.want_email(post.scene.citizen, "en.anden@example.dk")
    assert "kode er" in post.catcher.messages.pop()
    assert await post.carrier.round(NOW + timedelta(minutes=30)) == 0
    assert post.catcher.messages == []
    assert [(way, state) for way, state, _ in await post.states()] == [("email", "given-up")]


async def test_nothing_is_carried_to_the_dead(post: Post) -> None:
    """Neither what is new nor what waits to be tried again."""
    await post.with_email()
    post.catcher.refusing = True
    await post.told()
    await post.carrier.round(NOW + timedelta(minutes=2))
    assert [state for _, state, _ in await post.states()] == ["begun"]
    died = "update registries.citizen set deceased = $2 where key = $1"
    await post.scene.world.owner.execute(died, key_of(post.scene.patient), True)
    post.catcher.refusing = False
    await post.told(minutes=2)
    assert await post.carrier.round(NOW + timedelta(days=1)) == 0
    await post.scene.world.owner.execute(died, key_of(post.scene.patient), False)
    assert await post.carrier.round(NOW + timedelta(days=1)) == 2
