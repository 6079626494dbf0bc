"""Staff are told by e-mail that work waits: chosen, confirmed, a number alone, once a day and when something becomes late."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.portals.rooms.work import PortalWork
from helhed.trust.log.channels import Email
from helhed.work.escalating import Escalation
from helhed.work.telling import StaffMail, StaffWays
from tests.support.mail import Catcher, caught
from tests.support.pages import Pages
from tests.support.world import NOW
from tests.unit.work.conftest import Desk

MORNING = NOW + timedelta(days=1)


class Office:
    """The clinic, whose doctor has an address."""

    def __init__(self, desk: Desk, catcher: Catcher) -> None:
        self.desk, self.catcher, pool = desk, catcher, desk.world.store.pool
        self.email = Email("127.0.0.1", catcher.port, "", "", "helhed@helhed.example", False, "https://helhed.example/")
        self.ways, self.mail = StaffWays(pool, self.email), StaffMail(pool, self.email)

    async def begun(self, *, digest: bool = True, overdue: bool = True) -> None:
        await self.ways.want(self.desk.scene.gp, "laege@example.dk", digest=digest, overdue=overdue)
        (code,) = re.findall(r"kode er (\d{8})", self.catcher.messages.pop())
        assert await self.ways.confirm(self.desk.scene.gp, code)

    async def round(self, at: datetime) -> list[str]:
        """What left in a round."""
        was = len(self.catcher.messages)
        await self.mail.round(at)
        return self.catcher.messages[was:]


@pytest.fixture
async def office(desk: Desk) -> AsyncIterator[Office]:
    async with caught() as catcher:
        yield Office(desk, catcher)


async def test_each_morning_a_number_and_a_link_and_nothing_else(office: Office) -> None:
    await office.begun(overdue=False)
    for _ in range(2):
        await office.desk.ask_for(description="Kontrollér kalium")
    assert await office.round(NOW + timedelta(hours=3)) == []
    (mail,) = await office.round(MORNING)
    assert "2 opgaver venter, 0 af dem er forsinkede" in mail
    assert "https://helhed.example/opgaver" in mail
    assert not re.search(r"Ånæs|Ane|kalium|Lægehus|Afdeling|1958", mail)
    assert await office.round(MORNING + timedelta(hours=5)) == []
    assert len(await office.round(MORNING + timedelta(days=1))) == 1


async def test_nobody_is_told_that_nothing_waits(office: Office) -> None:
    await office.begun()
    assert await office.round(MORNING) == []


async def test_what_becomes_late_is_told_at_once_and_once(office: Office) -> None:
    await office.begun(digest=False)
    await office.desk.ask_for(due=NOW + timedelta(hours=2))
    await office.desk.ask_for(due=NOW + timedelta(days=9))
    assert await office.round(NOW + timedelta(hours=1)) == []
    (mail,) = await office.round(NOW + timedelta(hours=2, minutes=1))
    assert "2 opgaver venter, 1 af dem er forsinkede" in mail
    assert await office.round(NOW + timedelta(hours=3)) == []


async def test_what_is_escalated_to_the_unit_is_told_too(office: Office) -> None:
    await office.begun(digest=False)
    task = await office.desk.ask_for(
        office.desk.scene.gp, by=office.desk.scene.clinic, to=office.desk.scene.ward, due=NOW + timedelta(hours=2)
    )
    assert (await office.desk.piece(task))["asked"] == "ward"
    late = NOW + timedelta(hours=3)
    await Escalation(office.desk.world.store.pool).round(late)
    assert len(await office.round(late + timedelta(minutes=1))) == 1
    assert await office.round(late + timedelta(minutes=30)) == []


async def test_a_citizens_no_and_the_end_of_the_job_hold_for_the_numbers(office: Office) -> None:
    await office.begun()
    await office.desk.ask_for()
    await office.desk.world.block(office.desk.scene.patient, office.desk.scene.clinic)
    assert await office.round(MORNING) == []
    await office.desk.world.owner.execute("delete from trust.block")
    await office.desk.world.owner.execute("update trust.employment set valid_to = $1 where professional = $2", MORNING, office.desk.scene.gp.actor)  # fmt: skip
    assert await office.round(MORNING + timedelta(days=1)) == []


async def test_an_address_is_used_once_its_code_came_back_and_is_not_guessed(office: Office) -> None:
    gp = office.desk.scene.gp
    await office.desk.ask_for()
    await office.ways.want(gp, "laege@example.dk", digest=True, overdue=True)
    (code,) = re.findall(r"kode er (\d{8})", office.catcher.messages.pop())
    assert await office.round(MORNING) == []
    assert not await office.ways.confirm(replace(gp, organisation=key_of(office.desk.scene.ward)), code)
    for _ in range(5):
        assert not await office.ways.confirm(gp, "1")
    assert not await office.ways.confirm(gp, code)


async def test_five_codes_a_day_for_those_who_work_there_and_for_addresses_alone(office: Office) -> None:
    gp = office.desk.scene.gp
    for address, digest in (
        ("laege", True),
        ("a@b", True),
        ("a@b.dk\r\nBcc: x@y.dk", True),
        ("laege@example.dk", False),
    ):
        with pytest.raises(Unprocessable):
            await office.ways.want(gp, address, digest=digest, overdue=False)
    with pytest.raises(Overloaded):
        await office.ways.want(
            replace(gp, organisation=key_of(office.desk.scene.ward)), "laege@example.dk", digest=True, overdue=True
        )
    for _ in range(5):
        await office.ways.want(gp, "laege@example.dk", digest=True, overdue=True)
        await office.ways.end(gp)
    with pytest.raises(Overloaded):
        await office.ways.want(gp, "laege@example.dk", digest=True, overdue=True)
    assert len(office.catcher.messages) == 5


async def test_a_mail_server_that_is_away_is_tried_again_and_two_workers_send_one(office: Office) -> None:
    await office.begun()
    await office.desk.ask_for()
    office.catcher.refusing = True
    assert await office.round(MORNING) == []
    office.catcher.refusing = False
    assert await office.round(MORNING + timedelta(minutes=1)) == []
    found = [await office.mail.round(MORNING + timedelta(minutes=9)) for _ in range(2)]
    assert sorted(found) == [0, 1]


async def test_the_page_takes_an_address_its_code_and_the_end(office: Office) -> None:
    pages = Pages(office.desk.world)
    pages.ports = replace(pages.ports, work=PortalWork(office.desk.world.store, office.email))
    pages.app = build_portal_app(pages.ports)
    gp = await pages.person(office.desk.scene.gp)
    assert 'href="/opgaver/e-mail"' in await gp.get("/opgaver")
    await gp.post("/opgaver/e-mail", hvad="vil", adresse="laege@example.dk")
    assert (gp.status, "Vælg, hvornår" in gp.page) == (422, True)
    await gp.post("/opgaver/e-mail", hvad="vil", adresse="laege", dagligt="ja")
    assert (gp.status, "ikke en e-mailadresse" in gp.page) == (422, True)
    await gp.post("/opgaver/e-mail", hvad="vil", adresse="laege@example.dk", dagligt="ja")
    assert "Skriv den her" in gp.page
    await gp.post("/opgaver/e-mail", hvad="kode", kode="1")
    assert (gp.status, "Koden passer ikke" in gp.page) == (422, True)
    (code,) = re.findall(r"kode er (\d{8})", office.catcher.messages.pop())
    await gp.post("/opgaver/e-mail", hvad="kode", kode=code)
    assert "Der sendes til laege@example.dk" in gp.page
    await gp.post("/opgaver/e-mail", hvad="ingen")
    assert "Der sendes ikke mere" in gp.page


async def test_where_no_mail_goes_out_the_page_says_so(office: Office) -> None:
    gp = await Pages(office.desk.world).person(office.desk.scene.gp)
    assert "Driften kan sætte det op" in await gp.get("/opgaver/e-mail")
    await gp.post("/opgaver/e-mail", hvad="vil", adresse="laege@example.dk", dagligt="ja")
    assert (gp.status, office.catcher.messages) == (404, [])
